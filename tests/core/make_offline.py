"""Known answers of what purses say: `python -m tests.core.make_offline` writes them anew.

Keys follow from names, so anyone can make the same: a seed is the name, padded with dots to 32
bytes. What is written never changes: a layout that differs gets another tag and prefix.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import segno

from ledger.core import offline
from ledger.core.ids import thumbprint
from ledger.core.offline import Address, Certificate, Chain, Link, Notice, Payment, purse_id
from ledger.keys import SigningKey

FOLDER = Path(__file__).parents[1] / "vectors" / "offline"
LEDGER = bytes(range(16))
NAMES = ("aigul's purse", "daniyar's purse", "the guest's purse", "the market's purse")
T0 = 1_790_000_000_000
DAY = 86_400_000
CASES = ("chain-1", "chain-2", "chain-3", "certificate", "notice", "address")


def key(name: str) -> SigningKey:
    """The named one's key."""
    return SigningKey.from_seed(name.encode().ljust(32, b"."))


def certificate(name: str, loaded: int) -> Certificate:
    """What the bank says of the named device."""
    bank = key("bank")
    issuer = thumbprint(bank.public_key)[: offline.ISSUER_BYTES]
    bare = Certificate(
        issuer, key(name).public_key, offline.ISSUING_BANK, offline.HOPS_MAX, 20_000_00, 50_000_00,
        loaded, T0 + 30 * DAY, T0 + 60 * DAY,
    )  # fmt: skip
    signature = bank.sign(bare.signed(LEDGER))
    return Certificate(*(getattr(bare, name) for name in bare.__struct_fields__[:-1]), signature)


def a_chain(hops: int) -> Chain:
    """1,290.00 out of 5,000.00 that Aigul loaded, each hop 100.00 less; the second hop is the
    second payment of its device."""
    links: list[Link] = []
    source = offline.LOADED
    for hop, name in enumerate(NAMES[:hops]):
        device, payee = key(name), purse_id(key(NAMES[hop + 1]).public_key)
        counter, previous = (2, b"p" * 32) if hop == 1 else (1, offline.FIRST)
        members = (
            device.public_key, counter, previous, source, 0, 1_290_00 - hop * 100_00,
            T0 + hop * 60_000, payee,
        )  # fmt: skip
        payment = Payment(*members, device.sign(Payment(*members).signed(LEDGER)))
        links.append(Link(certificate(name, 0 if hop else 5_000_00), payment))
        source = payment.id(LEDGER)
    return Chain(LEDGER, tuple(links))


def a_notice() -> Notice:
    """Of two banks and two frozen purses."""
    banks = sorted(key(name).public_key for name in ("bank", "other bank"))
    frozen = sorted(purse_id(key(name).public_key) for name in ("a thief's purse", "a lost purse"))
    bare = (LEDGER, 1290, T0, T0 + 7 * DAY, tuple(banks), tuple(frozen))
    return Notice(*bare, key("nbk").sign(Notice(*bare).signed()))


def made(name: str) -> dict[str, Any]:
    """A known answer: what it says, its bytes, its text, and what is signed by whom."""
    if name.startswith("chain"):
        return _of_chain(a_chain(int(name[-1])))
    if name == "certificate":
        one = certificate(NAMES[0], 5_000_00)
        return _form(
            "certificate", offline.certificate_bytes(LEDGER, one), _certificate(one),
            [(key("bank").public_key, one.signed(LEDGER), one.signature)],
        )  # fmt: skip
    if name == "notice":
        notice = a_notice()
        says = {
            "size": notice.size, "at": notice.at, "until": notice.until,
            "banks": [bank.hex() for bank in notice.banks],
            "frozen": [purse.hex() for purse in notice.frozen],
        }  # fmt: skip
        signed = (key("nbk").public_key, notice.signed(), notice.signature)
        return _form("notice", notice.to_bytes(), says, [signed])
    address = Address(LEDGER, purse_id(key(NAMES[1]).public_key), 1_290_00)
    says = {"payee": address.payee.hex(), "amount": address.amount}
    return _form("address", address.to_bytes(), says, [])


def _of_chain(chain: Chain) -> dict[str, Any]:
    says = {
        "links": [
            {
                "certificate": _certificate(link.certificate),
                "certificate_signature": link.certificate.signature.hex(),
                "payment": {
                    "id": id.hex(),
                    "counter": link.payment.counter,
                    "previous": link.payment.previous.hex(),
                    "source": link.payment.source.hex(),
                    "spent": link.payment.spent,
                    "amount": link.payment.amount,
                    "at": link.payment.at,
                    "payee": link.payment.payee.hex(),
                },
            }
            for link, id in zip(chain.links, chain.ids(), strict=True)
        ]
    }
    return _form("chain", chain.to_bytes(), says, [tuple(proof) for proof in chain.proofs()])


def _certificate(one: Certificate) -> dict[str, Any]:
    return {
        "issuer": one.issuer.hex(), "device": one.device.hex(), "purse": one.purse.hex(),
        "bearer": one.bearer, "hops": one.hops, "payment_max": one.payment_max,
        "purse_max": one.purse_max, "loaded": one.loaded, "ends_at": one.ends_at,
        "closes_at": one.closes_at,
    }  # fmt: skip


def _form(form: str, data: bytes, says: dict[str, Any], signed: list[Any]) -> dict[str, Any]:
    text = offline.to_text(data)
    code = segno.make_qr(text, error="m", boost_error=False)
    return {
        "form": form,
        "ledger": LEDGER.hex(),
        "says": says,
        "signed": [
            {"key": one.hex(), "message": message.hex(), "signature": signature.hex()}
            for one, message, signature in signed
        ],
        "bytes": data.hex(),
        "text": text,
        "qr": code.designator,
    }


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in CASES:
        text = json.dumps(made(name), indent=1) + "\n"
        (FOLDER / f"{name}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
