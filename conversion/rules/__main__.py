"""`python -m conversion.rules FILE.jsonl...`: layers with the hardware's answers, held against our rules."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from conversion.rules.rows import JudgedRow, judged_rows
from core.errors import EthosBenchError

USAGE = "usage: python -m conversion.rules FILE.jsonl [FILE.jsonl ...]"


def main(arguments: list[str]) -> int:
    """Exit code: 0 when every row agrees, 1 when one differs, 2 when a file cannot be read."""
    if not arguments or arguments[0].startswith("-"):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        rows = [(path, row) for path in arguments for row in judged_rows(Path(path))]
    except EthosBenchError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    for path, row in rows:
        if row.differs:
            sys.stdout.write(f"{path}:{row.line}: {_told(row)}\n")
    answered = [row for _, row in rows if row.supported is not None]
    if len(answered) < len(rows):
        sys.stdout.write(f"{len(rows) - len(answered)} rows say nothing of `supported`\n")
    differing = sum(row.differs for row in answered)
    sys.stdout.write(f"{differing} of {len(answered)} differ\n")
    return 1 if differing else 0


def _told(row: JudgedRow) -> str:
    ours = f"we refuse it: {row.refusal}" if row.refusal else "we take it"
    name = f" `{row.row['name']}`" if "name" in row.row else ""
    supported = json.dumps(row.supported)
    return f"{row.row.get('op')}{name} on {row.row.get('variant')}: supported is {supported}, {ours}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
