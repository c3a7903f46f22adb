"""Rule packs: which there were, what the one in force says (D5)."""

from __future__ import annotations

import msgspec

from ledger.core.ids import b64
from ledger.core.objects import Object, PackInForce, body_of
from ledger.rules.pack import FOREVER, Row, pack_in_force, read_pack
from ledger.rules.rate_fresh import RULE as RATE_FRESH
from ledger.rules.rate_fresh import Parameters as RateFresh
from ledger.store.reader import Snapshot
from sandbox_api.limits import LISTED_MAX
from sandbox_api.reading.known import object_of, read_with
from sandbox_api.wire import PackBody, PackRow, RuleBody


def pack_rows(view: Snapshot) -> tuple[PackRow, ...]:
    """All packs that were ever put in force."""
    found = view.objects("pack", limit=LISTED_MAX)
    return tuple(PackRow(b64(one.key), body_of(one, PackInForce).name, one.status) for one in found)


def pack_body(view: Snapshot, digest: bytes | None) -> PackBody | None:
    """A pack by its digest, the current one by default; None where there is none."""
    if digest is None:
        need = ("lookup", "pack", "current", b"")
        digest = next(iter(view.load([need])[need]), None)
    found = None if digest is None else object_of(view, "pack", digest)
    return None if found is None else _body(found)


def rate_age_max_ms(view: Snapshot, at: int) -> int | None:
    """How old a used rate may be under the rules in force at `at`; None where no rule says."""
    for row in read_with(view, pack_in_force).in_force(at):
        if row.rule.name == RATE_FRESH.name and isinstance(row.parameters, RateFresh):
            return row.parameters.age_max_s * 1000
    return None


def _body(found: Object) -> PackBody:
    body = body_of(found, PackInForce)
    pack = read_pack(body.text, body.base)
    return PackBody(
        digest=b64(found.key),
        name=body.name,
        status=found.status,
        text=body.text,
        rules=tuple(_rule(row) for row in pack.rows),
    )


def _rule(row: Row) -> RuleBody:
    return RuleBody(
        rule=row.rule.name,
        parameters=msgspec.to_builtins(row.parameters),
        basis=row.basis,
        since=row.since,
        until=None if row.until >= FOREVER else row.until,
    )
