"""knowledge bases

On PostgreSQL every vector is also in the column ``indexed``, if pgvector can be had. Its width is
left open, because models differ; an index of pgvector is over one width, so each has its own.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DBAPIError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_EMBEDDED_DIMENSIONS = 384
_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "knowledge_bases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("dimensions", sa.BigInteger(), nullable=False),
        sa.Column("stamp", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("centre", sa.LargeBinary(), nullable=False),
        sa.Column("passages", sa.BigInteger(), nullable=False),
        sa.Column("vectors", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "knowledge_passages",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["base"], ["knowledge_bases.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "knowledge_vectors",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("part", sa.BigInteger(), nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["passage_id"], ["knowledge_passages.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    for table, column in (
        ("knowledge_passages", "base"),
        ("knowledge_vectors", "passage_id"),
        ("knowledge_vectors", "base"),
    ):
        op.create_index(f"ix_{table}_{column}", table, [column])
    if op.get_bind().dialect.name == "postgresql" and _pgvector():
        op.execute("ALTER TABLE knowledge_vectors ADD COLUMN indexed vector")
        op.execute(
            f"CREATE INDEX ix_knowledge_vectors_{_EMBEDDED_DIMENSIONS} ON knowledge_vectors USING "
            f"hnsw ((indexed::vector({_EMBEDDED_DIMENSIONS})) vector_cosine_ops) "
            f"WHERE vector_dims(indexed) = {_EMBEDDED_DIMENSIONS}"
        )


def downgrade() -> None:
    """Take back."""
    op.drop_table("knowledge_vectors")
    op.drop_table("knowledge_passages")
    op.drop_table("knowledge_bases")


def _pgvector() -> bool:
    """Tell whether pgvector is there, or could be added by whoever migrates."""
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except DBAPIError:
        return False
    return True
