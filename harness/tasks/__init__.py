"""What a model is for: data set, decoding and metric of each task, one folder per task."""
