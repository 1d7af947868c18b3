"""Random TFLite graphs of every operator that Vela supports, and their comparison with TFLite's reference kernels.

`graph.py` holds a graph under construction; the layers (`convolutions`, `elementwise`, `shapes`, `reductions`) take a tensor
and return the next one; `cases.py` turns a number into a case; `compare.py` runs cases in worker processes.
"""
