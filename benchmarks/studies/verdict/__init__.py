"""Is the change of architecture worth it: the plain model against the levels on every NPU, by Vela's estimate and by ours."""
