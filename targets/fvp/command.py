"""The command line of one FVP run, and the environment it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.records.profile import Corstone
from targets.fvp.platforms import Platform

MODEL, INPUT, OUTPUT = "model.tflite", "input.bin", "output.bin"
"""Files of a run's own folder, where it is started: a path may hold no `@` and no `,`."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """What one run starts: an executable, a firmware, the NPU's size, so many seconds at most, so many bytes of output."""

    platform: Platform
    executable: Path
    firmware: Path
    macs: int
    layout: Corstone
    limit_s: int
    output_bytes: int
    who: str = "the FVP"
    """How error messages call what runs the firmware."""
    own: bool = False
    """Whether the firmware is the user's and need not say what Arm's runner says: its end and its NPU prove the rest."""

    def command(self) -> list[str]:
        """The FVP's command line; `--data` and `--dump` name files of the folder it is started in."""
        layout, parameters = self.layout, (*self.platform.headless, f"{self.platform.macs}={self.macs}")
        dump = f"{self.platform.cpu}={OUTPUT}@Memory:{layout.output_address:#x},{self.output_bytes}"
        return [
            str(self.executable),
            *(word for parameter in parameters for word in ("-C", parameter)),
            "-a",
            str(self.firmware),
            "--data",
            f"{MODEL}@{layout.model_address:#x}",
            "--data",
            f"{INPUT}@{layout.input_address:#x}",
            "--dump",
            dump,
            "--timelimit",
            str(self.limit_s),
            "--stat",
        ]

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What newer FVPs need besides: the Python and the libraries that Arm ships beside them."""
        for folder in list(self.executable.parents)[:3]:
            python = folder / "python"
            if (python / "lib").is_dir():
                libraries = [str(folder / "fmtplib"), str(python / "lib"), inherited.get("LD_LIBRARY_PATH", "")]
                return {"PYTHONHOME": str(python), "LD_LIBRARY_PATH": ":".join(part for part in libraries if part)}
        return {}
