"""Anything behind a GDB server: the client of the remote protocol, Thumb loads and stores, and bare-metal boards."""
