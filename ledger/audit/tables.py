"""Holding the derived rows of a database against a replayed state.

Every row must be there, once, as the log says; each finding names the row and the entry that last
wrote it. Rows are compared as stored, so that damage which cannot even be decoded is found too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.audit.replay import FullState
from ledger.audit.verdict import Finding, Part
from ledger.core.account import Account
from ledger.core.ids import b64
from ledger.core.objects import Object
from ledger.errors import Malformed
from ledger.keys import verify
from ledger.kinds import read
from ledger.log.tiles import TILE_HEIGHT
from ledger.store import Head, RefusalRow, Snapshot, stored_object


def check_accounts(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    """Account rows, balances included."""
    expected = {value.number: value for need, value in state.values.items() if need[0] == "account"}
    for row in snapshot.all_accounts():
        account = expected.pop(row.number, None)
        if account is None:
            yield Finding(Part.ACCOUNT, f"account number {row.number} is not in the log")
        elif row != account:
            what = "; ".join(_differences(row, account))
            yield Finding(Part.ACCOUNT, f"account {b64(account.id)}: {what}", account.written)
    for account in expected.values():
        yield Finding(Part.ACCOUNT, f"account {b64(account.id)} is missing", account.written)


def _differences(row: Account, account: Account) -> Iterator[str]:
    for name in Account.__struct_fields__:
        stored, said = getattr(row, name), getattr(account, name)
        if stored != said:
            yield f"{name} is {stored!r}, the log says {said!r}"


def check_objects(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    """Object rows."""
    expected: dict[tuple[Any, ...], Object] = {
        (need[1], need[2]): value for need, value in state.values.items() if need[0] == "object"
    }
    names = ("owner", "status", "due", "body", "lookups", "written")
    for row in snapshot.all_objects():
        object_ = expected.pop((row[0], row[1]), None)
        if object_ is None:
            yield Finding(Part.OBJECT, f"{row[0]} {b64(row[1])} is not in the log")
            continue
        said = stored_object(object_)[2:]
        if row[2:] != said:
            pairs = zip(names, row[2:], said, strict=True)
            wrong = ", ".join(name for name, stored, value in pairs if stored != value)
            where = f"{object_.type} {b64(object_.key)}"
            yield Finding(Part.OBJECT, f"{where}: {wrong} not as the log says", object_.written)
    for object_ in expected.values():
        where = f"{object_.type} {b64(object_.key)}"
        yield Finding(Part.OBJECT, f"{where} is missing", object_.written)


def check_lookups(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    """Look-up rows."""
    expected: dict[tuple[Any, ...], int] = {
        (object_.type, name, value, object_.key): object_.written
        for need, object_ in state.values.items()
        if need[0] == "object"
        for name, value in object_.lookups
    }
    for row in snapshot.all_lookups():
        if expected.pop(tuple(row), None) is None:
            where = f"{row.type} {row.name} {row.value.hex()} to {b64(row.key)}"
            yield Finding(Part.LOOKUP, f"look-up {where} is not in the log")
    for (type_, name, value, key), written in expected.items():
        text = f"look-up {type_} {name} {value.hex()} to {b64(key)} is missing"
        yield Finding(Part.LOOKUP, text, written)


def check_counters(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    """Counter rows."""
    expected = {need[1:]: value for need, value in state.values.items() if need[0] == "counter"}
    for measure, period, subject, part, value in snapshot.all_counters():
        key = (measure, period, subject, part)
        said = expected.pop(key, None)
        if said != value:
            yield Finding(
                Part.COUNTER,
                f"counter {_counter(key)}: {value}, the log says {said}",
                state.counter_written.get(("counter", *key)),
            )
    for key, said in expected.items():
        yield Finding(
            Part.COUNTER,
            f"counter {_counter(key)} is missing, the log says {said}",
            state.counter_written.get(("counter", *key)),
        )


def _counter(key: tuple[Any, ...]) -> str:
    measure, period, subject, part = key
    return f"{measure} {period} {subject.hex()} {part}".rstrip()


def check_spans(snapshot: Snapshot, expected: dict[tuple[int, int], int]) -> Iterator[Finding]:
    """Rows that say in which spans an account has postings, and postings in a span not theirs.
    `expected` maps (account, span) to the entry that wrote the row."""
    missing = set(expected)
    for row in snapshot.all_posting_spans():
        if tuple(row) in expected:
            missing.discard(tuple(row))
        else:
            yield Finding(Part.POSTING, f"account {row[0]} has no postings in span {row[1]}")
    for account, span in sorted(missing):
        text = f"span {span} of account {account} has no row"
        yield Finding(Part.POSTING, text, expected[account, span])
    for index, place, span in snapshot.misplaced_postings():
        text = f"posting {place} of entry {index} lies in span {span}"
        yield Finding(Part.POSTING, text, index)


def check_tiles(snapshot: Snapshot, size: int) -> Iterator[Finding]:
    """Tiles beyond those that the log fills: the others are compared as they fill."""
    for tile in snapshot.all_tiles():
        full = size >> TILE_HEIGHT * (tile.level + 1) if 0 <= tile.level < 8 else 0
        if not 0 <= tile.number < full:
            text = f"there is a tile of level {tile.level}, number {tile.number}, that is not full"
            yield Finding(Part.TILE, text)


def check_refusals(snapshot: Snapshot, state: FullState, head: Head) -> Iterator[Finding]:
    """Refusal rows, as far as they bear witness of themselves: dense up to the newest, each the
    transaction that it says it is, signed. What they say of time and reasons nobody can know."""
    for number in snapshot.refusals_of_no_ledger():
        yield Finding(Part.REFUSAL, f"refusal {number} is of a ledger that is not there")
    expected: int | None = None
    for number, refusal, repeats in snapshot.all_refusals():
        if number != (number if expected is None else expected) or repeats < 0:
            yield Finding(Part.REFUSAL, f"refusal {number} does not follow the one before it")
        expected = number + 1
        if not _is_itself(refusal, state) or refusal.size > head.size:
            yield Finding(Part.REFUSAL, f"refusal {number} is not of the transaction it names")
    if expected is not None and expected != head.refusals + 1:
        text = f"the last refusal is {expected - 1}, the head counts {head.refusals}"
        yield Finding(Part.REFUSAL, text)


def _is_itself(refusal: RefusalRow, state: FullState) -> bool:
    """Whether its bytes are those of the transaction it names, signed where the key was known: who
    signs with a key that nobody knows yet is refused, and nobody can check that signature."""
    try:
        tx = read(refusal.jws)
    except Malformed:
        return False
    publics = ((signed, state.public_key(signed.kid, refusal.size)) for signed in tx.envelopes)
    return (
        tx.id == refusal.transaction
        and all(verify(*proof) for proof in tx.proofs)
        and all(
            public is None or verify(public, signed.signing_input, signed.signature)
            for signed, public in publics
        )
    )
