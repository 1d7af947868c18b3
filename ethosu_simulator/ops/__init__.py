"""One file per operation of the NPU: what its integers mean; and what several share: window, feature maps, output stage."""
