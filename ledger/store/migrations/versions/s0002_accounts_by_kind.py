"""A party's accounts lie by kind, so that its wallets are listed without walking past every hold
and lock it ever made. Frozen: `ledger/store/schema.py` says what the tables are by now."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Put the kind into the index, before the number."""
    op.drop_index("account_owner", "account")
    op.create_index("account_owner", "account", ["ledger", "owner", "kind", "number"])
