"""The envelope: which bytes are one, which are not, and why; strict JSON inside it (C3, C4)."""

from __future__ import annotations

import base64
import json
import os
import random
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.core import amount, envelope, geometry, ids
from ledger.core.envelope import (
    ALGS,
    DEPTH_MAX,
    INTEGER_LIMIT,
    PAYLOAD_MAX,
    PAYLOAD_MAX_LARGE,
    TYPS,
    decode_payload,
    open_envelope,
    seal,
)
from ledger.core.ids import TransactionId, b64
from ledger.errors import Malformed

KID = b64(sha256(b"a key").digest())
PAYLOAD = b'{"kind":"transfer/1","nonce":"n","not_after":1795000000000,"amount":"1290.00"}'
HEADER = f'{{"alg":"EdDSA","kid":"{KID}","typ":"tenge-tx"}}'
SIGNATURE = bytes(range(64))
SEALED = seal(PAYLOAD, kid=KID, typ="tenge-tx", sign=lambda _: SIGNATURE)
HEADER_SEGMENT, PAYLOAD_SEGMENT, SIGNATURE_SEGMENT = SEALED.split(".")


def code_of(read: Callable[[], object]) -> str | None:
    """The code of the refusal, which must have a sentence; None where all is well."""
    try:
        read()
    except Malformed as refusal:
        return refusal.code if str(refusal) else "no sentence"
    return None


def with_header(header: str | bytes) -> str:
    raw = header if isinstance(header, bytes) else header.encode()
    return f"{b64(raw)}.{PAYLOAD_SEGMENT}.{SIGNATURE_SEGMENT}"


def with_payload(segment: str) -> str:
    return f"{HEADER_SEGMENT}.{segment}.{SIGNATURE_SEGMENT}"


def with_signature(segment: str) -> str:
    return f"{HEADER_SEGMENT}.{PAYLOAD_SEGMENT}.{segment}"


def header_of(**members: object) -> str:
    whole = {"alg": "EdDSA", "kid": KID, "typ": "tenge-tx", **members}
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def test_what_was_sealed_is_opened() -> None:
    opened = open_envelope(SEALED, typ="tenge-tx")

    assert opened == open_envelope(SEALED.encode(), typ="tenge-tx")
    assert (opened.typ, b64(opened.kid)) == ("tenge-tx", KID)
    assert (opened.payload, opened.signature) == (PAYLOAD, SIGNATURE)
    assert opened.signing_input == f"{HEADER_SEGMENT}.{PAYLOAD_SEGMENT}".encode()
    assert opened.digest == sha256(PAYLOAD).digest()


def test_the_signer_is_given_the_signing_input() -> None:
    given_to: list[bytes] = []

    seal(PAYLOAD, kid=KID, typ="tenge-tx", sign=lambda data: given_to.append(data) or SIGNATURE)

    assert given_to == [f"{HEADER_SEGMENT}.{PAYLOAD_SEGMENT}".encode()]


@pytest.mark.parametrize("typ", sorted(TYPS))
def test_each_typ_is_opened_where_it_is_asked_and_nowhere_else(typ: str) -> None:
    sealed = seal(PAYLOAD, kid=KID, typ=typ, sign=lambda _: SIGNATURE)

    for asked in TYPS:
        fault = code_of(lambda asked=asked: open_envelope(sealed, typ=asked))
        assert fault == (None if asked == typ else "envelope.typ")


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(header_of(), id="as Python's json spaces it"),
        pytest.param(f'{{"typ":"tenge-tx","kid":"{KID}","alg":"EdDSA"}}', id="in another order"),
        pytest.param(header_of(alg="Ed25519"), id="the synonym of RFC 9864"),
        pytest.param(HEADER.replace("EdDSA", "EdDS\\u0041"), id="an escape that means the same"),
        pytest.param(f" {HEADER}\n", id="white space round it"),
    ],
)
def test_a_header_is_compared_by_what_it_says(header: str) -> None:
    opened = open_envelope(with_header(header), typ="tenge-tx")

    assert (opened.typ, b64(opened.kid)) == ("tenge-tx", KID)
    assert opened.digest == sha256(PAYLOAD).digest()


