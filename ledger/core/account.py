"""Accounts: every balance in the system is an account's (design D4)."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class AccountKind(StrEnum):
    """What an account is for. Only an `issue` account may stand below zero."""

    ISSUE = "issue"
    WALLET = "wallet"


class Account(msgspec.Struct, frozen=True):
    """One owner, one asset, one kind, at most one mark; balance in minor units.

    `number` is dense and local to the ledger, given in order of opening; postings rows use it.
    `written` is the index of the entry that last wrote this account.
    """

    number: int
    id: bytes
    owner: bytes
    asset: str
    kind: AccountKind
    mark: str
    status: str
    balance: int
    written: int
