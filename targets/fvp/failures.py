"""What a run's log and ending mean when it failed: each cause a sentence of its own, with the way out."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.errors import RunError
from core.processes import Finished
from targets.fvp.command import Launch
from targets.fvp.log import LICENCE, RunnerLog

Cause = Callable[[str, RunnerLog, Finished, Launch], RunError | None]

# What the driver says comes only from a firmware that prints its standard error: the `_write` of Arm's prebuilt runners
# answers that it wrote 0 bytes, and newlib drops all but the first characters ("E: E: E:"). Theirs end in `_npu_fault`.
MISMATCH = re.compile(r"NPU config mismatch\. npu\.macs_per_cc=(\d+), optimizer\.macs_per_cc=(\d+)")
OTHER_MISMATCH = re.compile(r"NPU (?:config|arch) mismatch\..*")
ARENA = re.compile(r"Failed to resize buffer\. Requested: (\d+), available (\d+), missing: \d+")
NO_OPERATOR = re.compile(r"Didn't find op for .*")
UNKNOWN_PARAMETER = re.compile(r".*(?:parameter|instance).*(?:not found|unknown|does not exist).*", re.IGNORECASE)


def require_success(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> None:
    """Raise RunError unless the firmware completed its inference; an exit code of 0 proves nothing."""
    for cause in CAUSES:
        error = cause(what, log, finished, launch)
        if error:
            raise error
    if launch.own and finished.returncode:
        raise RunError(f"`{what}`: the firmware ended with status {finished.returncode}: {log.tail or 'no word'}", "status 0")
    if not log.completed and not launch.own:
        raise RunError(
            f"`{what}`: the log ends before the inference is complete ({launch.who} ended with {finished.returncode}); "
            f"last: {log.tail or finished.stderr.strip()[-200:] or 'nothing'}",
            "`Inference completed.`",
        )
    if log.errors:
        raise RunError(f"`{what}`: the firmware reports errors beside a result: {log.errors[0]}", "a run without errors")


def _licence(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    said = [line for line in (*log.lines, *finished.stderr.splitlines()) if LICENCE.search(line)]
    if log.booted or not said:
        return None
    return RunError(
        f"the FVP asks about its licence and runs nothing: {said[0].strip()[:200]}",
        "an installed FVP whose EULA you have accepted",
        f"ethos-bench fvp install --accept-eula {launch.platform.name}",
    )


def _parameter(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    said = [line for line in (*log.lines, *finished.stderr.splitlines()) if UNKNOWN_PARAMETER.match(line)]
    if log.booted or not said:
        return None
    return RunError(
        f"`{launch.executable.name}` does not know a parameter: {said[0].strip()[:200]}",
        f"an FVP of Corstone {launch.platform.name}",
        f"{launch.executable} --list-params",
    )


def _not_started(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    if log.booted or finished.timed_out or launch.own:
        return None
    said = log.tail or " | ".join(finished.stderr.strip().splitlines()[-3:]) or "nothing"
    return RunError(
        f"`{what}`: {launch.who} ended with {finished.returncode} before the firmware said anything: {said[:400]}",
        f"a firmware for Corstone {launch.platform.name} (`{launch.firmware.name}` was loaded)",
        f"{launch.executable} --help",
    )


def _macs(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    found = MISMATCH.search(log.text)
    if found:
        fvp, model = (1 << min(int(bits), 16) for bits in found.groups())
        return RunError(f"`{what}` is compiled for {model} MACs, {launch.who}'s NPU has {fvp}", f"{launch.macs} MACs in both")
    other = OTHER_MISMATCH.search(log.text)
    if other:
        return RunError(f"`{what}` is compiled for another NPU: {other.group()}", launch.platform.npu)
    if log.macs and log.macs != launch.macs:
        return RunError(f"{launch.who}'s NPU has {log.macs} MACs", f"{launch.macs}, as {launch.platform.macs} was set")
    return None


def _npu(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    if "Failed to initialise Ethos-U device" not in log.text:
        return None
    return RunError(
        f"the firmware finds no NPU: {' | '.join(log.reports)[:300]}",
        f"an {launch.platform.npu} in Corstone {launch.platform.name}: this is not Arm's FVP, or firmware for another platform",
    )


def _arena(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    found = ARENA.search(log.text)
    if not found:
        return None
    needs, has = (int(part) / 2**20 for part in found.groups())
    return RunError(
        f"`{what}` does not fit: it needs {needs:.2f} MiB of arena, the firmware has {has:.2f} MiB",
        "a smaller model, or a firmware with a larger arena (--fvp-firmware)",
        "ethos-bench run --target fvp --imgsz auto",
    )


def _operator(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    found = NO_OPERATOR.search(log.text)
    return (
        RunError(f"`{what}`: the firmware lacks an operator: {found.group()}", "operators of TFLite Micro") if found else None
    )


def _hang(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    if not finished.timed_out:
        return None
    return RunError(
        f"`{what}`: {launch.who} was ended after {launch.limit_s} s without a result; last: {log.tail or 'nothing'}",
        "a run that ends",
        "ethos-bench run --target fvp --fvp-seconds 3600",
    )


def _npu_fault(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    for words in ("NPU error(s) occured", "NPU inference timed out", "NPU status=", "Invoke failed", "Failed to invoke"):
        if words in log.text:
            return RunError(
                f"`{what}`: the NPU did not finish: {' | '.join(log.reports)[:300]}", "an inference without NPU errors"
            )
    return None


def _firmware(what: str, log: RunnerLog, finished: Finished, launch: Launch) -> RunError | None:
    if log.completed or not log.errors:
        return None
    said = " | ".join(log.errors)[:300]
    return RunError(
        f"`{what}`: the firmware failed ({launch.who} ended with {finished.returncode} all the same): {said}", "a result"
    )


CAUSES: tuple[Cause, ...] = (
    _licence, _parameter, _not_started, _macs, _npu, _arena, _operator, _hang, _npu_fault, _firmware,
)  # fmt: skip
"""In this order: a later one often is a consequence of an earlier one."""
