"""pack/1: put a rule pack in force, from this entry on. Signed by the central bank.

The pack is TOML, carried verbatim; its digest is SHA-256 of the text. What a pack may say is in
`ledger.rules.pack`; a text it cannot read is Malformed, so an unreadable pack is never in force.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated

from msgspec import Meta, structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, PackInForce
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Payload, Signer, Transaction
from ledger.kinds.kind import Kind, payload_of
from ledger.rules.pack import extended_digest, read_pack


class PutPack(Payload, frozen=True, forbid_unknown_fields=True, tag="pack/1"):
    """`text`: the pack's TOML. A pack that extends another names its digest in `extends`."""

    text: Annotated[str, Meta(min_length=1, max_length=36_000)]


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    text = payload_of(tx, PutPack).text
    yield ("object", "pack", sha256(text.encode()).digest())
    current: Need = ("lookup", "pack", "current", b"")
    yield current
    for digest in known.values.get(current, ()):
        yield ("object", "pack", digest)
    base = extended_digest(text)
    if base is not None:
        yield ("object", "pack", base)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    text = payload_of(tx, PutPack).text
    digest = sha256(text.encode()).digest()
    base_digest = extended_digest(text)
    base: str | None = None
    if base_digest is not None:
        body = known.body("pack", base_digest, PackInForce)
        if body is None:
            return refused(Code.PACK_UNKNOWN, KIND.name, digest=b64(base_digest))
        base = body.text
    pack = read_pack(text, base)
    current = known.lookup("pack", "current", b"")
    if digest in current:
        return refused(Code.ALREADY_REGISTERED, KIND.name, digest=b64(digest))
    past = [
        structs.replace(object_, status="past", lookups=())
        for object_ in (known.object("pack", key) for key in current)
        if object_ is not None
    ]
    new = Object(
        "pack", digest, signer.id, "current", None, PackInForce(pack.name, text, base),
        (("current", b""),), 0,
    )  # fmt: skip
    return Plan(objects=(*past, new))


KIND = Kind(PutPack, frozenset({Role.CENTRAL_BANK}), _plan, _needs, large=True, without_pack=True)
