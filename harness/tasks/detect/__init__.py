"""Images to boxes to mAP: data set, letterbox, decode, and the metrics."""
