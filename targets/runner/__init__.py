"""What is copied to a board and runs there, and on this host: standard library, Python 3.8 or newer."""
