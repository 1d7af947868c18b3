"""The error tree: every message says what was found, what was expected, and at most one hint that can be typed.

EthosBenchError            exit code 1
├── UsageError             exit code 2   an option, a file or a configuration of the user's is wrong
├── ToolMissing            exit code 3   a program or a package that was asked for is not installed
├── TargetUnavailable      exit code 3   a target that was named is not there
├── CheckpointError        a .pt file cannot be loaded, or is not what its name says
├── ConversionError        checkpoint -> int8 TFLite failed
├── ModelError             a TFLite file is broken, or not full-integer
├── CompileError           Vela failed, or its outputs contradict each other
├── DatasetError           images or labels are missing or broken
├── StorageError           the cache or the results folder cannot be written
├── HistoryError           the history cannot be read or written as it is
│   └── HistoryUnavailable the history's server or file is not to be had now: what was to be written waits in the spool
├── BundleError            a bundle or a results folder is not whole
├── RunError               a target ran and could not prove what it did
├── ClaimNotMet            a documented claim is refuted or falls short, and --strict-claims was given
└── ThresholdNotMet        a threshold of --acceptance is not met, or has no figure of the evidence it asks for
"""

from __future__ import annotations

from core.printable import printable
from core.redaction import redacted


class EthosBenchError(Exception):
    """A failure that the user can act on; printed without a stack trace, without secrets, and fit for a terminal."""

    exit_code = 1

    def __init__(self, found: str, expected: str = "", hint: str = "") -> None:
        self.found, self.expected, self.hint = (printable(redacted(text), keep="\n\t") for text in (found, expected, hint))
        super().__init__(self.found)

    def __str__(self) -> str:
        lines = [self.found]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[type[EthosBenchError], tuple[str, str, str]]:
        """Rebuild from all three parts, so that an error survives the trip between processes."""
        return (type(self), (self.found, self.expected, self.hint))


class UsageError(EthosBenchError):
    """An option, a file or a configuration of the user's is wrong."""

    exit_code = 2


class ToolMissing(EthosBenchError):
    """A program or package that was asked for is not installed."""

    exit_code = 3


class TargetUnavailable(EthosBenchError):
    """A target that was named is not there; nothing falls back to another one."""

    exit_code = 3


class CheckpointError(EthosBenchError):
    """A checkpoint cannot be loaded, or is not what its name says."""


class ConversionError(EthosBenchError):
    """A checkpoint could not be turned into a full-integer TFLite file."""


class ModelError(EthosBenchError):
    """A TFLite file is broken, or is not full-integer."""


class CompileError(EthosBenchError):
    """Vela failed, or what it wrote contradicts itself."""


class DatasetError(EthosBenchError):
    """Images or labels are missing or broken."""


class StorageError(EthosBenchError):
    """The cache or the results folder cannot be written."""


class HistoryError(EthosBenchError):
    """The history cannot be read or written as it is."""


class HistoryUnavailable(HistoryError):
    """The history's server or file is not to be had now; another try later may do."""


class BundleError(EthosBenchError):
    """A bundle or a results folder is not whole."""


class RunError(EthosBenchError):
    """A target ran and could not prove what it did; `samples` are latencies in microseconds that had arrived by then."""

    samples: tuple[float, ...] = ()


class ClaimNotMet(EthosBenchError):
    """A documented claim is refuted or falls short, and --strict-claims was given."""


class ThresholdNotMet(EthosBenchError):
    """A threshold of --acceptance is not met, or has no figure of the evidence it asks for."""
