"""How quantisation recipes were chosen: on calibration images only, never on the test split."""
