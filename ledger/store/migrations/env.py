"""What alembic runs for every migration: our connection, our version table, one transaction."""

from __future__ import annotations

from alembic import context

from ledger.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
