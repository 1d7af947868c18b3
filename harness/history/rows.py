"""A figure as a row of the table of records, and back: the columns are the fields of a measurement."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy.engine import Row

from core.records.measurement import ABSENCE, Measurement

APART = ("value", "identity")
"""Fields that a row holds in another form: a value or the reason for none, and a reference to the identity."""
TEXTS = tuple(one.name for one in fields(Measurement) if one.name not in APART)
EMPTY = ("build", "stat", "graph")
"""Texts that a row holds as "" when a record has none, because they name a figure; others are no value."""


def row_of(figure: Measurement) -> dict[str, object]:
    """The columns of a figure, those that name its run and its identity left out."""
    record = figure.to_json()
    return {name: record.get(name, "" if name in EMPTY else None) for name in (*TEXTS, "value", *ABSENCE)}


def record_of(row: Row[Any]) -> dict[str, object]:
    """The record that a row was made of; `value` or `unavailable`, and no empty parts."""
    record: dict[str, object] = {name: text for name in (*TEXTS, *ABSENCE) if (text := getattr(row, name))}
    record["identity"] = row.identity_content
    return record if row.unavailable is not None else {**record, "value": row.value}
