"""What the history last saw of a case, so that what did not change since is not kept again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, select, text

from core.records.case_key import CaseKey
from core.records.measurement import Measurement
from harness.history.database_tables import IDENTITIES, RECORDS, RUNS
from harness.history.rows import record_of
from harness.results.stored_run import canonical

CASE = (RECORDS.c.variant, RECORDS.c.build, RECORDS.c.profile, RECORDS.c.target)


def changed_records(connection: Connection, records: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """The records of those cases of which the newest run that has the case holds others, or that no run has.

    Until the transaction ends nobody else adds a run.
    """
    if connection.dialect.name == "postgresql":  # SQLite's writers wait for each other anyhow
        connection.execute(text("LOCK TABLE runs IN SHARE ROW EXCLUSIVE MODE"))
    asked: dict[CaseKey, list[Measurement]] = defaultdict(list)
    for record in records:
        asked[record.case].append(record)
    known = _last(connection, sorted({case.variant for case in asked}))
    changed = {case for case, own in asked.items() if known.get(case) != sorted(canonical(one.to_json()) for one in own)}
    return tuple(record for record in records if record.case in changed)


def _last(connection: Connection, variants: Sequence[str]) -> dict[CaseKey, list[str]]:
    """The records of each case of these models in the newest run that has it, as canonical JSON, sorted."""
    of_variants = RECORDS.c.variant.in_(variants)
    places = select(*CASE, RECORDS.c.run_id, RUNS.c.started).join(RUNS).where(of_variants).distinct()
    newest = {
        CaseKey(row.variant, row.build, row.profile, row.target): row.run_id
        for row in connection.execute(places.order_by(RUNS.c.started, RECORDS.c.run_id))
    }
    rows = select(RECORDS, IDENTITIES.c.content.label("identity_content")).join(IDENTITIES)
    found: dict[CaseKey, list[str]] = defaultdict(list)
    for row in connection.execute(rows.where(of_variants, RECORDS.c.run_id.in_(sorted(set(newest.values()))))):
        case = CaseKey(row.variant, row.build, row.profile, row.target)
        if newest[case] == row.run_id:
            found[case].append(canonical(record_of(row)))
    return {case: sorted(records) for case, records in found.items()}
