"""Receipts: offline proof that the log holds an entry."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadSignature, LogDamaged, Malformed
from ledger.keys import verify
from ledger.log import merkle
from ledger.log.checkpoint import LogKey
from ledger.log.proof import Receipt, decode_receipt, encode_receipt, verify_receipt

SIZE = 11


@pytest.fixture(scope="module")
def receipts(log):
    """The receipt of every entry of a log of eleven."""
    leaves = log.leaves(SIZE)
    hashes = list(map(merkle.leaf_hash, leaves))

    def node(level, index):
        part = hashes[index << level : (index + 1) << level]
        return merkle.root(len(part), merkle.extend(0, (), part))

    checkpoint = log.checkpoint(leaves)
    return [
        encode_receipt(Receipt(index, merkle.inclusion_proof(index, SIZE, node), checkpoint))
        for index in range(SIZE)
    ]


def test_every_entry_is_proven_and_no_other_in_its_place(log, receipts):
    for index, text in enumerate(receipts):
        assert verify_receipt(log.leaf(index), text, verify, [log.key]).size == SIZE
        with pytest.raises(LogDamaged) as refused:
            verify_receipt(log.leaf(index ^ 1), text, verify, [log.key])
        assert refused.value.index == index


def test_the_text_is_the_specifications(receipts):
    lines = receipts[9].split("\n")

    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 9"]
    assert [len(base64.b64decode(line)) for line in lines[2:5]] == [32, 32, 32]
    assert lines[5] == ""
    assert lines[6].startswith("tenge.sandbox/")


def test_the_only_entry_of_a_log_needs_no_path(log):
    leaf = log.leaf(0)
    text = encode_receipt(Receipt(0, (), log.checkpoint([leaf])))

    assert verify_receipt(leaf, text, verify, [log.key]).root == merkle.leaf_hash(leaf)


def test_extra_is_carried_and_vouches_for_nothing(log, receipts):
    receipt = decode_receipt(receipts[3])
    with_extra = Receipt(3, receipt.hashes, receipt.checkpoint, b"\0seen by a till")
    text = encode_receipt(with_extra)

    assert decode_receipt(text) == with_extra
    assert verify_receipt(log.leaf(3), text, verify, [log.key]).size == SIZE


def test_a_receipt_does_not_choose_its_own_key(log, receipts):
    stranger = LogKey(log.origin, bytes(32))

    with pytest.raises(BadSignature, match="no known key"):
        verify_receipt(log.leaf(3), receipts[3], verify, [stranger])


def test_any_changed_byte_of_a_receipt_is_noticed(log, receipts):
    raw = receipts[3].encode()
    for place in range(len(raw)):
        for mask in (1, 0x20, 0x80):
            bent = bytearray(raw)
            bent[place] ^= mask
            with pytest.raises((LogDamaged, BadSignature, Malformed, UnicodeDecodeError)):
                verify_receipt(log.leaf(3), bytes(bent).decode(), verify, [log.key])


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda text: "", id="nothing"),
        pytest.param(lambda text: text.replace("@v1", "@v2"), id="another version"),
        pytest.param(lambda text: text.replace("index 3", "index 03"), id="a leading zero"),
        pytest.param(lambda text: text.replace("index 3\n", ""), id="no index"),
        pytest.param(lambda text: text.replace("index 3\n", "index 3\nAAAA\n"), id="a short hash"),
        pytest.param(lambda text: text.replace("index 3", "extra \nindex 3"), id="no extra"),
        pytest.param(lambda text: text.replace("index 3", "extra @\nindex 3"), id="not base64"),
        pytest.param(
            lambda text: text.replace("index 3\n", "index 3\n" + ("A" * 43 + "=\n") * 64),
            id="a path of 64 and more",
        ),
        pytest.param(
            lambda text: text.replace("index 3", f"extra {'A' * 90_000}\nindex 3"),
            id="too much extra",
        ),
        pytest.param(lambda text: text.split("\n\n")[0], id="no checkpoint"),
    ],
)
def test_what_is_no_receipt_is_refused(log, receipts, bend):
    with pytest.raises(Malformed):
        verify_receipt(log.leaf(3), bend(receipts[3]), verify, [log.key])


@given(st.text())
def test_no_text_does_worse_than_being_refused(text):
    with pytest.raises(Malformed):
        decode_receipt(text)
