"""ExecuTorch programs (.pte) whose delegates Vela compiled: read, and run with every delegate on the simulated NPU."""
