"""sessions, aliases and keys"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("live_limit", sa.BigInteger(), nullable=False),
        sa.Column("live_per_user_limit", sa.BigInteger(), nullable=False),
        sa.Column("starts_per_minute_limit", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_table(
        "archived_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("user_name", sa.String(length=128), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("fault", sa.String(length=16), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("recoveries", sa.BigInteger(), nullable=False),
        sa.Column("worker", sa.String(length=255), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("timeline", sa.JSON(), nullable=False),
        sa.Column("transcript", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("archived_sessions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_archived_sessions_accepted_at"), ["accepted_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_archived_sessions_ended_at"), ["ended_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_archived_sessions_reason"), ["reason"], unique=False)
        batch_op.create_index(batch_op.f("ix_archived_sessions_scope"), ["scope"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_archived_sessions_user_name"), ["user_name"], unique=False
        )

    op.create_table(
        "archived_aliases",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("alias", sa.String(length=128), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["archived_sessions.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("scope", "alias"),
    )
    with op.batch_alter_table("archived_aliases", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_archived_aliases_session_id"), ["session_id"], unique=False
        )


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("archived_aliases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_archived_aliases_session_id"))

    op.drop_table("archived_aliases")
    with op.batch_alter_table("archived_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_archived_sessions_user_name"))
        batch_op.drop_index(batch_op.f("ix_archived_sessions_scope"))
        batch_op.drop_index(batch_op.f("ix_archived_sessions_reason"))
        batch_op.drop_index(batch_op.f("ix_archived_sessions_ended_at"))
        batch_op.drop_index(batch_op.f("ix_archived_sessions_accepted_at"))

    op.drop_table("archived_sessions")
    op.drop_table("api_keys")
