"""A device with a purse: with no network it pays, is paid, and lets itself be cheated by nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.core import offline
from ledger.core.ids import b64, decode_segment, thumbprint
from ledger.core.offline import Certificate, Chain, Link, Notice, from_text, read_chain, to_text
from ledger.errors import Malformed
from ledger.keys import SigningKey
from sandbox_api.purse import AHEAD_MS, REACH_MS, OfflineRefused, Purse, check_chain

LEDGER = bytes(range(16))
NOW = 1_790_000_000_000
DAY = 86_400_000


def key(name: str) -> SigningKey:
    return SigningKey.from_seed(name.encode().ljust(32, b"."))


def certificate(name: str, loaded: int = 0, bank: str = "bank", **other: Any) -> Certificate:
    """The bank's word on the named one's device; members may be given otherwise."""
    members: dict[str, Any] = {
        "issuer": thumbprint(key(bank).public_key)[:8], "device": key(name).public_key,
        "bearer": offline.ISSUING_BANK, "hops": 3, "payment_max": 2000_00, "purse_max": 5000_00,
        "loaded": loaded, "ends_at": NOW + 30 * DAY, "closes_at": NOW + 40 * DAY,
    }  # fmt: skip
    bare = Certificate(**members | other)
    return replace(bare, signature=key(bank).sign(bare.signed(LEDGER)))


def notice(size: int = 100, by: str = "nbk", **other: Any) -> bytes:
    """The central bank's notice."""
    members: dict[str, Any] = {
        "ledger": LEDGER, "size": size, "at": NOW, "until": NOW + 7 * DAY,
        "banks": (key("bank").public_key,), "frozen": (),
    }  # fmt: skip
    bare = Notice(**members | other)
    return replace(bare, signature=key(by).sign(bare.signed())).to_bytes()


def a_purse(name: str, loaded: int = 0, file: Path | None = None, **other: Any) -> Purse:
    made = Purse.make(
        key(name), ledger=b64(LEDGER), central_bank=key("nbk").public_key,
        home=b64(f"{name} wallet".encode().ljust(16, b".")[:16]), file=file,
    )  # fmt: skip
    made.take_notice(notice())
    made.take_certificate(offline.certificate_bytes(LEDGER, certificate(name, loaded, **other)))
    return made


@pytest.fixture
def aigul() -> Purse:
    return a_purse("aigul", 1000_00)


@pytest.fixture
def daniyar() -> Purse:
    return a_purse("daniyar", 100_00)


def said(code: str, refused: Any) -> None:
    """A device said no, for this reason."""
    with pytest.raises(OfflineRefused) as error:
        refused()
    assert error.value.code == code
    assert str(error.value)


def one(texts: list[str]) -> str:
    (text,) = texts
    return text


def test_a_payment_is_one_code_and_is_taken_once(aigul: Purse, daniyar: Purse) -> None:
    text = one(aigul.pay(daniyar.address("300.00"), at=NOW))

    taken = daniyar.receive(text, at=NOW)

    assert (taken.amount, taken.payer, taken.hops) == ("300.00", aigul.id, 1)
    assert taken.before == NOW + 40 * DAY
    assert (aigul.balance, daniyar.balance) == ("700.00", "400.00")
    said("seen", lambda: daniyar.receive(text, at=NOW))
    assert aigul.codes() == [text]


def test_three_hops_and_no_more(aigul: Purse, daniyar: Purse) -> None:
    guest, market = a_purse("guest"), a_purse("market")
    daniyar.receive(one(aigul.pay(daniyar.address(), "300.00", at=NOW)), at=NOW)
    guest.receive(one(daniyar.pay(guest.address(), "200.00", at=NOW)), at=NOW)

    taken = market.receive(one(guest.pay(market.address(), "200.00", at=NOW)), at=NOW)

    assert taken.hops == 3
    said("funds", lambda: market.pay(aigul.address(), "200.00", at=NOW))
    assert len(market.empty(NOW)) == 1
    assert [len(read_chain(decode_segment(chain.encode())).links)
            for chain in market.empty(NOW)] == [4]  # fmt: skip


