"""Records of what a run proves: that the NPU executed, and that its bytes are the reference's."""

from __future__ import annotations

from core.records.measurement import Measurement
from core.records.run import Run
from core.records.unavailable import Unavailable
from harness.workbench.figures import Subject
from harness.workbench.reference import Equality


def equality_figures(subject: Subject, run: Run, found: Equality | Unavailable, inputs: str) -> list[Measurement]:
    """Whether every output byte is the reference's, and on how many images; `inputs` says in words what was run."""
    subject = subject.with_target(run.fingerprint)
    if isinstance(found, Unavailable):
        return [subject.record(metric, found, run.evidence) for metric in EQUALITY_METRICS]
    exact, against = found.equal == found.images, f"against {found.reference}, {inputs}"
    note = against if exact else f"{against}: {found.difference}"
    note = f"{note}; {found.finding}" if found.finding else note
    return [
        subject.record("bit_exact", exact, run.evidence, note=note),
        subject.record("bit_exact_images", found.equal, run.evidence, note=f"{found.equal} of {found.images}"),
    ]


EQUALITY_METRICS = ("bit_exact", "bit_exact_images")
