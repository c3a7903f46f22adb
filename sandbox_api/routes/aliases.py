"""Names under which accounts are paid: records beside the log, and what the ledger has of them.

Binding, dropping and paying are transactions. Words are asked for one by one, whole, and few times
a minute for each API key: nobody finds out by asking who has a number here.
"""

from __future__ import annotations

import time
from typing import Final

from ledger.core.ids import unb64
from sandbox_api.asked import IdPath
from sandbox_api.auth import Scope, digest_of
from sandbox_api.limits import RESOLUTIONS_A_MINUTE_MAX
from sandbox_api.problems import Problem
from sandbox_api.reading import aliases
from sandbox_api.reading.known import account_of, id_bytes
from sandbox_api.requests import Answer, Body, Call, Reply, Route, require
from sandbox_api.wire_aliases import (
    AliasBody,
    AliasesBody,
    AliasPath,
    ForgottenBody,
    NameAliasBody,
    NamedBody,
    ResolveBody,
    ResolvedBody,
)

_MINUTE_S: Final = 60


def name(call: Call) -> Reply:
    """Keep the record of a word."""
    made = aliases.take_record(call.parts, call.tenant, call.body_as(NameAliasBody))
    return Reply(made, 201)


def resolve(call: Call) -> Reply:
    """Say who is paid under a word. Every question counts, whatever its answer."""
    now = int(time.time())
    digest, minute = digest_of(call.token), now // _MINUTE_S
    asked = call.parts.tenants.aliases.count(digest, minute)
    if asked > RESOLUTIONS_A_MINUTE_MAX:
        detail = f"an API key resolves {RESOLUTIONS_A_MINUTE_MAX} words a minute"
        raise Problem("alias.budget", detail, retry_after_s=_MINUTE_S - now % _MINUTE_S)
    return Reply(aliases.resolve(call.parts, call.tenant, call.body_as(ResolveBody).word))


def one(call: Call) -> Reply:
    """An alias as the ledger has it."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(aliases.alias(view, unb64(call.path["alias"], 32)), "alias"))


def forget(call: Call) -> Reply:
    """Keep word, salt and name of an alias no more."""
    text = call.path["alias"]
    forgotten = call.parts.tenants.aliases.forget(call.tenant, unb64(text, 32))
    return Reply(ForgottenBody(text, forgotten))


def account_aliases(call: Call) -> Reply:
    """The aliases under which an account can be paid."""
    id = id_bytes(call.path["id"])
    with call.parts.reader.snapshot() as view:
        require(account_of(view, id), "account")
        return Reply(aliases.aliases_of(view, id))


ROUTES: Final = (
    Route("POST", "/v1/aliases", "name_alias", "Keep the record of a word", name, Scope.RECORDS,
          {201: Answer(NamedBody, "Kept. Bind its commitment, and the word resolves.")},
          body=Body(NameAliasBody, example={"form": "phone", "word": "+77000000001",
                                            "name": "Aigerim Testova"}),
          problems=("alias.word", "alias.taken"), group="Aliases"),
    Route("POST", "/v1/aliases/resolve", "resolve_alias", "Who is paid under a word", resolve,
          Scope.READ, {200: Answer(ResolvedBody, "A masked name to confirm, and where to pay.")},
          body=Body(ResolveBody, example={"word": "+77000000001"}),
          problems=("alias.budget",), group="Aliases"),
    Route("GET", "/v1/aliases/{alias}", "alias", "An alias", one, Scope.READ,
          {200: Answer(AliasBody, "As the ledger has it.")}, AliasPath, problems=("not_found",),
          group="Aliases"),
    Route("DELETE", "/v1/aliases/{alias}", "forget_alias", "Forget the record of a word", forget,
          Scope.RECORDS, {200: Answer(ForgottenBody, "It resolves no more.")}, AliasPath,
          group="Aliases"),
    Route("GET", "/v1/accounts/{id}/aliases", "account_aliases", "An account's aliases",
          account_aliases, Scope.READ, {200: Answer(AliasesBody, "Those in use.")}, IdPath,
          problems=("not_found",), group="Aliases"),
)  # fmt: skip
