"""an index from which ends are counted by reason and fault"""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLE = "archived_sessions"
_BEFORE, _NOW = "ix_archived_sessions_ended_at", "ix_archived_sessions_ended"


def upgrade() -> None:
    """Apply. What the former index found, the new one finds as well."""
    op.create_index(_NOW, _TABLE, ["ended_at", "reason", "fault"], unique=False)
    op.drop_index(_BEFORE, _TABLE)


def downgrade() -> None:
    """Take back."""
    op.create_index(_BEFORE, _TABLE, ["ended_at"], unique=False)
    op.drop_index(_NOW, _TABLE)
