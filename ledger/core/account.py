"""Accounts: every balance in the system is an account's (design D4)."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class AccountKind(StrEnum):
    """What an account is for. Only an `issue` account may stand below zero.

    A `hold` or `lock` is money of its owner that is reserved for somebody: an object of that type
    and the account's id says for whom. What arrives for a frozen account may wait on its `held`
    account. Seized assets are the central bank's on a `reserve`. A `purse` is money of its owner
    that a device pays with offline: what that device signs takes it off, and the clock. Only the
    kinds made for them move any of these.
    """

    ISSUE = "issue"
    WALLET = "wallet"
    HOLD = "hold"
    LOCK = "lock"
    HELD = "held"
    RESERVE = "reserve"
    PURSE = "purse"


RESERVED = frozenset({AccountKind.HOLD, AccountKind.LOCK})
"""Accounts whose money is for the payee that their object names, or goes back to their owner."""


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