def test_money_of_several_sources_takes_several_codes(aigul: Purse, daniyar: Purse) -> None:
    daniyar.receive(one(aigul.pay(daniyar.address(), "300.00", at=NOW)), at=NOW)
    guest = a_purse("guest")

    texts = daniyar.pay(guest.address("350.00"), at=NOW)

    assert [guest.receive(text, at=NOW).amount for text in texts] == ["300.00", "50.00"]
    assert (daniyar.balance, guest.balance) == ("50.00", "350.00")


def test_more_than_one_payment_may_be_is_cut(daniyar: Purse) -> None:
    rich = a_purse("rich", 5000_00)

    texts = rich.pay(daniyar.address("4500.00"), at=NOW)

    assert [daniyar.receive(text, at=NOW).amount for text in texts] == [
        "2000.00", "2000.00", "500.00"
    ]  # fmt: skip


def test_what_is_signed_away_is_kept_until_it_is_brought(aigul: Purse, daniyar: Purse) -> None:
    daniyar.receive(one(aigul.pay(daniyar.address("300.00"), at=NOW)), at=NOW)

    first = daniyar.empty(NOW)
    again = Purse(daniyar.to_bytes())

    assert len(first) == 2
    assert again.empty(NOW) == first
    assert again.balance == "0.00"
    again.emptied(first[0])
    assert again.empty(NOW) == first[1:]


def test_a_device_keeps_itself_in_a_file(tmp_path: Path, daniyar: Purse) -> None:
    """It is on the disk before anyone sees the code, and for nobody else to read."""
    file = tmp_path / "purse"
    aigul = a_purse("aigul", 1000_00, file)
    text = one(aigul.pay(daniyar.address("300.00"), at=NOW))

    found = Purse.open(file)

    assert (found.balance, found.codes(), found.id) == ("700.00", [text], aigul.id)
    assert file.stat().st_mode & 0o077 == 0
    assert found.to_bytes() == aigul.to_bytes()


def test_a_device_pays_no_more_than_it_has(aigul: Purse, daniyar: Purse) -> None:
    before = aigul.to_bytes()
    said("funds", lambda: aigul.pay(daniyar.address("1000.01"), at=NOW))
    said("amount", lambda: aigul.pay(daniyar.address(), at=NOW))
    said("amount", lambda: aigul.pay(daniyar.address("5.00"), "6.00", at=NOW))
    said("payee", lambda: aigul.pay(aigul.address("5.00"), at=NOW))
    said("ends_at", lambda: aigul.pay(daniyar.address("5.00"), at=NOW + 30 * DAY))
    elsewhere = to_text(offline.Address(b"x" * 16, bytes(16), 1).to_bytes())
    said("ledger", lambda: aigul.pay(elsewhere, at=NOW))
    assert aigul.to_bytes() == before


# Cheats ------------------------------------------------------------------------------------------


def resigned(text: str, place: int = -1, *, cert: dict[str, Any] | None = None,
             signer: str = "", bank: str = "bank", **other: Any) -> str:  # fmt: skip
    """A payment whose device signed other members, with another certificate."""
    chain = read_chain(from_text(text))
    links = list(chain.links)
    link = links[place]
    name = {key(name).public_key: name for name in ("aigul", "daniyar", "guest")}[
        link.payment.payer
    ]
    if cert is not None:
        loaded = {"loaded": link.certificate.loaded} | cert
        link = replace(link, certificate=certificate(name, bank=bank, **loaded))
    if other or signer:
        bare = replace(link.payment, **other)
        signature = key(signer or name).sign(bare.signed(LEDGER))
        link = replace(link, payment=replace(bare, signature=signature))
    links[place] = link
    return to_text(Chain(chain.ledger, tuple(links)).to_bytes())


