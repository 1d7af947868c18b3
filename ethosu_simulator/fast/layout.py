"""What the numbers of one step mean: the columns of the table that lowering.py writes and executor.py reads."""

from __future__ import annotations

# Kinds of steps.
COPY, CONVOLUTION, DEPTHWISE, MAP, MAP_PAIR, EXTREME, ELEMENTWISE, POOL = range(8)

# Every step: its kind, how many chunks it falls into, output rows of a chunk, and parts of a chunk's channels.
KIND, CHUNKS, CHUNK_ROWS, PARTS = range(4)

# Feature maps: place of the first of their row addresses in `numbers`, bytes between pixels and between blocks of 16
# channels, height, width, depth, bytes of an element (negative: signed).
(
    IN_ROWS, IN_PIXEL, IN_BLOCK, IN_HEIGHT, IN_WIDTH, IN_DEPTH, IN_TYPE,
    IN2_ROWS, IN2_PIXEL, IN2_BLOCK, IN2_HEIGHT, IN2_WIDTH, IN2_DEPTH, IN2_TYPE,
    OUT_ROWS, OUT_PIXEL, OUT_BLOCK, OUT_HEIGHT, OUT_WIDTH, OUT_DEPTH, OUT_TYPE,
) = range(4, 25)  # fmt: skip

# The window: padding, padded width, strides, rows that it covers, kernel, upscaling, the fill's 16 bytes in `data`, sign flip.
(
    TOP, LEFT, PADDED_WIDTH, STRIDE_Y, STRIDE_X, REACH_Y, KERNEL_Y, KERNEL_X, UPSCALE, FILL, FLIP, INSIDE_HEIGHT, INSIDE_WIDTH,
    PITCH, PIXEL_STEP, FLAT,
) = range(25, 41)  # fmt: skip

# Products and output stage: runs (offsets in `numbers`), weights, parameters and table (offsets in `data`), zero point, limits.
RUNS, RUN_COUNT, GROUPS, WEIGHTS, PARAMETERS, TABLE, ZERO, LOW, HIGH = range(41, 50)

# General elementwise and pooling: the operation, zero points, operand scales (4 numbers each), output scale, table.
(
    MODE, ZERO_A, ZERO_B, SCALE_A, SHIFT_A, FIRST_A, ROUND_A, SCALE_B, SHIFT_B, FIRST_B, ROUND_B, SCALE, SHIFT, ROUND,
    TABLE_KIND, TABLE_OFFSET, TABLE_LENGTH, SOURCE, TARGET, LENGTH,
) = range(50, 70)  # fmt: skip

COLUMNS = 72
