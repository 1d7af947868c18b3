"""Arm's Corstone reference platforms: Arm's own FVP where it is installed, our simulator configured alike where it is not."""