HOSTILE_ENVELOPES = [
    # segments
    pytest.param("", "envelope.segments", id="empty"),
    pytest.param(".", "envelope.segments", id="a dot"),
    pytest.param("..", "envelope.segments", id="two dots"),
    pytest.param("...", "envelope.segments", id="three dots"),
    pytest.param(HEADER_SEGMENT, "envelope.segments", id="a header alone"),
    pytest.param(f"{HEADER_SEGMENT}.{PAYLOAD_SEGMENT}", "envelope.segments", id="no signature"),
    pytest.param(SEALED + ".", "envelope.segments", id="a dot at the end"),
    pytest.param("." + SEALED, "envelope.segments", id="a dot at the start"),
    pytest.param(f"{SEALED}.{SIGNATURE_SEGMENT}", "envelope.segments", id="two signatures"),
    pytest.param(SEALED + "." + SEALED, "envelope.segments", id="two envelopes"),
    pytest.param(f"{SEALED}.AA.AA", "envelope.segments", id="five segments, as of a JWE"),
    pytest.param(f".{PAYLOAD_SEGMENT}.{SIGNATURE_SEGMENT}", "envelope.segments", id="no header"),
    pytest.param(with_payload(""), "envelope.segments", id="detached (RFC 7515 appendix F)"),
    pytest.param('{"payload":"AA","signatures":[]}', "envelope.segments", id="general JSON"),
    pytest.param(PAYLOAD.decode(), "envelope.segments", id="the payload itself"),
    pytest.param("." * 100_000, "envelope.segments", id="100,000 dots"),
    # base64url
    pytest.param(SEALED + "\n", "envelope.base64", id="a newline at the end"),
    pytest.param(SEALED + " ", "envelope.base64", id="a space at the end"),
    pytest.param(" " + SEALED, "envelope.base64", id="a space at the start"),
    pytest.param("\ufeff" + SEALED, "envelope.base64", id="a byte order mark"),
    pytest.param(SEALED + "\0", "envelope.base64", id="a NUL at the end"),
    pytest.param(SEALED + "é", "envelope.base64", id="not ASCII"),
    pytest.param("\ud800" + SEALED, "envelope.base64", id="half a surrogate pair"),
    pytest.param(b"\xff" + SEALED.encode(), "envelope.base64", id="the byte FF"),
    pytest.param(with_signature(SIGNATURE_SEGMENT + "=="), "envelope.base64", id="padding"),
    pytest.param(with_payload(PAYLOAD_SEGMENT + "="), "envelope.base64", id="padded payload"),
    pytest.param(
        f"{HEADER_SEGMENT}=.{PAYLOAD_SEGMENT}.{SIGNATURE_SEGMENT}", "envelope.base64",
        id="padded header",
    ),
    pytest.param(with_signature(SIGNATURE_SEGMENT[:-1] + "x"), "envelope.base64", id="unused bit"),
    pytest.param(with_signature("+" + SIGNATURE_SEGMENT[1:]), "envelope.base64", id="a plus"),
    pytest.param(with_signature("/" + SIGNATURE_SEGMENT[1:]), "envelope.base64", id="a slash"),
    pytest.param(
        with_payload(PAYLOAD_SEGMENT[:8] + "\n" + PAYLOAD_SEGMENT[8:]), "envelope.base64",
        id="a line break within",
    ),
    pytest.param(with_payload("A"), "envelope.base64", id="one character"),
    pytest.param(with_payload("%7B%7D"), "envelope.base64", id="percent encoding"),
    # the signature's length
    pytest.param(with_signature(""), "envelope.signature", id="an empty signature"),
    pytest.param(with_signature(b64(bytes(63))), "envelope.signature", id="63 bytes"),
    pytest.param(with_signature(b64(bytes(65))), "envelope.signature", id="65 bytes"),
    pytest.param(with_signature("A" * 100_000), "envelope.signature", id="75,000 bytes"),
    # the header as JSON
    pytest.param(with_header("{}"), "envelope.header", id="an empty header"),
    pytest.param(with_header("[]"), "envelope.header", id="an array"),
    pytest.param(with_header('"EdDSA"'), "envelope.header", id="a text"),
    pytest.param(with_header("null"), "envelope.header", id="null"),
    pytest.param(with_header("7"), "envelope.header", id="a number"),
    pytest.param(with_header("{"), "envelope.header", id="broken JSON"),
    pytest.param(with_header(HEADER + "x"), "envelope.header", id="something after it"),
    pytest.param(with_header(HEADER + HEADER), "envelope.header", id="two headers"),
    pytest.param(with_header(HEADER.replace('"', "'")), "envelope.header", id="single quotes"),
    pytest.param(with_header(b"\xef\xbb\xbf" + HEADER.encode()), "envelope.header", id="BOM"),
    pytest.param(with_header(HEADER.encode("utf-16")), "envelope.header", id="UTF-16"),
    pytest.param(with_header(b"\xff\xff"), "envelope.header", id="not UTF-8"),
    pytest.param(with_header("[" * 200), "envelope.header", id="200 arrays"),
    pytest.param(with_header(HEADER + " " * 256), "envelope.header", id="a long header"),
    pytest.param(with_header("[" * 100_000), "envelope.header", id="100,000 arrays"),
    pytest.param(with_header(header_of(crit=["exp"])), "envelope.header", id="crit"),
    pytest.param(with_header(header_of(b64=False)), "envelope.header", id="b64"),
    pytest.param(with_header(header_of(jwk={})), "envelope.header", id="a key of its own"),
    pytest.param(with_header(header_of(jku="https://x")), "envelope.header", id="a key's address"),
    pytest.param(with_header(header_of(alg=...)), "envelope.header", id="no alg"),
    pytest.param(with_header(header_of(kid=...)), "envelope.header", id="no kid"),
    pytest.param(with_header(header_of(typ=...)), "envelope.header", id="no typ"),
    pytest.param(
        with_header(HEADER.replace("alg", "Alg")), "envelope.header", id="Alg in place of alg"
    ),
    pytest.param(
        with_header(HEADER.replace("{", '{"alg":"EdDSA",')), "envelope.header", id="alg twice"
    ),
    pytest.param(
        with_header(HEADER.replace("{", '{"alg":"none",')), "envelope.header",
        id="alg twice, none first",
    ),
    pytest.param(
        with_header(HEADER.replace("{", '{"\\u0061lg":"none",')), "envelope.header",
        id="alg twice, once escaped",
    ),
    # what the header says
    pytest.param(with_header(header_of(alg="none")), "envelope.alg", id="alg none"),
    pytest.param(with_header(header_of(alg="")), "envelope.alg", id="alg empty"),
    pytest.param(with_header(header_of(alg="HS256")), "envelope.alg", id="alg HS256"),
    pytest.param(with_header(header_of(alg="ES256")), "envelope.alg", id="alg ES256"),
    pytest.param(with_header(header_of(alg="Ed448")), "envelope.alg", id="alg Ed448"),
    pytest.param(with_header(header_of(alg="eddsa")), "envelope.alg", id="alg in small letters"),
    pytest.param(with_header(header_of(alg="EdDSA ")), "envelope.alg", id="alg and a space"),
    pytest.param(with_header(header_of(alg=None)), "envelope.alg", id="alg null"),
    pytest.param(with_header(header_of(alg=["EdDSA"])), "envelope.alg", id="alg in an array"),
    pytest.param(with_header(header_of(alg={"EdDSA": 1})), "envelope.alg", id="alg an object"),
    pytest.param(with_header(header_of(typ="JWT")), "envelope.typ", id="typ JWT"),
    pytest.param(with_header(header_of(typ="")), "envelope.typ", id="typ empty"),
    pytest.param(with_header(header_of(typ="TENGE-TX")), "envelope.typ", id="typ in capitals"),
    pytest.param(
        with_header(header_of(typ="application/tenge-tx")), "envelope.typ", id="typ as a media type"
    ),
    pytest.param(with_header(header_of(typ="tenge-request")), "envelope.typ", id="another typ"),
    pytest.param(with_header(header_of(typ=None)), "envelope.typ", id="typ null"),
    pytest.param(with_header(header_of(typ=["tenge-tx"])), "envelope.typ", id="typ in an array"),
    pytest.param(with_header(header_of(kid="")), "envelope.kid", id="kid empty"),
    pytest.param(with_header(header_of(kid="alice")), "envelope.kid", id="kid a name"),
    pytest.param(with_header(header_of(kid=KID[:42])), "envelope.kid", id="kid too short"),
    pytest.param(with_header(header_of(kid=KID + "A")), "envelope.kid", id="kid too long"),
    pytest.param(with_header(header_of(kid=KID + "=")), "envelope.kid", id="kid padded"),
    pytest.param(
        with_header(header_of(kid=KID[:-1] + "/")), "envelope.kid", id="kid of the other alphabet"
    ),
    pytest.param(
        with_header(header_of(kid=b64(bytes(32))[:-1] + "B")), "envelope.kid",
        id="kid with an unused bit",
    ),
    pytest.param(with_header(header_of(kid=KID[:-1] + "é")), "envelope.kid", id="kid not ASCII"),
    pytest.param(with_header(header_of(kid=7)), "envelope.kid", id="kid a number"),
    pytest.param(with_header(header_of(kid=None)), "envelope.kid", id="kid null"),
    # size
    pytest.param(with_payload(b64(bytes(8_193))), "payload.size", id="8,193 bytes"),
    pytest.param(with_payload("A" * 1_000_000), "payload.size", id="a million characters"),
]  # fmt: skip