CHEATS: list[Any] = [
    ("source", {"spent": 800_00}),
    ("source", {"amount": 1000_01}),
    ("payment_max", {"amount": 1000_00, "cert": {"payment_max": 999_99}}),
    ("ends_at", {"at": NOW + 30 * DAY - 1, "cert": {"ends_at": NOW + 30 * DAY - 1}}),
    ("at", {"at": NOW + AHEAD_MS + 1}),
    ("payee", {"payee": b"someone else...."}),
    ("signature", {"signer": "guest"}),
    ("certificate", {"cert": {"loaded": 5000_00}, "bank": "no bank"}),
    ("certificate", {"cert": {"issuer": bytes(8)}}),
    ("closes_at", {"cert": {"closes_at": NOW + REACH_MS - 1}}),
]


@pytest.mark.parametrize(("code", "changes"), CHEATS)
def test_a_payee_is_not_cheated(
    aigul: Purse, daniyar: Purse, code: str, changes: dict[str, Any]
) -> None:
    text = one(aigul.pay(daniyar.address("300.00"), at=NOW))
    before = daniyar.to_bytes()

    said(code, lambda: daniyar.receive(resigned(text, **changes), at=NOW))

    assert daniyar.to_bytes() == before
    assert daniyar.receive(resigned(text), at=NOW).amount == "300.00"


def test_a_certificate_that_was_changed_is_worth_nothing(aigul: Purse, daniyar: Purse) -> None:
    """A payer who writes more into its own certificate."""
    chain = read_chain(from_text(one(aigul.pay(daniyar.address("300.00"), at=NOW))))
    link = chain.links[0]
    forged = replace(link, certificate=replace(link.certificate, loaded=9000_00))

    said("certificate", lambda: daniyar.receive(
        to_text(Chain(chain.ledger, (forged,)).to_bytes()), at=NOW))  # fmt: skip


def test_hops_are_those_of_every_payer(aigul: Purse, daniyar: Purse) -> None:
    guest = a_purse("guest")
    daniyar.receive(one(aigul.pay(daniyar.address("300.00"), at=NOW)), at=NOW)
    text = one(daniyar.pay(guest.address("300.00"), at=NOW))

    said("hops", lambda: guest.receive(resigned(text, cert={"hops": 1}), at=NOW))
    assert guest.receive(resigned(text, 0, cert={"hops": 1}), at=NOW).hops == 2


def test_a_frozen_payer_anywhere_in_the_chain_is_noticed(aigul: Purse, daniyar: Purse) -> None:
    guest = a_purse("guest")
    daniyar.receive(one(aigul.pay(daniyar.address("300.00"), at=NOW)), at=NOW)
    text = one(daniyar.pay(guest.address("300.00"), at=NOW))

    guest.take_notice(notice(101, frozen=(offline.purse_id(key("aigul").public_key),)))

    said("frozen", lambda: guest.receive(text, at=NOW))


def test_two_payments_of_one_device_that_clash_are_noticed(aigul: Purse, daniyar: Purse) -> None:
    twin = Purse(aigul.to_bytes())
    daniyar.receive(one(aigul.pay(daniyar.address("300.00"), at=NOW)), at=NOW)

    said("contradiction", lambda: daniyar.receive(
        one(twin.pay(daniyar.address("200.00"), at=NOW)), at=NOW))  # fmt: skip


def test_a_device_that_cheats_along_one_chain_is_noticed(aigul: Purse, daniyar: Purse) -> None:
    """Its two payments stand in the chain itself."""
    guest = a_purse("guest")
    daniyar.receive(one(aigul.pay(daniyar.address("1000.00"), at=NOW)), at=NOW)
    aigul.receive(one(daniyar.pay(aigul.address("900.00"), at=NOW)), at=NOW)
    text = one(aigul.pay(guest.address("300.00"), at=NOW))

    said("contradiction", lambda: guest.receive(
        resigned(text, counter=1, previous=offline.FIRST), at=NOW))  # fmt: skip
    assert guest.receive(text, at=NOW).hops == 3


