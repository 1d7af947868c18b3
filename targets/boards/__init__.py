"""Boards: how they are named, reached, checked and proved. The targets are targets/ssh_board.py, farm.py and replay.py."""
