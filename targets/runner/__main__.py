"""The runner's command line: `JOB.json` runs the job in a file, `--board` supervises the job of stdin's first line."""

import signal
import sys

from targets.runner.reporting import keep_stdout
from targets.runner.supervisor import supervise
from targets.runner.tflite_runner import main

if sys.argv[1] == "--board":
    keep_stdout()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    sys.exit(supervise())
sys.exit(main(sys.argv[1]))
