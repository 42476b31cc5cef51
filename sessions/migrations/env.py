"""Alembic's entry point: migrates over the connection that ``sessions.schema`` hands in."""

from __future__ import annotations

from alembic import context

from sessions.questions.bases import KnowledgeBaseRow

context.configure(
    connection=context.config.attributes["connection"],
    # The tables of all modules share one metadata, which is whole when this one is imported.
    target_metadata=KnowledgeBaseRow.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
