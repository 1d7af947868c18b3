"""TOSA graphs and their reference model: the oracle for what the NPU computes of a TOSA file or an ExecuTorch program."""
