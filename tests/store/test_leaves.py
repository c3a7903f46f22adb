"""What a row keeps of a leaf gives back the leaf, byte for byte, and damage never hides."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.ids import encode_segment
from ledger.store.leaves import pack_leaf, unpack_leaf

SIGNATURE = bytes(range(64))


def a_jws(payload: bytes, header: bytes = b'{"alg":"EdDSA","kid":"k"}') -> bytes:
    return b".".join(map(encode_segment, (header, payload, SIGNATURE)))


def a_leaf(jws: bytes) -> bytes:
    return b'{"v":1,"index":7,"at":1790000000000,"pack":"","tx":"' + jws + b'","postings":[]}'


REQUEST = a_jws(b'{"kind":"request/1","total":"1290.00","text":"' + b"x" * 300 + b'"}')
TRANSFER = a_leaf(a_jws(b'{"kind":"transfer/1","amount":"12.34","to":"' + b"a" * 200 + b'"}'))
PAY = a_leaf(a_jws(b'{"kind":"pay/1","request":"' + REQUEST + b'"}'))

LEAVES = [
    pytest.param(TRANSFER, True, id="a transfer"),
    pytest.param(PAY, True, id="a request within a payload"),
    pytest.param(a_leaf(b""), False, id="no JWS"),
    pytest.param(b"", False, id="nothing"),
    pytest.param(b"leaf 5", False, id="not JSON"),
    pytest.param(a_leaf(a_jws(b'{"a":1}') + b"="), False, id="padding"),
    pytest.param(a_leaf(a_jws(b'{"a":1}')[:-1] + b"Z"), False, id="unused bits set"),
    pytest.param(a_leaf(a_jws(b'{"a":1}')[:-4]), False, id="a short signature"),
    pytest.param(a_leaf(a_jws(b'{"a":1}') + b".x"), False, id="four segments"),
    pytest.param(a_leaf(a_jws(b'{"a":"\0"}')), False, id="a NUL in the payload"),
    pytest.param(a_leaf(a_jws(b"\xff" * 99)), True, id="a payload that is not text"),
    pytest.param(a_leaf(b'eyJ"eyJ"eyJ'), False, id="openings without an end"),
    pytest.param(b'"eyJ', False, id="an opening at the end"),
    pytest.param(a_leaf(a_jws(b"x" * 65_536)), False, id="a payload over two bytes of length"),
    pytest.param(a_leaf(a_jws(b'{"a":1}')) + a_leaf(a_jws(b"{}")), True, id="two of them"),
]


@pytest.mark.parametrize(("leaf", "shorter"), LEAVES)
def test_a_leaf_comes_back_as_it_was(leaf, shorter):
    kept = pack_leaf(leaf)

    assert unpack_leaf(kept) == leaf
    assert (len(kept) < len(leaf)) is shorter


def test_payloads_within_payloads_come_back_however_deep():
    jws = a_jws(b"{}")
    for _ in range(11):
        jws = a_jws(b'{"inner":"' + jws + b'"}')

    assert unpack_leaf(pack_leaf(a_leaf(jws))) == a_leaf(jws)


@given(st.binary(max_size=300).map(lambda b: b.replace(b"\0", b"").removeprefix(b"\1")))
def test_any_bytes_come_back(text):
    text = text.lstrip(b"\1")
    assert unpack_leaf(pack_leaf(text)) == text
    assert unpack_leaf(pack_leaf(a_leaf(a_jws(text)))) == a_leaf(a_jws(text))


@pytest.mark.parametrize("leaf", [TRANSFER, PAY], ids=["transfer", "pay"])
def test_every_changed_byte_gives_another_leaf(leaf):
    kept = pack_leaf(leaf)
    rng = random.Random(3)
    for place in range(len(kept)):
        for flip in (1 << rng.randrange(8), rng.randrange(1, 256)):
            damaged = bytearray(kept)
            damaged[place] ^= flip
            assert unpack_leaf(bytes(damaged)) != leaf, (place, flip)
    for end in range(len(kept)):
        assert unpack_leaf(kept[:end]) != leaf


@given(st.binary(max_size=400))
def test_damaged_bytes_are_read_without_an_error(data):
    assert isinstance(unpack_leaf(data), bytes)
    assert isinstance(unpack_leaf(b"\1" + data), bytes)


@pytest.mark.parametrize("leaf", [b"a\0b", b"\1"], ids=["a NUL", "the mark"])
def test_what_is_no_leaf_is_not_packed(leaf):
    with pytest.raises(AssertionError):
        pack_leaf(leaf)
