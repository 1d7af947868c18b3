"""The "device" behind the stand-in delegate: a Unix socket whose other end runs `ethos-u` operators in the simulator.

`python -m tests.boards.npu_device SOCKET`. A connection belongs to one operator: its first message has three parts, a
description of its tensors, its command stream and its constants; every later one has its inputs and gets its outputs. A message
is the number of its parts (uint32), then each part as its length (uint64) and its bytes; an answer's first part is "ok NUMBER"
or the reason of a refusal. The number counts the operations that the simulated NPU did: it moves when the NPU works, and is
no number of cycles.
"""

from __future__ import annotations

import socketserver
import struct
import sys
from collections.abc import Sequence
from io import BufferedIOBase
from pathlib import Path

import numpy as np

from ethosu_simulator import NpuOperator, SimulatorError
from ethosu_simulator.container import DTYPES, Container, Operator, Tensor
from ethosu_simulator.limits import Limits
from ethosu_simulator.trace import Executed

LARGEST_PART = 1 << 28


def read_message(stream: BufferedIOBase) -> list[bytes] | None:
    """The parts of the next message, None at the end of the connection."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    parts = []
    for _ in range(struct.unpack("<I", head)[0]):
        (size,) = struct.unpack("<Q", stream.read(8))
        if size > LARGEST_PART:
            raise ValueError(f"a part of {size} bytes: expected at most {LARGEST_PART}")
        parts.append(stream.read(size))
        if len(parts[-1]) < size:
            return None  # a board that was switched off, or a process that was killed, in the middle of a message
    return parts


def write_message(stream: BufferedIOBase, parts: Sequence[bytes]) -> None:
    """Send a message whole."""
    stream.write(struct.pack("<I", len(parts)) + b"".join(struct.pack("<Q", len(part)) + part for part in parts))
    stream.flush()


def operator_of(description: str, commands: bytes, constants: bytes) -> NpuOperator:
    """The operator that a delegate describes: a line per tensor with its role, index, type, arena offset and shape."""
    tensors: dict[int, Tensor] = {}
    roles: dict[str, list[int]] = {"region": [], "input": [], "output": []}
    for line in description.splitlines():
        role, index, kind, offset, *shape = line.split()
        number = int(index)
        roles[role].append(number)
        data = {0: commands, 1: constants}.get(len(roles["region"]) - 1, b"") if role == "region" else b""
        dims = tuple(int(side) for side in shape)
        tensors[number] = Tensor(number, f"t{number}", dims, DTYPES[int(kind)], data, int(offset))
    count = max(tensors) + 1
    listed = tuple(tensors.get(i, Tensor(i, "", (), "int8", b"", -1)) for i in range(count))
    inputs, outputs = tuple(roles["input"]), tuple(roles["output"])
    operator = Operator(name="ethos-u", inputs=tuple(roles["region"]) + inputs, outputs=outputs)
    return NpuOperator(Container(tensors=listed, operators=(operator,), inputs=inputs, outputs=outputs), operator, Limits())


class Connection(socketserver.StreamRequestHandler):
    """One delegate kernel."""

    def handle(self) -> None:
        """Serve messages until the delegate closes; what the simulator refuses is answered with its reason."""
        first = read_message(self.rfile)
        if first is None:
            return
        try:
            operator = operator_of(first[0].decode(), first[1], first[2])
        except (SimulatorError, ValueError, KeyError) as error:
            write_message(self.wfile, [f"refused: {error}".encode()[:500]])
            return
        write_message(self.wfile, [b"ok 0"])
        while (inputs := read_message(self.rfile)) is not None:
            write_message(self.wfile, _answer(operator, inputs))


def _answer(operator: NpuOperator, inputs: list[bytes]) -> list[bytes]:
    arrays = [
        np.frombuffer(data, tensor.dtype).reshape(tensor.shape) for data, tensor in zip(inputs, operator.inputs, strict=True)
    ]
    trace: list[Executed] = []
    try:
        outputs = operator.run(arrays, trace)
    except SimulatorError as error:
        return [f"refused: {error}".encode()[:500]]
    return [f"ok {len(trace)}".encode(), *(np.ascontiguousarray(output).tobytes() for output in outputs)]


class Device(socketserver.ThreadingUnixStreamServer):
    """The socket; a connection that breaks is its own end only."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A board that was switched off in the middle of a message is an everyday event here."""
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError, struct.error)):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # any socket


def main(path: str) -> None:
    """Serve until killed."""
    with Device(path, Connection) as device:
        Path(path).chmod(0o666)
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        device.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
