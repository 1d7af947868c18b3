"""The build of a figure's model, the recording that answered for its target, and the kind and file of a missing figure."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; figures of older versions have the default build and none of the others."""
    op.add_column("records", sa.Column("build", sa.String(400), nullable=False, server_default=""))
    op.add_column("records", sa.Column("replayed_from", sa.Text))
    op.add_column("records", sa.Column("unavailable_kind", sa.String(40)))
    op.add_column("records", sa.Column("unavailable_file", sa.Text))
