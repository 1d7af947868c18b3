"""What a machine shows of its NPU and of itself: counters, interrupts, the device node, governor, temperature."""

import ctypes
import glob
import os
import re
import stat
from typing import List, Tuple

from targets.runner.protocol import State

COUNTER = re.compile(r"cycle counter:\s*(\d+)", re.IGNORECASE)
INTERRUPT = re.compile(r"ethos|\bnpu|\baccel", re.IGNORECASE)  # and not every "input"
KEPT_LOG_BYTES = 4 << 20


class Printed:
    """What the delegate prints: descriptor 1 leads to memory from now on, so that a full disk loses nothing."""

    def __init__(self) -> None:
        self.file = os.memfd_create("printed")
        os.dup2(self.file, 1)

    def counters(self) -> List[int]:
        """The cycle counts in what was printed so far: one for each operator and inference."""
        ctypes.CDLL(None).fflush(None)
        return [int(number) for number in COUNTER.findall(os.pread(self.file, KEPT_LOG_BYTES, 0).decode("ascii", "replace"))]


def device_node(path: str) -> Tuple[str, str]:
    """What stands at the NPU's device path, and its driver: a character device is real, anything else is a stand-in."""
    try:
        found = os.stat(path)
    except OSError:
        return "absent", ""
    if not stat.S_ISCHR(found.st_mode):
        return "no character device", ""
    number = "/sys/dev/char/%d:%d" % (os.major(found.st_rdev), os.minor(found.st_rdev))
    for link in (number + "/device/driver", number + "/subsystem"):
        if os.path.exists(link):
            return "character device", os.path.basename(os.path.realpath(link))
    return "character device", ""


def interrupts() -> int:
    """How many interrupts the NPU has raised since the board started; 0 where the kernel names none."""
    total = 0
    for line in read("/proc/interrupts").splitlines():
        if INTERRUPT.search(line):
            total += sum(int(word) for word in line.partition(":")[2].split() if word.isdigit() and len(word) < 12)
    return total


def read(path: str) -> str:
    """The content of a small file, "" when it is not there."""
    try:
        with open(path) as file:
            return file.read(65536).strip()
    except (OSError, UnicodeDecodeError):
        return ""


def state(when: str) -> State:
    """How the board is now."""
    cpu = "/sys/devices/system/cpu/cpu0/cpufreq/"
    zones = [read(path) for path in glob.glob("/sys/class/thermal/thermal_zone*/temp")]
    cooling = [read(path) for path in glob.glob("/sys/class/thermal/cooling_device*/cur_state")]
    hot = [int(zone) for zone in zones if zone.lstrip("-").isdigit()]
    return State(
        when=when,
        governor=read(cpu + "scaling_governor") or "unknown",
        frequency_khz=int(read(cpu + "scaling_cur_freq") or 0),
        temperature_mc=max(hot) if hot else None,
        throttled=any(level.isdigit() and int(level) > 0 for level in cooling),
        load=read("/proc/loadavg").split(" ")[0],
    )