@pytest.mark.parametrize(("jws", "code"), HOSTILE_ENVELOPES)
def test_what_is_no_envelope_is_refused_with_its_code(jws: str | bytes, code: str) -> None:
    assert code_of(lambda: open_envelope(jws, typ="tenge-tx")) == code
    if isinstance(jws, str) and jws.isascii():
        assert code_of(lambda: open_envelope(jws.encode(), typ="tenge-tx")) == code


def test_a_header_that_was_refused_once_is_refused_again() -> None:
    """Headers are remembered; a refusal must not be remembered as a header."""
    hostile = with_header(header_of(alg="none"))

    assert [code_of(lambda: open_envelope(hostile, typ="tenge-tx")) for _ in range(3)] == [
        "envelope.alg"
    ] * 3


def test_payloads_may_be_as_large_as_their_place_allows() -> None:
    for most in (PAYLOAD_MAX, PAYLOAD_MAX_LARGE):
        for size in range(most - 3, most + 4):
            sealed = seal(bytes(size), kid=KID, typ="tenge-tx", sign=lambda _: SIGNATURE)
            fault = code_of(
                lambda s=sealed, m=most: open_envelope(s, typ="tenge-tx", payload_max=m)
            )
            assert fault == (None if size <= most else "payload.size")


@pytest.mark.parametrize(
    ("kid", "typ", "code"),
    [
        pytest.param("alice", "tenge-tx", "envelope.kid", id="a name for a kid"),
        pytest.param(KID, "tenge-pay", "envelope.typ", id="an unknown typ"),
        pytest.param('","alg":"none', "tenge-tx", "envelope.header", id="JSON in the kid"),
    ],
)
def test_only_what_would_open_is_sealed(kid: str, typ: str, code: str) -> None:
    assert code_of(lambda: seal(PAYLOAD, kid=kid, typ=typ, sign=lambda _: SIGNATURE)) == code


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
@example(b"eyJ9.e30.")
def test_arbitrary_input_is_refused_and_nothing_else_happens(jws: bytes | str) -> None:
    with pytest.raises(Malformed):
        open_envelope(jws, typ="tenge-tx")


