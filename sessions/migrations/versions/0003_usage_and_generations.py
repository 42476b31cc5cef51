"""usage and generations

What ended before this has used nothing that is known, and its agents are not told apart.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLE = "archived_sessions"


def upgrade() -> None:
    """Apply."""
    for name, kind, before in (
        ("correlation_id", sa.String(length=128), "''"),
        ("events", sa.BigInteger(), "0"),
        ("generations", sa.JSON(), "'[]'"),
        ("usage", sa.JSON(), "'{}'"),
    ):
        default = sa.text(before)
        op.add_column(_TABLE, sa.Column(name, kind, nullable=False, server_default=default))


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table(_TABLE, schema=None) as batch_op:
        for name in ("usage", "generations", "events", "correlation_id"):
            batch_op.drop_column(name)