def test_a_device_notices_that_it_was_restored_from_an_older_copy(
    aigul: Purse, daniyar: Purse
) -> None:
    older = Purse(aigul.to_bytes())
    daniyar.receive(one(aigul.pay(daniyar.address("300.00"), at=NOW)), at=NOW)
    back = one(daniyar.pay(aigul.address("300.00"), at=NOW))

    said("older_copy", lambda: older.receive(back, at=NOW))
    assert aigul.receive(back, at=NOW).hops == 2


def test_a_purse_holds_no_more_than_it_may(aigul: Purse) -> None:
    small = a_purse("small", purse_max=299_99)

    said("purse_max", lambda: small.receive(
        one(aigul.pay(small.address("300.00"), at=NOW)), at=NOW))  # fmt: skip


def test_an_old_notice_is_not_enough(aigul: Purse, daniyar: Purse) -> None:
    text = one(aigul.pay(daniyar.address("300.00"), at=NOW))

    said("notice", lambda: daniyar.receive(text, at=NOW + 7 * DAY))


@pytest.mark.parametrize(("code", "form"), [
    ("notice", notice(by="a stranger")),
    ("notice", notice(99)),
    ("notice", notice(ledger=b"x" * 16)),
])  # fmt: skip
def test_only_the_central_banks_newest_notice_is_taken(
    daniyar: Purse, code: str, form: bytes
) -> None:
    said(code, lambda: daniyar.take_notice(form))
    assert daniyar.size == 100


def test_only_its_own_newest_certificate_is_taken(daniyar: Purse) -> None:
    for form in (
        offline.certificate_bytes(LEDGER, certificate("aigul", 500_00)),
        offline.certificate_bytes(LEDGER, certificate("daniyar", 99_99)),
        offline.certificate_bytes(LEDGER, certificate("daniyar", 500_00, bank="no bank")),
        offline.certificate_bytes(b"x" * 16, certificate("daniyar", 500_00)),
    ):
        said("certificate", lambda form=form: daniyar.take_certificate(form))
    assert daniyar.balance == "100.00"
    daniyar.take_certificate(offline.certificate_bytes(LEDGER, certificate("daniyar", 500_00)))
    assert daniyar.balance == "500.00"


def test_a_device_without_its_papers_says_so(aigul: Purse) -> None:
    bare = Purse.make(
        key("bare"), ledger=b64(LEDGER), central_bank=key("nbk").public_key, home=b64(bytes(16))
    )
    text = one(aigul.pay(bare.address("3.00"), at=NOW))

    said("notice", lambda: bare.receive(text, at=NOW))
    said("certificate", lambda: bare.pay(aigul.address("3.00"), at=NOW))
    bare.take_notice(notice())
    said("certificate", lambda: bare.receive(text, at=NOW))


def test_a_till_without_a_purse_checks_the_same(aigul: Purse) -> None:
    wallet = b"the cafe's wallet"[:16]
    text = one(aigul.pay(to_text(offline.Address(LEDGER, wallet, 5_00).to_bytes()), at=NOW))
    found = check_chain(
        read_chain(from_text(text)), offline.read_notice(notice()), ledger=LEDGER,
        central_bank=key("nbk").public_key, payee=wallet, at=NOW,
    )  # fmt: skip

    assert found == NOW + 40 * DAY


def test_what_is_no_payment_cannot_be_read(daniyar: Purse) -> None:
    for text in ("", "TENGE1:", "TENGE1:ZZZ", daniyar.address(), "hello"):
        with pytest.raises(Malformed):
            daniyar.receive(text, at=NOW)


def test_every_changed_bit_of_a_payment_is_noticed(aigul: Purse, daniyar: Purse) -> None:
    data = from_text(one(aigul.pay(daniyar.address("300.00"), at=NOW)))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises((Malformed, OfflineRefused)):
            daniyar.receive(to_text(bytes(changed)), at=NOW)
    assert daniyar.receive(to_text(data), at=NOW).amount == "300.00"
    assert isinstance(read_chain(data).links[0], Link)
