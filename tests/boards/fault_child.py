"""A harness that can be killed: runs a job on a board and prints a line for each sample that arrives."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import numpy as np

from conversion.pipeline import compile_source, tflite_source
from conversion.profile_files import load_profile
from conversion.vela_options import VelaOptions
from core.records.job import Job
from targets.kinds import TargetOptions, open_target
from targets.runner.protocol import Delegated, Event, Sample
from targets.transcript import Transcript


def main(targets: str, board: str, repeats: str, model: str, cache: str, journal: str) -> None:
    """Run the job."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may have ignored it
    os.environ["ETHOS_BENCH_CACHE"] = str(Path(cache).parents[1])
    source = tflite_source(Path(model))
    artefact = compile_source(source, load_profile("ethos-u65-256"), VelaOptions(), lambda _: None)
    take = Transcript.take

    def tapped(transcript: Transcript, line: str) -> Event | None:
        event = take(transcript, line)
        if isinstance(event, Sample) and transcript.all(Delegated):
            sys.stdout.write("sample\n")
            sys.stdout.flush()
        return event

    setattr(Transcript, "take", tapped)  # noqa: B010  # mypy refuses to assign to a method
    options = TargetOptions(threads=1, targets_file=Path(targets), journal=Path(journal) if journal else None)
    shape = source.graph.inputs[0].shape
    with open_target(board, options) as target:
        target.run(Job(artefact, (np.zeros(shape, np.int8),), int(repeats), warmup=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
