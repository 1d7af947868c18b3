"""What the PMU of an NPU without a clock answers: the open cycle model's figures for the streams of a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from core.records.artefact import Artefact
from ethosu_simulator import SimulatorError
from ethosu_simulator.container import Container
from ethosu_simulator.timing import Estimate, estimate_streams
from targets.fvp.model_file import command_streams


@dataclass
class StreamEstimates:
    """The cycles and beats of a model's streams by their bytes; estimated when the first is asked for."""

    artefact: Artefact
    container: Container
    refused: str = ""
    """Why the cycle model gives no figure, "" while it does."""

    def __call__(self, stream: bytes) -> Mapping[str, int]:
        """Cycles, and beats by port; nothing of a stream that is not the model's, or that the cycle model refuses."""
        found = self._estimates.get(stream)
        return {} if found is None else {"cycles": found.active_cycles, **found.beats}

    def said(self) -> str:
        """What the counters of the firmware's log are, in words."""
        if self.refused:
            return f"the NPU's counters answer 0: the cycle model refuses the model's streams: {self.refused}"
        found = list(self._estimates.values())
        if not found:
            return "the NPU's counters answer 0: the model has no command stream"
        return f"the NPU's counters in the log are estimates of the open cycle model (memory {found[0].memory})"

    @cached_property
    def _estimates(self) -> dict[bytes, Estimate]:
        compilation = self.artefact.compilation
        try:
            found = estimate_streams(compilation.compiled.path, compilation.profile.timing_memory)
        except SimulatorError as error:
            self.refused = str(error)
            return {}
        return dict(zip(command_streams(self.container), found, strict=True))