@settings(max_examples=500)
@given(st.integers(0, len(SEALED) - 1), st.integers(0, 255), st.sampled_from("rid"))
def test_a_bent_envelope_is_refused_or_is_another(place: int, byte: int, how: str) -> None:
    bent = bytearray(SEALED.encode())
    if how == "r":
        bent[place] = byte
    elif how == "i":
        bent.insert(place, byte)
    else:
        del bent[place]
    if bytes(bent) == SEALED.encode():
        return

    try:
        opened = open_envelope(bytes(bent), typ="tenge-tx")
    except Malformed:
        return

    whole = open_envelope(SEALED, typ="tenge-tx")
    assert (opened.signing_input, opened.signature) != (whole.signing_input, whole.signature)
    # It opened, so it is what sealing would have written.
    assert b64(opened.signature).encode() == bytes(bent).rpartition(b".")[2]
    assert opened.signing_input.endswith(b"." + b64(opened.payload).encode())


# Strict JSON.


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    amount: str
    lines: tuple[Line, ...] = ()


class Transfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: str
    not_after: int
    amount: str = "1.00"
    count: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    flag: bool = False
    lines: tuple[Line, ...] = ()


CLOSED = msgspec.json.Decoder(Transfer)
OPEN: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Any)
START = '{"kind":"transfer/1","not_after":1'


