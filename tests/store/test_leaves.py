"""What a row keeps of a leaf gives back the leaf, byte for byte, and damage never hides."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.envelope import Envelope, open_envelope, seal
from ledger.core.ids import b64
from ledger.store.leaves import pack_leaf, unpack_leaf

SIGNATURE = bytes(range(64))


def an_envelope(payload: bytes, typ: str = "tenge-tx") -> Envelope:
    jws = seal(payload, kid=KID, typ=typ, sign=lambda _: SIGNATURE)
    return open_envelope(jws, typ=typ, payload_max=1 << 20)


def a_leaf(jws: bytes) -> bytes:
    return b'{"v":1,"index":7,"at":1790000000000,"pack":"","tx":"' + jws + b'","postings":[]}'


KID = b64(bytes(32))
TRANSFER = an_envelope(b'{"kind":"transfer/1","amount":"12.34","to":"' + b"a" * 200 + b'"}')
REQUEST = an_envelope(b'{"kind":"request/1","total":"1290.00"}' + b" " * 300, "tenge-request")
PAY = an_envelope(b'{"kind":"pay/1","request":"' + REQUEST.jws + b'"}')
TWICE = an_envelope(b'{"kind":"pay/1","request":"' + REQUEST.jws * 2 + b'"}')
HIDDEN = an_envelope(b'{"kind":"pay/1","request":"\\u0065' + REQUEST.jws[1:] + b'"}')

CASES = [
    pytest.param((TRANSFER,), 0.9, id="a transfer"),
    pytest.param((PAY, REQUEST), 0.7, id="a request within a payload"),
    pytest.param((TWICE, REQUEST), 0.9, id="a request that stands there twice"),
    pytest.param((HIDDEN, REQUEST), 0.9, id="a request spelt with an escape"),
    pytest.param((an_envelope(b"\xff" * 99),), 0.95, id="a payload that is not text"),
]


@pytest.mark.parametrize(("envelopes", "share"), CASES)
def test_a_leaf_comes_back_as_it_was(envelopes: tuple[Envelope, ...], share: float) -> None:
    leaf = a_leaf(envelopes[0].jws)

    kept = pack_leaf(leaf, envelopes)

    assert unpack_leaf(kept) == leaf
    assert len(kept) < len(leaf) * share


@pytest.mark.parametrize("leaf", [a_leaf(b""), b"", b"leaf 5"], ids=["empty", "nothing", "no JSON"])
def test_a_leaf_without_a_signature_is_kept_as_it_is(leaf: bytes) -> None:
    assert unpack_leaf(pack_leaf(leaf, ())) == pack_leaf(leaf, ()) == leaf


@given(st.binary(max_size=300).map(lambda data: data.replace(b"\0", b"")))
def test_any_payload_comes_back(payload: bytes) -> None:
    envelope = an_envelope(payload) if payload else TRANSFER

    assert unpack_leaf(pack_leaf(a_leaf(envelope.jws), (envelope,))) == a_leaf(envelope.jws)


@pytest.mark.parametrize("envelopes", [(TRANSFER,), (PAY, REQUEST)], ids=["transfer", "pay"])
def test_every_changed_byte_gives_another_leaf(envelopes: tuple[Envelope, ...]) -> None:
    leaf = a_leaf(envelopes[0].jws)
    kept = pack_leaf(leaf, envelopes)
    rng = random.Random(3)
    for place in range(len(kept)):
        for flip in (1 << rng.randrange(8), rng.randrange(1, 256)):
            damaged = bytearray(kept)
            damaged[place] ^= flip
            assert unpack_leaf(bytes(damaged)) != leaf, (place, flip)
    for end in range(len(kept)):
        assert unpack_leaf(kept[:end]) != leaf


@given(st.binary(max_size=400))
def test_damaged_bytes_are_read_without_an_error(data: bytes) -> None:
    assert isinstance(unpack_leaf(data), bytes)
    assert isinstance(unpack_leaf(b"\1" + data), bytes)


@pytest.mark.parametrize("leaf", [b"a\0b", b"\1"], ids=["a NUL", "the mark"])
def test_what_is_no_leaf_is_not_packed(leaf: bytes) -> None:
    with pytest.raises(AssertionError):
        pack_leaf(leaf, ())
