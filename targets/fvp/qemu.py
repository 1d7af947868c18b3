"""The engine `qemu`: the firmware, unmodified, on QEMU's Cortex-M55, and our NPU behind its registers."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import RunError, TargetUnavailable
from core.processes import Finished
from core.records.artefact import Artefact
from core.records.evidence import Evidence
from core.records.job import Job
from core.records.profile import Profile
from core.records.run import Run
from core.records.unavailable import Unavailable
from ethosu_simulator.command_stream import parse_payload
from ethosu_simulator.container import Container
from targets.fvp.arm import require_copied
from targets.fvp.command import INPUT, MODEL, OUTPUT, Launch
from targets.fvp.failures import require_success
from targets.fvp.firmware import Firmware
from targets.fvp.fit import needs
from targets.fvp.log import RunnerLog
from targets.fvp.model_file import (
    command_streams,
    only_input,
    output_bytes,
    output_tensors,
    read_compiled,
    untouched,
)
from targets.fvp.npu_counts import StreamEstimates
from targets.fvp.npu_device import NoSuchRegister, NpuDevice
from targets.fvp.npu_registers import PRODUCTS
from targets.fvp.npu_streams import StreamCache
from targets.fvp.npu_work import NpuWork, find_work
from targets.fvp.platforms import Platform, corstone
from targets.fvp.qemu_boot import Boot
from targets.fvp.qemu_machine import QEMU, QemuBoard, QemuMachine, started_machine
from targets.gdb.errors import GdbError
from targets.gdb.thumb import NotDecoded
from targets.job_folder import job_errors
from targets.simulator import npu_proof, simulator_digest

Array = NDArray[Any]

NO_CLOCK = Unavailable(
    "an emulated processor has no clock, and our NPU beside it none either; Vela's estimate is `estimated_us`"
)

MACHINE = "mps3-an547"
BOARDS = {
    "SSE-300": QemuBoard(MACHINE, (0x5810_2000, 0x4810_2000), 24),
    "SSE-310": QemuBoard(
        MACHINE, (0x5000_4000, 0x4000_4000), 16, "/machine/iotkit/cluster0/armv7m0 unnamed-gpio-in", vectors=0x1100_0000,
        cpuid=0x410F_D231,
    ),
}  # fmt: skip
"""The platforms that QEMU runs; the NPU is where the firmware has it. Its IRQ 56 on SSE-300 is line 24 of the expansion.

SSE-310 is no machine of QEMU's: its firmware finds all memories that it uses on SSE-300's, and a Cortex-M55 that calls itself
the Cortex-M85 that it asks for; the instructions are the same (Armv8.1-M with MVE). Its NPU's IRQ 16 is the processor's input.
"""


def missing(platform: Platform) -> str:
    """Why QEMU cannot run this platform here, "" when it can."""
    if platform.name not in BOARDS or platform.npu not in PRODUCTS:
        return f"QEMU has no machine for Corstone {platform.name} with an {platform.npu}"
    return "" if shutil.which(QEMU) else f"no {QEMU} on PATH"


def require(platform: Platform) -> str:
    """QEMU's executable; TargetUnavailable when it cannot run this platform here."""
    found, why = shutil.which(QEMU), missing(platform)
    if why or found is None:
        has = platform.name in BOARDS and platform.npu in PRODUCTS
        raise TargetUnavailable(
            f"engine qemu: {why}",
            f"{QEMU} (Debian's package of that name)" if has else "Corstone SSE-300 or SSE-310, or --fvp-engine open",
            f"apt-get install {QEMU}" if has else "ethos-bench run --target fvp --fvp-engine open",
        )
    return found


def said(platform: Platform) -> str:
    """What runs a platform here."""
    return f"QEMU {version(require(platform))} {BOARDS[platform.name].named} and our NPU"


@functools.cache
def version(executable: str) -> str:
    """What QEMU calls itself, such as "7.2.22"."""
    said = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False, timeout=60).stdout
    found = re.search(r"version (\S+)", said)
    return found.group(1) if found else "unknown"


@dataclass(frozen=True)
class Model:
    """A compiled file that is to run: its bytes, what is in it, and what the NPU's counters shall count of its streams."""

    artefact: Artefact
    content: bytes = field(repr=False)
    container: Container = field(repr=False)
    counts: StreamEstimates


