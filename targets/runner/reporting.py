"""Where a runner's events go: a descriptor of their own, since libraries print to 1."""

import os

from targets.runner.protocol import Event, written

output = 1


def keep_stdout() -> None:
    """From now on events go to a copy of descriptor 1, which may then lead elsewhere."""
    global output  # the one descriptor of this process
    output = os.dup(1)


def say(event: Event) -> None:
    """Write one event as a line at once."""
    os.write(output, (written(event) + "\n").encode())
