"""What the HTTP API says of aliases, and is asked. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sandbox_api.wire import DigestText, IdText

Form = Literal["phone", "random", "one_time", "bank"]
Word = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=32,
        pattern=r"^[a-z0-9+][a-z0-9._-]*$(?!\n)",
        description="A whole word, or a synthetic number: +7 700 000, then four digits, unspaced.",
    ),
]


class AliasPath(msgspec.Struct, frozen=True):
    """A path that names an alias by its commitment."""

    alias: DigestText


class NameAliasBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record to keep. `word`: null where the sandbox draws it (`random`, `one_time`). `name` is
    the payee's; only its masked form is kept."""

    form: Form
    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\W\d_][\w .'-]*$(?!\n)")]
    word: Word | None = None


class ResolveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which word."""

    word: Word


class NamedBody(msgspec.Struct, frozen=True):
    """A record that is kept: bind `alias` to an account with `alias/1`, and the word resolves."""

    alias: DigestText
    form: Form
    word: str
    name: str


class ResolvedBody(msgspec.Struct, frozen=True):
    """Who is paid under a word: a masked name to confirm, and where. Where nobody is, whatever the
    reason, `found` is false and everything else null."""

    found: bool
    alias: DigestText | None
    form: Form | None
    name: str | None
    account: IdText | None
    asset: str | None


class ForgottenBody(msgspec.Struct, frozen=True):
    """Word, salt and name of this alias are kept no more; `forgotten` is false where none were."""

    alias: DigestText
    forgotten: bool


class AliasBody(msgspec.Struct, frozen=True):
    """An alias as the ledger has it. `status`: `active`, `dropped`, `spent` or `expired`."""

    alias: DigestText
    account: IdText
    owner: IdText
    form: Form
    status: str
    ends_at: int | None


class AliasesBody(msgspec.Struct, frozen=True):
    """Aliases under which an account can be paid now, in order of commitment."""

    aliases: tuple[AliasBody, ...]