def nested(depth: int) -> str:
    """A payload of so many objects and arrays in one another (an odd number)."""
    pairs = (depth - 1) // 2
    return START + "".join(
        [',"lines":[{"amount":"1"'] * pairs + ["}]"] * pairs + ["}"]
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(START + "}", id="the least"),
        pytest.param(' {"not_after" : 1 ,\n\t"kind":"transfer/1" } \r\n', id="white space"),
        pytest.param(START + ',"amount":"Әлі, ¥, 😀"}', id="letters past ASCII"),
        pytest.param(START + ',"amount":"\\ud83d\\ude00"}', id="a surrogate pair"),
        pytest.param(START + ',"amount":"\\\\u0000"}', id="a backslash, u and four zeros"),
        pytest.param(START + ',"amount":"[[[[[[[[[[{{{{"}', id="brackets in a text"),
        pytest.param(START + ',"amount":"\\"[[[[[[[[["}', id="brackets after an escaped quote"),
        pytest.param(START + ',"amount":"\\\\"}', id="an escaped backslash"),
        pytest.param(nested(7), id="seven deep"),
        pytest.param('{"kind":"x","not_after":9007199254740991}', id="the largest number"),
        pytest.param('{"kind":"x","not_after":-9007199254740991}', id="the least number"),
        pytest.param('{"kind":"x","not_after":-0}', id="minus zero"),
        pytest.param(
            START + ',"lines":[' + ",".join(['{"amount":"1"}'] * 50) + "]}", id="wide, not deep"
        ),
    ],
)
def test_strict_json_is_read(text: str) -> None:
    assert decode_payload(text.encode(), CLOSED) == CLOSED.decode(text.encode())


