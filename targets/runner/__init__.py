"""The file that is copied to a board and runs there."""
