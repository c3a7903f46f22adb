"""Accounts that bear a mark are found by it; most bear none, and are not in the index. Frozen:
`ledger/store/schema.py` says what the tables are by now."""

from __future__ import annotations

from alembic import op
from sqlalchemy import text

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """An index over accounts with a mark alone."""
    marked = text("mark <> ''")
    op.create_index(
        "account_mark", "account", ["ledger", "mark", "number"],
        sqlite_where=marked, postgresql_where=marked,
    )  # fmt: skip
