"""What a layer has to keep, one small function per constraint.

Each takes the layer and the device and returns why the NPU refuses the layer, "" when it keeps the constraint. All are facts of
Arm's Ethos-N driver stack 25.03 in our own words; where its documents and its answers differ, the answers count.
"""
