"""The books: parties, keys, accounts, statements, assets, rates, packs, supply."""

from __future__ import annotations

from typing import Final

from ledger.core.ids import unb64
from sandbox_api.asked import AccountsQuery, DigestPath, IdPath, IndexQuery, KidPath, StatementQuery
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading import money, packs
from sandbox_api.reading.known import account_of, id_bytes, object_of
from sandbox_api.reading.moment import index_asked
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire import (
    AccountBody,
    AccountsBody,
    AssetsBody,
    BalanceBody,
    KeyBody,
    PackBody,
    PacksBody,
    PartyBody,
    RatesBody,
    StatementBody,
    SupplyBody,
)


def party(call: Call) -> Reply:
    """A party: role, attested tier, who registered it."""
    with call.parts.reader.snapshot() as view:
        found = object_of(view, "party", id_bytes(call.path["id"]))
    return Reply(money.party_body(require(found, "party")))


def party_accounts(call: Call) -> Reply:
    """A page of a party's accounts of one kind: its wallets where the caller does not say."""
    id, query = id_bytes(call.path["id"]), call.query_as(AccountsQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", id), "party")
        after = -1
        if query.after is not None:
            after = require(account_of(view, id_bytes(query.after)), "account").number
        return Reply(money.accounts_page(view, id, query.kind, after, query.limit))


def key(call: Call) -> Reply:
    """A key, of a party or of a till."""
    with call.parts.reader.snapshot() as view:
        found = money.key_body(view, unb64(call.path["kid"], 32))
    return Reply(require(found, "key"))


def account(call: Call) -> Reply:
    """An account with its balance."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(money.account_body(view, id_bytes(call.path["id"])), "account"))


def balance(call: Call) -> Reply:
    """A balance, now or just after an entry."""
    with call.parts.reader.snapshot() as view:
        index = index_asked(view, call.query_as(IndexQuery))
        found = money.balance_body(view, id_bytes(call.path["id"]), index)
    return Reply(require(found, "account"))


def statement(call: Call) -> Reply:
    """A page of an account's movements."""
    query = call.query_as(StatementQuery)
    if query.before is not None and query.after is not None:
        raise Problem("request.query", "give before or after, not both", where="after")
    with call.parts.reader.snapshot() as view:
        found = money.statement(
            view, id_bytes(call.path["id"]), query.before, query.after, query.limit
        )
    return Reply(require(found, "account"))


def assets(call: Call) -> Reply:
    """All assets."""
    with call.parts.reader.snapshot() as view:
        return Reply(AssetsBody(money.assets(view)))


def rates(call: Call) -> Reply:
    """The newest rate of each asset."""
    with call.parts.reader.snapshot() as view:
        return Reply(RatesBody(money.rates(view, call.parts.door.time())))


def supply(call: Call) -> Reply:
    """Supply of every asset, now or just after an entry."""
    with call.parts.reader.snapshot() as view:
        return Reply(money.supply(view, index_asked(view, call.query_as(IndexQuery))))


def all_packs(call: Call) -> Reply:
    """All rule packs that were ever in force."""
    with call.parts.reader.snapshot() as view:
        return Reply(PacksBody(packs.pack_rows(view)))


def current_pack(call: Call) -> Reply:
    """The rule pack in force."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(packs.pack_body(view, None), "rule pack in force"))


def one_pack(call: Call) -> Reply:
    """A rule pack by its digest."""
    with call.parts.reader.snapshot() as view:
        found = packs.pack_body(view, unb64(call.path["digest"], 32))
    return Reply(require(found, "rule pack"))


_NONE: Final = ("not_found",)

ROUTES: Final = (
    Route("GET", "/v1/parties/{id}", "party", "A party", party, Scope.READ,
          {200: Answer(PartyBody, "Role and attested tier.")}, IdPath, problems=_NONE),
    Route("GET", "/v1/parties/{id}/accounts", "party_accounts", "A party's accounts, by kind",
          party_accounts, Scope.READ, {200: Answer(AccountsBody, "A page, in order of opening.")},
          IdPath, AccountsQuery, problems=_NONE),
    Route("GET", "/v1/keys/{kid}", "key", "A key", key, Scope.READ,
          {200: Answer(KeyBody, "Whose it is.")}, KidPath, problems=_NONE),
    Route("GET", "/v1/accounts/{id}", "account", "An account", account, Scope.READ,
          {200: Answer(AccountBody, "As of the newest entry.")}, IdPath, problems=_NONE),
    Route("GET", "/v1/accounts/{id}/balance", "balance", "A balance at an entry", balance,
          Scope.READ, {200: Answer(BalanceBody, "Just after that entry.")}, IdPath, IndexQuery,
          problems=_NONE),
    Route("GET", "/v1/accounts/{id}/statement", "statement", "A statement, by cursor", statement,
          Scope.READ, {200: Answer(StatementBody, "A page.")}, IdPath, StatementQuery,
          problems=_NONE),
    Route("GET", "/v1/assets", "assets", "All assets", assets, Scope.READ,
          {200: Answer(AssetsBody, "In order of code.")}),
    Route("GET", "/v1/rates", "rates", "The newest rates", rates, Scope.READ,
          {200: Answer(RatesBody, "One an asset.")}, problems=("door_shut",)),
    Route("GET", "/v1/supply", "supply", "Supply of every asset", supply, Scope.READ,
          {200: Answer(SupplyBody, "Issued, redeemed, outstanding.")}, query=IndexQuery),
    Route("GET", "/v1/packs", "packs", "All rule packs", all_packs, Scope.READ,
          {200: Answer(PacksBody, "In order of digest.")}),
    Route("GET", "/v1/packs/current", "current_pack", "The rule pack in force", current_pack,
          Scope.READ, {200: Answer(PackBody, "Its text and rules.")}, problems=_NONE),
    Route("GET", "/v1/packs/{digest}", "pack", "A rule pack", one_pack, Scope.READ,
          {200: Answer(PackBody, "Its text and rules.")}, DigestPath, problems=_NONE),
)  # fmt: skip