@dataclass
class QemuCorstone:
    """Runs jobs on QEMU with one firmware, each start at most `limit_s` seconds long; streams stay planned between them."""

    platform: Platform
    executable: str
    firmware: Firmware
    limit_s: int
    progress: Callable[[str], None]
    streams: StreamCache

    def run(self, job: Job, name: str) -> Run:
        """The job's outputs with the proof that the NPU behind the firmware's driver ran the model's streams."""
        artefact = job.artefact
        content, container = read_compiled(artefact)
        model = Model(artefact, content, container, StreamEstimates(artefact, container))
        images = [only_input(container, feed, artefact.variant) for feed in job.feeds]
        started = [self._start(model, image) for image in images]
        first, work = started[0], started[0].work
        return Run(
            target=name,
            evidence=Evidence.SIMULATED_OPEN,
            fingerprint=self._fingerprint(),
            executed=artefact.compilation.compiled.sha256,
            outputs=tuple(one.outputs for one in started),
            latency_us=NO_CLOCK,
            proof=npu_proof(artefact.compilation.placement, work.commands, artefact.variant, work.said(first.accesses)),
            npu_time_share=NO_CLOCK,
            peak_memory_bytes=Unavailable("the memory of QEMU's process says nothing of the platform's"),
            notes=(*_notes(artefact, first), model.counts.said()),
            log="\n".join(one.log.text for one in started),
        )

    def _fingerprint(self) -> dict[str, str]:
        return {
            "engine": "qemu",
            "platform": self.platform.name,
            "qemu": f"{version(self.executable)} {BOARDS[self.platform.name].named}",
            "simulator": simulator_digest(),
            "firmware": f"{self.firmware.origin} {self.firmware.sha256}",
        }

    def _start(self, model: Model, image: Array) -> Booted:
        """One start on one input."""
        layout = corstone(model.artefact.compilation.profile)
        with tempfile.TemporaryDirectory(prefix="ethos-bench-qemu-") as place:
            folder = Path(place)
            placed = {
                layout.model_address: (folder / MODEL, model.content),
                layout.input_address: (folder / INPUT, np.ascontiguousarray(image).tobytes()),
            }
            if self.firmware.own:  # which need not say that it copied its output
                placed[layout.output_address] = folder / OUTPUT, untouched(output_bytes(model.container))
            with job_errors(folder):
                for file, data in placed.values():
                    file.write_bytes(data)
            loaded = {address: file for address, (file, _) in placed.items()}
            board = BOARDS[self.platform.name]
            try:
                with started_machine(self.executable, board, self.firmware.path, loaded, folder) as machine:
                    return self._boot(machine, model)
            except (GdbError, NotDecoded, NoSuchRegister) as error:
                raise type(error)(f"`{model.artefact.variant}`: {error.found}", error.expected, error.hint) from error

    def _boot(self, machine: QemuMachine, model: Model) -> Booted:
        """Let the firmware run to its end, and read what it left behind."""
        what, profile, container = model.artefact.variant, model.artefact.compilation.profile, model.container
        layout = corstone(profile)
        device = NpuDevice(
            product=PRODUCTS[profile.npu], macs=profile.macs, memory=machine, interrupt=machine.interrupt,
            streams=self.streams, counts=model.counts,
        )  # fmt: skip
        boot = Boot(machine, device, self.firmware.path, what)
        ended = boot.to_the_end(time.monotonic() + self.limit_s, lambda line: self.progress(f"{self.platform.name}: {line}"))
        if device.faults:
            raise RunError(
                f"`{what}`: the NPU did not finish: {device.faults[0]}; the firmware says: {boot.log.tail}",
                "a stream that the simulated NPU runs to its end",
            )
        if not boot.log.completed:
            _require_npu(container, profile, what, boot.log)
        size = output_bytes(container)
        launch = Launch(
            platform=self.platform, executable=Path(QEMU), firmware=self.firmware.path, macs=profile.macs, layout=layout,
            limit_s=self.limit_s, output_bytes=size, who="QEMU", own=self.firmware.own,
        )  # fmt: skip
        require_success(what, boot.log, Finished(boot.status, "", "", timed_out=not ended), launch)
        work = find_work(device.runs, command_streams(container), alone=not self.firmware.own)
        outputs = self._outputs(machine.read(layout.output_address, size), boot.log, work, what)
        return Booted(boot.log, work, device.accesses, output_tensors(outputs, container))

    def _outputs(self, found: bytes, log: RunnerLog, work: NpuWork, what: str) -> bytes:
        """The bytes where outputs are read from; RunError unless this model's inference was the last that wrote them."""
        inferences, number = log.inferences, log.inference_number(work.first, work.all)
        copied = [one.output_bytes for one in inferences]
        if any(copied) or not self.firmware.own:
            require_copied(inferences[number], len(found), what)
        if any(copied[number + 1 :]):
            raise RunError(f"`{what}`: another inference's output was copied over its own", "the model's inference as the last")
        if self.firmware.own and found == untouched(len(found)):
            raise RunError(f"`{what}`: the firmware never wrote its output; {log.tail}", f"{len(found)} bytes of output")
        return found


@dataclass(frozen=True)
class Booted:
    """What came back from one start: its log, what the NPU did, register accesses, and the output tensors of its input."""

    log: RunnerLog
    work: NpuWork
    accesses: int
    outputs: tuple[Array, ...] = field(repr=False)

    @property
    def inference(self) -> RunnerLog:
        """The part of the log that is about the model's inference."""
        return self.log.inferences[self.log.inference_number(self.work.first, self.work.all)]


def _require_npu(container: Container, profile: Profile, what: str, log: RunnerLog) -> None:
    """RunError when the model is for another NPU: the driver refuses it then, and this firmware loses the words that say so."""
    for one in container.operators:
        made_for = parse_payload(container.tensors[one.inputs[0]].data).config.name if one.name == "ethos-u" else ""
        if made_for not in ("", profile.accelerator_config):
            raise RunError(
                f"the driver refuses `{what}`, which is compiled for {made_for}: {log.tail}",
                f"a model for {profile.accelerator_config}, as which QEMU's NPU answers",
            )


def _notes(artefact: Artefact, first: Booted) -> tuple[str, ...]:
    computed, used, work = needs(artefact.compilation).arena, first.inference.arena_used_bytes, first.work
    notes = [work.said(first.accesses)]
    if used:
        notes.insert(0, f"arena: the firmware's own allocator uses {used} bytes, computed before were {computed}")
    if work.times > 1 or work.others:
        notes.append(
            f"the firmware ran the model {work.times} times and {work.others} streams of other models; its log tells of "
            f"{len(first.log.inferences)} inferences"
        )
    return tuple(notes)
