"""The second front end: a checkpoint's float graph quantised and lowered by ExecuTorch, in an environment of its own."""
