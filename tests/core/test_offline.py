"""The layout of what purses say: known answers, every fault of form, room in a QR code."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from ledger.core import base45, offline
from ledger.core.ids import b64
from ledger.core.offline import Chain, Link
from ledger.errors import Malformed
from ledger.keys import SigningKey, verify
from tests.core.make_offline import CASES, LEDGER, a_chain, made

FOLDER = Path(__file__).parents[1] / "vectors" / "offline"
READ = {
    "chain": lambda data: offline.read_chain(data).to_bytes(),
    "certificate": lambda data: offline.certificate_bytes(*offline.read_certificate(data)),
    "notice": lambda data: offline.read_notice(data).to_bytes(),
    "address": lambda data: offline.read_address(data).to_bytes(),
}


@pytest.mark.parametrize("name", CASES)
def test_known_answers(name: str) -> None:
    told = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))

    assert made(name) == told
    data = bytes.fromhex(told["bytes"])
    assert READ[told["form"]](data) == data
    assert offline.from_text(told["text"]) == data
    assert offline.to_text(data) == told["text"]
    for signed in told["signed"]:
        key, message = bytes.fromhex(signed["key"]), bytes.fromhex(signed["message"])
        assert verify(key, message, bytes.fromhex(signed["signature"]))
    assert not set(FOLDER.glob("*.json")) - {FOLDER / f"{case}.json" for case in CASES}


@pytest.mark.parametrize("name", ["address", "certificate", "chain-1", "notice"])
def test_the_page_shows_known_answers(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "offline.md").read_text("utf-8")
    assert f"```text\n{made(name)['text']}\n```" in page


def test_the_longest_chain_fits_a_code_of_version_25_m():
    chain = a_chain(3)
    text = offline.to_text(chain.to_bytes())

    assert (len(chain.to_bytes()), len(text)) == (858, 1294)
    code = segno.make_qr(text, error="m", boost_error=False)
    assert (code.mode, code.error, code.version) == ("alphanumeric", "M", 24)


@given(st.binary(max_size=64))
def test_base45_gives_back_what_it_was_given(data: bytes):
    text = base45.encode(data)
    assert base45.decode(text) == data
    assert set(text) <= set(base45.ALPHABET)


@pytest.mark.parametrize(("data", "text"), [
    (b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"),
    (b"ietf!", "QED8WEX0"), (b"", ""),
])  # fmt: skip
def test_base45_of_the_standard(data: bytes, text: str):
    assert (base45.encode(data), base45.decode(text)) == (text, data)


@pytest.mark.parametrize("text", ["A", "AAAA", "GGW", ":::", "ab0", "ZZ", "Ω00", "A\n0", "::"])
def test_base45_of_nothing(text: str):
    with pytest.raises(Malformed, match="base45"):
        base45.decode(text)


@pytest.mark.parametrize("name", CASES)
def test_a_byte_less_or_more_is_refused(name: str):
    told = made(name)
    data, read = bytes.fromhex(told["bytes"]), READ[told["form"]]
    for size in range(len(data)):
        with pytest.raises(Malformed):
            read(data[:size])
    with pytest.raises(Malformed) as more:
        read(data + b"\0")
    assert more.value.code == "offline.size"


@pytest.mark.parametrize("name", CASES)
def test_another_form_is_refused(name: str):
    told = made(name)
    for form in set(READ) - {told["form"]}:
        with pytest.raises(Malformed) as error:
            READ[form](bytes.fromhex(told["bytes"]))
        assert error.value.code == "offline.form"


def test_what_is_read_is_what_was_written_or_nothing():
    """A changed byte gives another chain that spells itself, or is refused: no two spellings."""
    data, drawn = a_chain(3).to_bytes(), random.Random(7)
    for place in range(len(data)):
        other = bytearray(data)
        other[place] ^= 1 << drawn.randrange(8)
        try:
            read = offline.read_chain(bytes(other))
        except Malformed:
            continue
        assert read.to_bytes() == other
        assert [verify(*proof) for proof in read.proofs()] != [True] * 3 or _in_a_certificate(place)


def _in_a_certificate(place: int) -> bool:
    """The ledger takes no word of a bank: only a payment's own bytes bear on its signature."""
    inside = (place - 18) % offline.LINK_BYTES
    return place >= 18 and inside < 142 and not 8 <= inside < 40


FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("counted from nothing", "offline.payment", {"counter": 0}),
    ("of nothing", "offline.payment", {"amount": 0}),
    ("more than can be counted", "offline.payment", {"spent": 2**63 - 1}),
    ("a first that follows one", "offline.previous", {"previous": b"x" * 32}),
    ("a second that follows none", "offline.previous", {"counter": 2}),
]


@pytest.mark.parametrize(("code", "changes"), [
    pytest.param(code, changes, id=name) for name, code, changes in FAULTS
])  # fmt: skip
def test_a_payment_out_of_range(code: str, changes: dict[str, Any]):
    from msgspec.structs import replace

    chain = a_chain(1)
    payment = replace(chain.last, **changes)
    with pytest.raises(Malformed) as error:
        offline.read_chain(
            Chain(chain.ledger, (Link(chain.links[0].certificate, payment),)).to_bytes()
        )
    assert error.value.code == code


@pytest.mark.parametrize("changes", [{"bearer": 0}, {"bearer": 3}, {"hops": 0}, {"hops": 4}])
def test_a_certificate_out_of_range(changes: dict[str, int]):
    from msgspec.structs import replace

    chain = a_chain(1)
    link = replace(chain.links[0], certificate=replace(chain.links[0].certificate, **changes))
    with pytest.raises(Malformed) as error:
        offline.read_chain(Chain(chain.ledger, (link,)).to_bytes())
    assert error.value.code == "offline.certificate"


def test_a_chain_of_strangers_is_refused():
    first, other = a_chain(1), a_chain(2)
    with pytest.raises(Malformed) as error:
        offline.read_chain(Chain(LEDGER, (*first.links, *first.links)).to_bytes())
    assert error.value.code == "offline.payee"
    assert offline.read_chain(other.to_bytes()) == other


@pytest.mark.parametrize("count", [0, 5, 255])
def test_a_chain_of_too_many_links_is_refused(count: int):
    data = bytearray(a_chain(1).to_bytes())
    data[17] = count
    with pytest.raises(Malformed) as error:
        offline.read_chain(bytes(data))
    assert error.value.code == "offline.hops"


def test_a_notice_out_of_order_is_refused():
    from msgspec.structs import replace

    notice = offline.read_notice(bytes.fromhex(made("notice")["bytes"]))
    for changed in (
        replace(notice, banks=tuple(reversed(notice.banks))),
        replace(notice, frozen=(notice.frozen[0],) * 2),
    ):
        with pytest.raises(Malformed) as error:
            offline.read_notice(changed.to_bytes())
        assert error.value.code == "offline.order"


def test_text_begins_with_its_name():
    with pytest.raises(Malformed) as error:
        offline.from_text("TENGE2:BB8")
    assert error.value.code == "offline.prefix"


def test_base64url_has_one_spelling():
    chain = a_chain(1)
    text = b64(chain.to_bytes())
    assert offline.chain_of(text) == chain
    for other in (text + "=", text + "\n", text[:-1], text.replace(text[5], "é", 1)):
        with pytest.raises(Malformed):
            offline.chain_of(other)


def test_signatures_are_for_one_form_and_one_ledger():
    """No two statements that mean different things are signed with the same bytes."""
    chain, key = a_chain(2), SigningKey.from_seed(b"k" * 32)
    one, two = (link.payment for link in chain.links)
    certificate = chain.links[0].certificate
    messages = {
        one.signed(LEDGER), two.signed(LEDGER), one.signed(b"o" * 16),
        certificate.signed(LEDGER), certificate.signed(b"o" * 16),
        offline.Notice(LEDGER, 1, 2, 3, (key.public_key,), ()).signed(),
    }  # fmt: skip
    assert len(messages) == 6
    assert all(message.startswith(offline.TAG) for message in messages)
