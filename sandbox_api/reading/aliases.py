"""Aliases: words and masked names from the sandbox's own store, the rest from the ledger (D15).

A word resolves where the store has its record and the ledger an active alias of the record's
commitment, of the same form (who may bind it depends on that), whose account is not closed. A
word that nobody has costs the same reads as one that somebody has, and is answered in the same
members: neither the answer nor its time tells a free number from one that was dropped. Only
synthetic numbers are taken. Nothing here says which words there are.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import Final, cast

from ledger.core.account import Account
from ledger.core.alias import BANK, ONE_TIME, PHONE, RANDOM, SALT_BYTES, Alias, commitment_of
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object, body_of
from ledger.store.reader import Snapshot
from sandbox_api.alias_records import AliasRecord
from sandbox_api.limits import LISTED_MAX
from sandbox_api.parts import Parts
from sandbox_api.problems import Problem
from sandbox_api.reading.known import account_of, object_of
from sandbox_api.wire_aliases import (
    AliasBody,
    AliasesBody,
    Form,
    NameAliasBody,
    NamedBody,
    ResolvedBody,
)

WORD_CHARS: Final = {RANDOM: 10, ONE_TIME: 14}
"""Letters and digits in a word that is drawn; 4.9 bits each."""

_ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_FORMS: Final = {
    PHONE: re.compile(r"\+7700000[0-9]{4}"),
    BANK: re.compile(r"[a-z][a-z0-9._-]{2,31}"),
}
_NOBODY: Final = AliasRecord(b"", 0, "", "", b"", "")


def take_record(parts: Parts, tenant: int, asked: NameAliasBody) -> NamedBody:
    """Keep the record of a word under a new salt, so that an alias can be bound to it.

    Raises Problem: "alias.word" (a form whose words look otherwise), "alias.taken" (somebody is
    paid under this word now).
    """
    word = _word_of(asked)
    held = parts.tenants.aliases.of_word(tenant, word)
    if held is not None and _is_paid(held, *_bound(parts, held.commitment)):
        raise Problem("alias.taken", "drop the alias of this word first", where="word")
    salt = secrets.token_bytes(SALT_BYTES)
    commitment = commitment_of(salt, asked.form, word)
    record = AliasRecord(commitment, tenant, asked.form, word, salt, masked(asked.name))
    parts.tenants.aliases.put(record)
    return NamedBody(b64(commitment), asked.form, word, record.name)


def resolve(parts: Parts, tenant: int, word: str) -> ResolvedBody:
    """Who is paid under this word, as far as a payer must know to be sure."""
    record = parts.tenants.aliases.of_word(tenant, word) or _NOBODY
    commitment = record.commitment or sha256(word.encode()).digest()
    return _resolved(record, *_bound(parts, commitment))


def masked(name: str) -> str:
    """A name as a payer may see it: the first word, then initials; of one word its first letter."""
    first, *others = name.split()
    if not others:
        return f"{first[0]}…"
    return " ".join([first, *(f"{other[0]}." for other in others)])


def alias(view: Snapshot, commitment: bytes) -> AliasBody | None:
    """An alias by its commitment, whatever became of it; None where there is none."""
    found = object_of(view, "alias", commitment)
    return None if found is None else _body(found)


def aliases_of(view: Snapshot, account: bytes) -> AliasesBody:
    """The active aliases of an account."""
    found = view.looked_up("alias", "account", account, limit=LISTED_MAX)
    return AliasesBody(tuple(_body(one) for one in found))


def _word_of(asked: NameAliasBody) -> str:
    """The word to keep: drawn, or as it was asked for."""
    chars = WORD_CHARS.get(asked.form)
    if chars is not None:
        if asked.word is not None:
            raise Problem("alias.word", "words of this form are drawn: leave it out", where="word")
        return "".join(secrets.choice(_ALPHABET) for _ in range(chars))
    if asked.word is None or _FORMS[asked.form].fullmatch(asked.word) is None:
        hint = "numbers are synthetic: +7700000 and four digits" if asked.form == PHONE else (
            "a bank's word is 3 to 32 small letters, digits, dots and dashes, a letter first"
        )  # fmt: skip
        raise Problem("alias.word", hint, where="word")
    return asked.word


def _bound(parts: Parts, commitment: bytes) -> tuple[Object | None, Account | None]:
    """The ledger's alias of a commitment and its account; the same reads where there is none."""
    with parts.reader.snapshot() as view:
        alias = object_of(view, "alias", commitment)
        text = "" if alias is None else body_of(alias, Alias).account
        return alias, account_of(view, unb64(text, 16) if text else commitment[:16])


def _is_paid(record: AliasRecord, alias: Object | None, account: Account | None) -> bool:
    """Whether somebody is paid under the word of this record."""
    return (
        bool(record.word)
        and alias is not None
        and alias.status == "active"
        and body_of(alias, Alias).form == record.form
        and account is not None
        and account.status != "closed"
    )


def _resolved(record: AliasRecord, alias: Object | None, account: Account | None) -> ResolvedBody:
    if alias is None or account is None or not _is_paid(record, alias, account):
        return ResolvedBody(False, None, None, None, None, None)
    form = cast(Form, body_of(alias, Alias).form)
    return ResolvedBody(True, b64(alias.key), form, record.name, b64(account.id), account.asset)


def _body(found: Object) -> AliasBody:
    terms = body_of(found, Alias)
    form = cast(Form, terms.form)
    return AliasBody(b64(found.key), terms.account, b64(found.owner), form, found.status, found.due)
