"""Coverage-guided fuzzing of the simulator: whatever the bytes, a typed error or a result, in bounded time and memory."""
