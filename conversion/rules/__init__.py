"""What a piece of hardware takes by its published rules; nothing runs and nothing is compiled."""
