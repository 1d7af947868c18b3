"""The model board: public architectures on every NPU, computed by hand and committed, made into a page of the site."""
