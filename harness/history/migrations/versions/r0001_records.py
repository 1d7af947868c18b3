"""Runs, records, verdicts, failures, samples and baselines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    _create_runs()
    _create_records()
    _create_contents()


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("started", sa.String(40), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("dirty", sa.Boolean, nullable=False),
        sa.Column("header", sa.JSON, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("ix_runs_started", "runs", ["started"])
    op.create_table(
        "identities",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("content", sa.JSON, nullable=False),
    )


def _create_records() -> None:
    op.create_table(
        "records",
        sa.Column("run_id", sa.String(200), sa.ForeignKey("runs.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.String(200), nullable=False) for name in ("variant", "profile", "target")),
        sa.Column("metric", sa.String(100), nullable=False),
        sa.Column("stat", sa.String(200), nullable=False),
        sa.Column("graph", sa.String(10), nullable=False),
        sa.Column("evidence", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(20), nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("unavailable", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("identity", sa.String(64), sa.ForeignKey("identities.digest"), nullable=False),
    )
    op.create_index("ix_records_metric", "records", ["metric"])


def _create_contents() -> None:
    for name in ("verdicts", "failures", "samples"):
        op.create_table(
            name,
            sa.Column("run_id", sa.String(200), sa.ForeignKey("runs.id"), primary_key=True),
            sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("content", sa.JSON, nullable=False),
        )
    op.create_table(
        "baselines",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(200), sa.ForeignKey("runs.id"), nullable=False),
        sa.Column("since", sa.String(40), nullable=False),
    )