HOSTILE_PAYLOADS = [
    # the table of research/reliability.md, part 3
    pytest.param(START + ',"kind":"transfer/1"}', "payload.repeated", id="a member twice, alike"),
    pytest.param(START + ',"not_after":2}', "payload.repeated", id="a member twice, differing"),
    pytest.param(START + ',"no\\u0074_after":2}', "payload.repeated", id="twice, once escaped"),
    pytest.param(
        START + ',"lines":[{"amount":"1","amount":"2"}]}',
        "payload.repeated",
        id="twice, deep within",
    ),
    pytest.param(START + ',"x":1,"x":2}', "payload.repeated", id="an unknown member twice"),
    pytest.param(START + ',"amount":NaN}', "payload.json", id="NaN"),
    pytest.param(START + ',"count":Infinity}', "payload.json", id="Infinity"),
    pytest.param(START + ',"count":-Infinity}', "payload.json", id="minus Infinity"),
    pytest.param(START + ',"count":1e400}', "payload.number", id="1e400"),
    pytest.param(START + ',"count":true}', "payload.member", id="true as a number"),
    pytest.param(START + ',"flag":1}', "payload.member", id="a number as true"),
    pytest.param(START + ',"count":' + "9" * 5_000 + "}", "payload.number", id="5,000 digits"),
    pytest.param("[" * 100_000, "payload.depth", id="100,000 arrays"),
    pytest.param("[" * 100_000 + "]" * 100_000, "payload.depth", id="100,000 arrays, closed"),
    pytest.param('{"kind":' * 50_000, "payload.depth", id="50,000 objects"),
    pytest.param(START + ',"amount":"\\ud800"}', "payload.json", id="half a surrogate pair"),
    pytest.param(START + ',"amount":"\\udc00\\ud800"}', "payload.json", id="a pair turned round"),
    pytest.param(START + ',"\\ud800":"1"}', "payload.json", id="half a pair in a name"),
    # numbers
    pytest.param(START + ',"count":1.0}', "payload.number", id="a fraction of zero"),
    pytest.param(START + ',"count":0.5}', "payload.number", id="a fraction"),
    pytest.param(START + ',"count":1e2}', "payload.number", id="an exponent"),
    pytest.param(START + ',"count":1E2}', "payload.number", id="an exponent in capitals"),
    pytest.param(START + ',"amount":1.00}', "payload.number", id="an amount as a fraction"),
    pytest.param(START + ',"amount":1}', "payload.member", id="an amount as a number"),
    pytest.param(START + f',"count":{INTEGER_LIMIT}}}', "payload.number", id="2**53"),
    pytest.param(START + f',"count":-{INTEGER_LIMIT}}}', "payload.number", id="minus 2**53"),
    pytest.param(START + ',"count":9223372036854775808}', "payload.number", id="2**63"),
    pytest.param(START + ',"count":18446744073709551616}', "payload.number", id="2**64"),
    pytest.param(START + ',"count":101}', "payload.member", id="over the member's own limit"),
    pytest.param(START + ',"count":-1}', "payload.member", id="under the member's own limit"),
    pytest.param(START + ',"count":01}', "payload.json", id="a leading zero"),
    pytest.param(START + ',"count":+1}', "payload.json", id="a plus"),
    pytest.param(START + ',"count":.5}', "payload.json", id="no digit before the point"),
    pytest.param(START + ',"count":1.}', "payload.json", id="no digit after the point"),
    pytest.param(START + ',"count":0x10}', "payload.json", id="hex"),
    pytest.param(START + ',"count":1_0}', "payload.json", id="an underscore"),
    pytest.param(START + ',"count":١}', "payload.json", id="an Arabic digit"),
    pytest.param(START + ',"count":"1"}', "payload.member", id="a number as a text"),
    # members
    pytest.param("{}", "payload.member", id="nothing in it"),
    pytest.param('{"kind":"transfer/1"}', "payload.member", id="a member is missing"),
    pytest.param(START + ',"extra":1}', "payload.member", id="a member nobody knows"),
    pytest.param(START + ',"Kind":"x"}', "payload.member", id="a member in capitals"),
    pytest.param(START + ',"amount":null}', "payload.member", id="null"),
    pytest.param(START + ',"lines":{}}', "payload.member", id="an object for an array"),
    pytest.param(START + ',"lines":[1]}', "payload.member", id="a number for an object"),
    pytest.param("[]", "payload.member", id="an array"),
    pytest.param('"text"', "payload.member", id="a text"),
    pytest.param("7", "payload.member", id="a number"),
    pytest.param("null", "payload.member", id="null alone"),
    # text
    pytest.param("", "payload.json", id="empty"),
    pytest.param(" ", "payload.json", id="a space"),
    pytest.param("{", "payload.json", id="an open brace"),
    pytest.param(START, "payload.json", id="cut off"),
    pytest.param(START + "}x", "payload.json", id="something after it"),
    pytest.param(START + "}" + START + "}", "payload.json", id="two values"),
    pytest.param(START + ",}", "payload.json", id="a trailing comma"),
    pytest.param(START + "}\0", "payload.json", id="a NUL after it"),
    pytest.param(START + "} // no", "payload.json", id="a comment"),
    pytest.param("{'kind':'transfer/1','not_after':1}", "payload.json", id="single quotes"),
    pytest.param("{kind:1}", "payload.json", id="no quotes"),
    pytest.param(START + ',"amount":"a\nb"}', "payload.json", id="a raw newline in a text"),
    pytest.param(START + ',"amount":"\0"}', "payload.json", id="a raw NUL in a text"),
    pytest.param(START + ',"amount":"\\x41"}', "payload.json", id="an escape of another language"),
    pytest.param(START + ',"amount":"\\u00"}', "payload.json", id="half an escape"),
    pytest.param(START + ',"amount":"\\u0000"}', "payload.nul", id="an escaped NUL"),
    pytest.param(START + ',"\\u0000":"1"}', "payload.nul", id="an escaped NUL in a name"),
    pytest.param(START + ',"amount":"\\\\\\u0000"}', "payload.nul", id="a NUL after a backslash"),
    pytest.param("\ufeff" + START + "}", "payload.json", id="a byte order mark"),
    pytest.param("\u00a0" + START + "}", "payload.json", id="a hard space"),
    pytest.param((START + "}").encode("utf-16"), "payload.utf8", id="UTF-16"),
    pytest.param((START + "}").encode("utf-16-le"), "payload.json", id="UTF-16 without a mark"),
    pytest.param(START.encode() + b',"amount":"\xff"}', "payload.utf8", id="the byte FF"),
    pytest.param(START.encode() + b',"amount":"\xc0\x80"}', "payload.utf8", id="a long NUL"),
    pytest.param(START.encode() + b',"amount":"\xed\xa0\x80"}', "payload.utf8", id="CESU"),
    pytest.param(START.encode() + b',"amount":"\xf0\x9f"}', "payload.utf8", id="a cut letter"),
    pytest.param(START.encode() + b',"\xff":"1"}', "payload.utf8", id="the byte FF in a name"),
    # depth
    pytest.param(nested(9), "payload.depth", id="nine deep"),
    pytest.param(START + ',"amount":"\\"}' + "[" * 9, "payload.json", id="an open text"),
]


