"""One image through the float graph, the int8 graph and the NPU, layer by layer."""
