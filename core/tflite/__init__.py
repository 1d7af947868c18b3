"""The one bounded reader of TFLite files: graph, nodes, multiply-accumulates, fingerprint."""
