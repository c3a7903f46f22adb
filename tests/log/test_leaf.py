"""Leaves: one byte form, pinned by vectors that Python's json module wrote."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.log.leaf import LEAF_BYTES_MAX, Leaf, LeafPosting, decode_leaf, encode_leaf
from ledger.log.merkle import leaf_hash

ACCOUNT = "AAECAwQFBgcICQoLDA0ODw"
DIGEST = "A" * 43
POSTING = LeafPosting(ACCOUNT, ACCOUNT, "KZT", "1")
LEAF = Leaf(1, 7, 1_764_000_000_000, DIGEST, "aa.bb.cc", (POSTING,), {"zone": "alatau", "n": 5})
LINE = encode_leaf(LEAF)


def test_the_vectors_are_written_and_read_byte_for_byte(leaf_vectors):
    for vector in leaf_vectors["leaves"]:
        line = vector["line"].encode()

        leaf = decode_leaf(line)

        assert json.loads(msgspec.json.encode(leaf)) == vector["members"], vector["name"]
        assert encode_leaf(leaf) == line, vector["name"]
        assert leaf_hash(line).hex() == vector["leaf_hash"], vector["name"]


def changed(old: bytes, new: bytes) -> bytes:
    assert LINE.count(old) == 1
    return LINE.replace(old, new)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(LINE + b"\n", id="a newline after"),
        pytest.param(b" " + LINE, id="a space before"),
        pytest.param(LINE[:-1], id="the last byte cut"),
        pytest.param(LINE + LINE, id="twice"),
        pytest.param(b"\xef\xbb\xbf" + LINE, id="a byte order mark"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(changed(b'"zone":"alatau"', b'"zone":"\xff"'), id="not UTF-8 within"),
        pytest.param(changed(b'"v":1,', b""), id="a member missing"),
        pytest.param(changed(b'"v":1,', b'"v":1,"v":1,'), id="a member twice"),
        pytest.param(changed(b'"n":5', b'"n":4,"n":5'), id="a fact twice"),
        pytest.param(changed(b'"v":1,', b'"v":1,"w":1,'), id="an unknown member"),
        pytest.param(changed(b'"v":1,"index":7', b'"index":7,"v":1'), id="another order"),
        pytest.param(changed(b'"v":1', b'"v":2'), id="another version"),
        pytest.param(changed(b'"v":1', b'"v":1.0'), id="a version with a fraction"),
        pytest.param(changed(b'"v":1', b'"v":true'), id="a version that is true"),
        pytest.param(changed(b'"index":7', b'"index":-7'), id="an index below 0"),
        pytest.param(changed(b'"index":7', b'"index":07'), id="an index with a leading zero"),
        pytest.param(changed(b'"index":7', b'"index":7e0'), id="an index with an exponent"),
        pytest.param(changed(b'"index":7', b'"index":"7"'), id="an index as text"),
        pytest.param(changed(b'"index":7', b'"index":9223372036854775808'), id="an index of 2**63"),
        pytest.param(changed(b'"n":5', b'"n":null'), id="a fact that is null"),
        pytest.param(changed(b'"n":5', b'"n":1.5'), id="a fact with a fraction"),
        pytest.param(changed(b'"n":5', b'"n":9223372036854775808'), id="a fact beyond 64 bits"),
        pytest.param(changed(b'"n":5', b'"n":[9223372036854775808]'), id="the same in a list"),
        pytest.param(changed(b'"n":5', b'"n":-' + b"9" * 5000), id="a number without end"),
        pytest.param(changed(b'"n":5', b'"n":[[[1]]]'), id="facts nested too deep"),
        pytest.param(changed(b'"n":5', b'"n":' + b"[" * 9000), id="facts nested without end"),
        pytest.param(changed(b"alatau", b"\\u0061latau"), id="an escape without need"),
        pytest.param(changed(b"alatau", b"al\\/tau"), id="a slash escaped"),
        pytest.param(changed(b'"aa.bb.cc"', b'"aa.bb"'), id="two segments"),
        pytest.param(changed(b'"aa.bb.cc"', b'"aa.bb.c="'), id="a padded segment"),
        pytest.param(changed(b"A" * 43, b"A" * 42 + b"B"), id="a digest with stray bits"),
        pytest.param(changed(b"A" * 43, b"A" * 42), id="a short digest"),
        pytest.param(changed(b'"KZT","1"', b'"KZT","0"'), id="an amount of 0"),
        pytest.param(changed(b'"KZT","1"', b'"KZT","01"'), id="an amount with a leading zero"),
        pytest.param(changed(b'"KZT","1"', b'"KZT",1'), id="an amount as a number"),
        pytest.param(changed(b'"KZT","1"', b'"KZT","9223372036854775808"'), id="2**63"),
        pytest.param(changed(b'"KZT","1"', b'"KZT","1\\n"'), id="an amount and a newline"),
        pytest.param(changed(b'"KZT","1"', '"KZT","١"'.encode()), id="an amount in other digits"),
        pytest.param(changed(b'"KZT","1"', b'"","1"'), id="no asset"),
        pytest.param(changed(b'"KZT","1"', b'"K T","1"'), id="an asset with a space"),
        pytest.param(changed(b'"KZT","1"', b'"KZT","1",""'), id="five parts in a posting"),
        pytest.param(changed(b'"KZT","1"', b'"KZT"'), id="three parts in a posting"),
        pytest.param(LINE.replace(b"ODw", b"ODx"), id="an account with stray bits"),
        pytest.param(LINE.replace(b"ODw", b"ODwA"), id="an account too long"),
    ],
)
def test_any_other_bytes_are_refused(line):
    with pytest.raises(Malformed) as refused:
        decode_leaf(line)

    assert refused.value.code == "leaf_malformed"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"v": 2}, id="version"),
        pytest.param({"at": 1.5}, id="a fraction for time"),
        pytest.param({"index": -1}, id="an index below 0"),
        pytest.param({"pack": "x"}, id="pack"),
        pytest.param({"tx": "not a jws"}, id="tx"),
        pytest.param({"facts": {"n": 2**63}}, id="a fact beyond 64 bits"),
        pytest.param({"facts": {"n": 0.5}}, id="a fact with a fraction"),
        pytest.param({"facts": {"n": None}}, id="a fact without a value"),
        pytest.param({"facts": {"n": "\ud800"}}, id="half a character"),
        pytest.param({"facts": {"n": object()}}, id="a fact that is no JSON"),
        pytest.param({"postings": (POSTING,) * 65}, id="sixty-five postings"),
        pytest.param({"postings": (LeafPosting("x", ACCOUNT, "KZT", "1"),)}, id="an account"),
        pytest.param({"postings": (LeafPosting(ACCOUNT, ACCOUNT, "KZT", "-1"),)}, id="an amount"),
    ],
)
def test_what_no_verifier_would_read_is_never_written(members):
    with pytest.raises(Malformed) as refused:
        encode_leaf(msgspec.structs.replace(LEAF, **members))

    assert refused.value.code == "leaf_malformed"


def test_a_leaf_of_65535_bytes_is_the_longest():
    room = LEAF_BYTES_MAX - len(LINE) + len("alatau")
    longest = encode_leaf(msgspec.structs.replace(LEAF, facts={"zone": "z" * room, "n": 5}))

    assert len(longest) == LEAF_BYTES_MAX
    assert decode_leaf(longest).facts["zone"] == "z" * room
    with pytest.raises(Malformed, match="65535") as refused:
        encode_leaf(msgspec.structs.replace(LEAF, facts={"zone": "z" * (room + 1), "n": 5}))
    assert refused.value.code == "leaf_too_large"
    with pytest.raises(Malformed, match="65535"):
        decode_leaf(longest + b" ")


SCALARS = st.text(max_size=20) | st.integers(-(2**63) + 1, 2**63 - 1) | st.booleans()
FACTS = st.dictionaries(
    st.text(max_size=8),
    SCALARS
    | st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=3)
    | st.dictionaries(st.text(max_size=8), SCALARS, max_size=3),
    max_size=4,
)


@given(FACTS)
def test_facts_come_back_as_they_were_and_as_another_json_writer_would_write_them(facts):
    line = encode_leaf(msgspec.structs.replace(LEAF, facts=facts))

    assert decode_leaf(line).facts == facts
    assert line == json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8"
    )


@given(st.integers(0, len(LINE) - 1), st.integers(1, 255))
def test_a_changed_byte_gives_another_leaf_or_none(place, mask):
    damaged = bytearray(LINE)
    damaged[place] ^= mask
    try:
        leaf = decode_leaf(bytes(damaged))
    except Malformed:
        return

    assert leaf != LEAF
    assert encode_leaf(leaf) == bytes(damaged)