@pytest.mark.parametrize("decoder", [CLOSED, OPEN], ids=["closed", "open"])
@pytest.mark.parametrize(("text", "code"), HOSTILE_PAYLOADS)
def test_json_that_is_not_strict_is_refused_with_its_code(
    text: str | bytes, code: str, decoder: msgspec.json.Decoder[Any]
) -> None:
    payload = text if isinstance(text, bytes) else text.encode()
    if decoder is OPEN and code == "payload.member":
        return  # nothing is the wrong type where every type is right

    assert code_of(lambda: decode_payload(payload, decoder)) == code


@pytest.mark.parametrize("depth", range(1, 13))
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_depth_is_counted_from_the_outermost(depth: int, pair: str) -> None:
    opener = pair[0] if pair == "[]" else '{"a":'
    payload = opener * depth + ("1" if pair == "{}" else "") + pair[1] * depth

    fault = code_of(lambda: decode_payload(payload.encode(), OPEN))

    assert fault == (None if depth <= DEPTH_MAX else "payload.depth")


def test_a_wrong_member_is_named() -> None:
    with pytest.raises(Malformed) as refusal:
        decode_payload((START + ',"lines":[{"amount":1}]}').encode(), CLOSED)

    assert refusal.value.where == "lines[0].amount"


def test_a_hostile_text_costs_no_more_than_its_length() -> None:
    """Nothing in the passes goes back over what it has read."""
    for hostile in (b'"\\"' * 13_000, b'{"' * 20_000, b"\\" * 40_000, b'"' * 39_999):
        assert code_of(lambda hostile=hostile: decode_payload(hostile, OPEN)) is not None


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_and_nothing_else_happens(payload: bytes) -> None:
    with pytest.raises(Malformed):
        decode_payload(payload, CLOSED)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_values, st.booleans())
def test_any_json_is_read_as_it_is_or_refused(value: Any, escaped: bool) -> None:
    payload = json.dumps(value, ensure_ascii=escaped).encode(errors="surrogatepass")
    try:
        found = decode_payload(payload, OPEN)
    except Malformed:
        return
    assert found == value


@given(st.dictionaries(st.sampled_from([*"kcalf", "kind", "not_after"]), json_values, max_size=6))
def test_any_object_is_a_transfer_or_refused(members: dict[str, Any]) -> None:
    payload = json.dumps({"kind": "x", "not_after": 1, **members}).encode()
    try:
        found = decode_payload(payload, CLOSED)
    except Malformed:
        return
    assert json.loads(msgspec.json.encode(found)) | members == json.loads(
        msgspec.json.encode(found)
    )


SCRAPS = [
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\\u0000", b"\\ud800", b"1e5", b"0", b"-",
    b"null", b"true", b"NaN", b"\xff", b"\xef\xbb\xbf", b" ", b"\n", b"\0", b'"kind"', b"9" * 30,
]  # fmt: skip


def bent(whole: bytes, dice: random.Random) -> bytes:
    """`whole` with up to four scraps put in, cut out, overwritten or doubled."""
    data = bytearray(whole)
    for _ in range(dice.randrange(1, 5)):
        place = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[place:place] = dice.choice(SCRAPS)
            case 1:
                del data[place : place + dice.randrange(1, 6)]
            case 2:
                data[place : place + 1] = bytes([dice.randrange(256)])
            case _:
                start = dice.randrange(len(data) + 1)
                data[place:place] = data[start : start + dice.randrange(1, 20)]
    return bytes(data)


