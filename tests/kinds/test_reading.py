"""The short way of reading a payload never says other than the strict one."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
from msgspec import inspect

import ledger.kinds as kinds
from ledger.core.envelope import Envelope, decode_payload
from ledger.core.transaction import Payload, Request
from ledger.errors import Malformed
from ledger.kinds import KINDS, PayloadDecoder
from tests.builders import World
from tests.kinds.samples import SAMPLES, sample_world
from tests.kinds.test_hostile_members import HOSTILE, bent, places
from tests.scale import draw, rounds

INSERTS = (
    b" ", b"\n", b"\t", b'"', b"\\", b"\\u0000", b"\\u0041", b"\\ud800", b",", b":", b"0", b"00",
    b"-", b".", b"e1", b"9" * 17, b"\xff", b"\0", b"{}", b"[]", b"null", b"\xef\xbb\xbf",
)  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return sample_world()


def outcome(payload: bytes, *, strictly: bool) -> Payload | tuple[str, str]:
    """What is read, or the code and member of the refusal."""
    try:
        if strictly:
            return decode_payload(payload, PayloadDecoder)
        envelope = Envelope("", b"", b"", b"", payload, b"", b"", b"")
        return kinds._decode(envelope, PayloadDecoder, False)
    except Malformed as error:
        return error.code, error.where


def spellings(kind: str, world: World) -> Iterator[bytes]:
    """A good payload, and many that are it no more, or no longer in its best writing."""
    dice = draw(f"spelling {kind}")
    written = world.signing.payload(kind, **SAMPLES[kind].members(world))
    good = json.loads(written)
    plain = msgspec.json.encode(PayloadDecoder.decode(msgspec.json.encode(good)))
    yield from (written, plain)
    paths = list(places(good))
    for _ in range(rounds(200)):
        made = bent(good, dice.choice(paths), dice.choice(HOSTILE))
        yield json.dumps(made, separators=(",", ":")).encode()
        at, end = sorted(dice.choices(range(len(plain) + 1), k=2))
        yield plain[:at] + dice.choice(INSERTS) + plain[at:]
        yield plain[:at] + dice.choice(INSERTS) + plain[at + 1 :]
        yield plain[:at] + plain[end:]
        yield plain[:-1] + b"," + json.dumps(dict([dice.choice(list(good.items()))])).encode()[1:]


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_both_ways_of_reading_agree(world: World, kind: str) -> None:
    read = 0
    for payload in spellings(kind, world):
        strict = outcome(payload, strictly=True)
        assert outcome(payload, strictly=False) == strict, payload
        read += isinstance(strict, Payload)
    assert read > 2


def members(type_: inspect.Type, path: str) -> Iterator[tuple[str, inspect.Type]]:
    """Every type within a type."""
    yield path, type_
    if isinstance(type_, inspect.StructType):
        for field in type_.fields:
            yield from members(field.type, f"{path}.{field.name}")
    inner = [*getattr(type_, "types", ()), *getattr(type_, "item_types", ())]
    for name in ("item_type", "key_type", "value_type"):
        inner += [getattr(type_, name)] if hasattr(type_, name) else []
    for one in inner:
        yield from members(one, path)


@pytest.mark.parametrize("payload", [*KINDS, Request], ids=lambda payload: payload.__name__)
def test_no_payload_has_a_member_that_takes_a_fraction(payload: type[Payload]) -> None:
    loose = (inspect.AnyType, inspect.FloatType, inspect.DecimalType, inspect.RawType)

    found = [path for path, type_ in members(inspect.type_info(payload), payload.__name__)
             if isinstance(type_, loose)]  # fmt: skip

    assert found == []
