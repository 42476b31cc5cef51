"""Alembic's entry point: migrates over the connection that ``sessions.schema`` hands in."""

from __future__ import annotations

from alembic import context

from sessions.questions.bases import KnowledgeBaseRow
from sessions.webhooks.tables import EndpointRow

context.configure(
    connection=context.config.attributes["connection"],
    # The tables of all modules share one metadata, which is whole when these are imported.
    target_metadata=[KnowledgeBaseRow.metadata, EndpointRow.metadata],
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