def test_bent_bytes_are_read_or_refused_and_nothing_else_happens() -> None:
    """C6: twenty thousand of each a run at scale 1, from every row of the tables above."""
    seed, rounds = 20261123, 20_000 * int(os.environ.get("TENGE_TEST_SCALE", "1"))
    print(f"seed {seed}, {rounds} rounds")
    dice = random.Random(seed)
    texts: list[bytes] = [PAYLOAD, nested(7).encode()]
    for row in HOSTILE_PAYLOADS:
        text = row.values[0]
        texts.append(text if isinstance(text, bytes) else str(text).encode())
    texts = [text for text in texts if len(text) < 400]
    refused = 0
    for _ in range(rounds):
        payload = bent(dice.choice(texts), dice)
        header = with_header(bent(HEADER.encode(), dice))
        for fault in (
            code_of(lambda payload=payload: decode_payload(payload, CLOSED)),
            code_of(lambda payload=payload: decode_payload(payload, OPEN)),
            code_of(lambda header=header: open_envelope(header, typ="tenge-tx")),
            code_of(lambda: open_envelope(bent(SEALED.encode(), dice), typ="tenge-tx")),
        ):
            assert fault != "no sentence"
            refused += fault is not None
    assert rounds < refused < 4 * rounds


# C4: an id for each string of bytes, and none for two.


def test_a_hundred_thousand_spellings_have_as_many_ids() -> None:
    seed = 20261122
    print(f"seed {seed}")
    dice = random.Random(seed)
    seen: dict[TransactionId, bytes] = {}
    while len(seen) < 100_000:
        spaces = " " * dice.randrange(4)
        members = [
            f'"not_after":{dice.choice([1795000000000, 1795000000001])}',
            f'"nonce":{spaces}"{dice.randrange(1 << 14)}"',
            f'"amount":"{dice.randrange(50)}.00"',
        ]
        dice.shuffle(members)
        payload = ("{" + f",{spaces}".join(members) + "}").encode()
        segment = b64(payload)
        opened = open_envelope(with_payload(segment), typ="tenge-tx")
        tx = TransactionId(int(payload.split(b'"not_after":')[1][:13]), opened.digest)
        assert seen.setdefault(tx, payload) == payload
        assert base64.urlsafe_b64decode(segment + "==") == payload


# The known answers, and the document.

VECTORS = Path(__file__).parents[1] / "vectors" / "envelope"
DOCUMENT = Path(__file__).parents[2] / "docs" / "envelope.md"


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param(json.loads(path.read_text()), id=path.stem)
        for path in sorted(VECTORS.glob("*.json"))
    ],
)
def test_known_answers_hold(vector: dict[str, Any]) -> None:
    opened = open_envelope(vector["jws"], typ=vector["typ"])

    assert (opened.typ, b64(opened.kid)) == (vector["typ"], vector["kid"])
    assert opened.payload == vector["payload"].encode()
    assert opened.signing_input.decode() == vector["signing_input"]
    assert opened.signature.hex() == vector["signature"]
    assert opened.digest.hex() == vector["digest"]
    if "id" in vector:
        tx = TransactionId.parse(vector["id"])
        assert tx == (json.loads(vector["payload"])["not_after"], opened.digest)
        assert str(tx) == vector["id"]
        for label, key in vector["derived"].items():
            assert b64(ids.derive_key(tx, label)) == key
    if "ledger" in vector:
        assert b64(ids.ledger_id(opened.payload)) == vector["ledger"]


def test_there_are_known_answers() -> None:
    assert len(list(VECTORS.glob("*.json"))) >= 5


def test_the_document_names_every_code_and_no_other() -> None:
    in_code: set[str] = set()
    for module in (ids, amount, envelope, geometry):
        text = Path(str(module.__file__)).read_text()
        in_code |= set(re.findall(r'Malformed\(\s*"([a-z]+\.[a-z0-9]+)"', text))
    keys = (Path(__file__).parents[2] / "ledger" / "keys.py").read_text()
    in_code |= set(re.findall(r'"(key\.[a-z0-9]+)"', keys))

    in_document = set(re.findall(r"^\| `([a-z]+\.[a-z0-9]+)` \|", DOCUMENT.read_text(), re.M))

    assert in_document == in_code
    for word in (*TYPS, *ALGS):
        assert f"`{word}`" in DOCUMENT.read_text()
