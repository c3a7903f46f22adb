"""Ids have one spelling, and objects' keys follow from the transaction alone."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.ids import (
    NOT_AFTER_LIMIT,
    TransactionId,
    b64,
    decode_segment,
    derive_key,
    encode_segment,
    ledger_id,
    unb64,
)
from ledger.errors import Malformed

DIGEST = sha256(b"a payload").digest()


def lax_then_compare(segment: bytes) -> bytes:
    """The definition: decode as lax as the library is, encode again, compare."""
    data = base64.urlsafe_b64decode(segment + b"==")
    if base64.urlsafe_b64encode(data).rstrip(b"=") != segment:
        raise ValueError(segment)
    return data


@given(st.binary(max_size=200))
def test_bytes_come_back_from_their_text(data: bytes) -> None:
    assert unb64(b64(data), len(data)) == data
    assert b64(data) == base64.urlsafe_b64encode(data).decode().rstrip("=")


@given(
    st.one_of(
        st.binary(max_size=12),
        st.text("ABQgwxyz019-_+/=\n", max_size=12).map(str.encode),
        st.binary(max_size=12).map(base64.urlsafe_b64encode),
    )
)
def test_strict_decoding_is_decode_encode_compare(segment: bytes) -> None:
    try:
        expected = lax_then_compare(segment)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            decode_segment(segment)
    else:
        assert decode_segment(segment) == expected
        assert encode_segment(expected) == segment


def test_each_last_character_is_taken_or_refused_as_the_definition_says() -> None:
    for length in range(1, 6):
        for last in range(256):
            segment = b"A" * (length - 1) + bytes([last])
            try:
                expected = lax_then_compare(segment)
            except ValueError:
                with pytest.raises(ValueError, match=r"."):
                    decode_segment(segment)
            else:
                assert decode_segment(segment) == expected


@pytest.mark.parametrize(
    ("text", "size", "code"),
    [
        pytest.param("AAAAAAAAAAAAAAAAAAAAAA==", 16, "id.base64", id="padded"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAAB", 16, "id.base64", id="an unused bit is set"),
        pytest.param("AAAAAAAAAAAAAAAAAAAA+A", 16, "id.base64", id="the other alphabet"),
        pytest.param("AAAAAAAAAAAAAAAAAAAA\nA", 16, "id.base64", id="a newline"),
        pytest.param("AAAAAAAAAAAAAAAAAAAAжA", 16, "id.base64", id="not ASCII"),
        pytest.param("A", 1, "id.base64", id="one character spells nothing"),
        pytest.param("AAAA", 16, "id.size", id="too short"),
        pytest.param("", 16, "id.size", id="empty"),
        pytest.param("A" * 24, 16, "id.size", id="too long"),
    ],
)
def test_other_spellings_of_an_id_are_refused(text: str, size: int, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        unb64(text, size)

    assert refusal.value.code == code


@given(st.integers(1, NOT_AFTER_LIMIT - 1), st.binary(min_size=32, max_size=32))
def test_a_transaction_id_comes_back_from_its_text(not_after: int, digest: bytes) -> None:
    tx = TransactionId(not_after, digest)

    assert TransactionId.parse(str(tx)) == tx


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("1795000000000", id="time alone"),
        pytest.param("0." + "A" * 43, id="no time"),
        pytest.param("01." + "A" * 43, id="a leading zero"),
        pytest.param("-1." + "A" * 43, id="a sign"),
        pytest.param("١." + "A" * 43, id="digits of another script"),
        pytest.param(f"{NOT_AFTER_LIMIT}." + "A" * 43, id="seven bytes of time"),
        pytest.param("1." + "A" * 42, id="a short hash"),
        pytest.param("1." + "A" * 42 + "B", id="a hash with an unused bit set"),
        pytest.param("1." + "A" * 43 + "\n", id="a newline after it"),
        pytest.param("1." + "A" * 43 + "=", id="padding"),
    ],
)
def test_other_spellings_of_a_transaction_id_are_refused(text: str) -> None:
    with pytest.raises(Malformed) as refusal:
        TransactionId.parse(text)

    assert refusal.value.code in {"id.transaction", "id.base64"}


def test_transaction_ids_stand_in_order_of_time() -> None:
    early, late = TransactionId(5, b"\xff" * 32), TransactionId(6, b"\0" * 32)

    assert early < late
    assert derive_key(early, "account") < derive_key(late, "account")


def test_derived_keys_lead_with_time_and_differ_by_label() -> None:
    tx = TransactionId(1_795_000_000_000, DIGEST)

    party, account = derive_key(tx, "party"), derive_key(tx, "account")

    assert len(party) == len(account) == 16
    assert party[:6] == account[:6] == (1_795_000_000_000).to_bytes(6, "big")
    assert party[6:] == sha256(DIGEST + b"party").digest()[:10]
    assert party != account


def test_a_ledger_is_named_by_its_genesis() -> None:
    assert ledger_id(b"a payload") == DIGEST[:16]
