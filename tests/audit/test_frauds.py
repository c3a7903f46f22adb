"""Frauds planted by whoever keeps the log, tree and checkpoint rebuilt and signed: replaying names
the entry, and says whether it takes `--decide` to see it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.audit import Part, audit_export
from ledger.core.envelope import seal
from ledger.core.ids import b64, decode_segment, derive_key
from ledger.core.offline import Chain
from ledger.keys import SigningKey
from ledger.kinds.till import request_of
from ledger.log.leaf import LeafPosting
from ledger.writer.expiry import expire_transaction
from tests.audit.everything import Everything
from tests.audit.forgery import Forger, Fraud, resigned, swapped, tampered
from tests.builders import HOUR, key_of
from tests.kinds.devices import Device, text_of


def posted_amount_changed(forger: Forger) -> int:
    index = forger.kind_at("transfer/1", last=True)
    debit, credit, asset, amount = _posting(forger, index)
    forger.change(index, postings=(LeafPosting(debit, credit, asset, str(int(amount) + 1)),))
    return index


def posting_turned_round(forger: Forger) -> int:
    index = forger.kind_at("transfer/1", last=True)
    debit, credit, asset, amount = _posting(forger, index)
    forger.change(index, postings=(LeafPosting(credit, debit, asset, amount),))
    return index


def posting_dropped(forger: Forger) -> int:
    index = forger.kind_at("pay/1", last=True)
    forger.change(index, postings=())
    return index


def posting_too_many(forger: Forger) -> int:
    index = forger.kind_at("rate/1", last=True)
    forger.change(index, postings=(LeafPosting(*_posting(forger, forger.kind_at("transfer/1"))),))
    return index


def signed_amount_changed(forger: Forger) -> int:
    jws = forger.world.sign("aigul", "transfer/1", from_=forger.accounts["aigul", "KZTD"],
                            to=forger.accounts["daniyar", "KZTD"], amount="1.00")  # fmt: skip
    return forger.append(tampered(jws, lambda payload: payload.replace(b'"1.00"', b'"9.00"')))


def signed_by_another_under_the_name(forger: Forger) -> int:
    jws = forger.world.sign("aigul", "transfer/1", from_=forger.accounts["aigul", "KZTD"],
                            to=forger.accounts["daniyar", "KZTD"], amount="1.00")  # fmt: skip
    return forger.append(resigned(jws, key_of("mallory")))


def registered_key_swapped(forger: Forger) -> int:
    index = forger.kind_at("key/1")
    mine = b64(key_of("mallory").public_key)
    theirs = b64(key_of("aigul's phone").public_key)
    jws = tampered(
        forger.entries[index].tx, lambda payload: payload.replace(theirs.encode(), mine.encode())
    )
    forger.change(index, tx=jws)
    return index


def request_signed_by_another_than_the_till(forger: Forger) -> int:
    request = resigned(forger.world.request("till-cafe", "100.00"), key_of("mallory"))
    return forger.append(_pay(forger, "KZTD", request))


def offline_payment_signed_by_another_device(forger: Forger) -> int:
    chain = _offline(forger)
    signature = key_of("mallory").sign(chain.last.signed(chain.ledger))
    link = replace(chain.links[0], payment=replace(chain.last, signature=signature))
    return forger.append(_deposit(forger, replace(chain, links=(link,))))


def offline_payment_settled_twice(forger: Forger) -> int:
    chain = _offline(forger)
    forger.append(_deposit(forger, chain))
    return forger.append(_deposit(forger, chain))


def money_from_nowhere(forger: Forger) -> int:
    jws = forger.world.sign(
        "exchange", "issue/1", to=forger.accounts["exchange", "KZTD"], amount="1000000.00"
    )
    return forger.append(jws)


def money_from_the_operator(forger: Forger) -> int:
    jws = forger.world.sign(
        forger.everything.operator, "issue/1", to=forger.accounts["bank", "KZTD"], amount="1.00"
    )
    return forger.append(jws)


def money_from_a_stranger(forger: Forger) -> int:
    jws = forger.world.sign("mallory", "issue/1", to=forger.accounts["bank", "KZTD"], amount="1.00")
    return forger.append(jws)


def money_taken_from_another(forger: Forger) -> int:
    jws = forger.world.sign("daniyar", "transfer/1", from_=forger.accounts["aigul", "KZTD"],
                            to=forger.accounts["daniyar", "KZTD"], amount="1.00")  # fmt: skip
    return forger.append(jws)


def marked_money_spent_elsewhere(forger: Forger) -> int:
    jws = forger.world.sign("aigul", "transfer/1", from_=forger.world.voucher,
                            to=forger.accounts["daniyar", "KZTD"], amount="1.00")  # fmt: skip
    return forger.append(jws)


def ordinary_money_marked(forger: Forger) -> int:
    jws = forger.world.sign("aigul", "transfer/1", from_=forger.accounts["aigul", "KZTD"],
                            to=forger.world.voucher, amount="1.00")  # fmt: skip
    return forger.append(jws)


def allocation_sent_elsewhere(forger: Forger) -> int:
    index = forger.kind_at("allocate/1")
    debit, _, asset, amount = _posting(forger, index)
    elsewhere = forger.accounts["daniyar", "KZTD"]
    forger.change(index, postings=(LeafPosting(debit, elsewhere, asset, amount),))
    return index


def entry_of_another_ledger(forger: Forger) -> int:
    key = key_of("aigul")
    payload = json.loads(forger.world.signing.payload("transfer/1"))
    payload |= {"ledger": b64(bytes(16)), "from": forger.accounts["aigul", "KZTD"],
                "to": forger.accounts["daniyar", "KZTD"], "amount": "1.00"}  # fmt: skip
    return forger.append(
        seal(json.dumps(payload).encode(), kid=key.kid, typ="tenge-tx", sign=key.sign)
    )


def entry_dated_back(forger: Forger) -> int:
    index = forger.kind_at("transfer/1", last=True)
    forger.change(index, at=forger.entries[index - 1].at - 1)
    return index


def entry_after_its_time(forger: Forger) -> int:
    jws = forger.world.sign("aigul", "transfer/1", from_=forger.accounts["aigul", "KZTD"],
                            to=forger.accounts["daniyar", "KZTD"], amount="1.00")  # fmt: skip
    return forger.append(jws, at=forger.at + 2 * HOUR)


def entry_twice(forger: Forger) -> int:
    entry = forger.entries[forger.kind_at("transfer/1", last=True)]
    return forger.append(entry.tx, at=forger.at)


def entries_in_another_order(forger: Forger) -> int:
    index = next(  # a party's registration and the opening of its account
        i for i in range(1, 200)
        if (forger.kind(forger.entries[i]), forger.kind(forger.entries[i + 1]))
        == ("asset/1", "account/1")
    )  # fmt: skip
    swapped(forger.entries, index, index + 1)
    return index


def entry_left_out(forger: Forger) -> int:
    index = forger.kind_at("asset/1")
    del forger.entries[index]
    forger.renumber()
    return index


def overdraft(forger: Forger) -> int:
    jws = forger.world.sign("aigul", "transfer/1", from_=forger.accounts["aigul", "KZTD"],
                            to=forger.accounts["daniyar", "KZTD"], amount="9000000.00")  # fmt: skip
    return forger.append(jws)


def refund_beyond_the_payment(forger: Forger) -> int:
    paid = next(entry for entry in forger.entries if forger.kind(entry) == "pay/1")
    request = request_of(forger.tx(paid))
    jws = forger.world.sign("cafe", "refund/1", payment=b64(request.id),
                            from_=forger.accounts["cafe", "tUSDT"],
                            to=forger.accounts["aigul", "tUSDT"], amount="900.000000")  # fmt: skip
    return forger.append(jws)


def request_paid_twice(forger: Forger) -> int:
    request = forger.world.request("till-cafe", "100.00")
    forger.append(_pay(forger, "KZTD", request))
    return forger.append(_pay(forger, "KZTD", request))


def pack_of_another_digest(forger: Forger) -> int:
    index = forger.kind_at("transfer/1", last=True)
    forger.change(index, pack=forger.entries[20].pack)
    assert forger.entries[index].pack != forger.entries[index - 1].pack
    return index


def value_changed(forger: Forger) -> int:
    index = forger.kind_at("pay/1", last=True)
    forger.change(index, facts={**forger.entries[index].facts, "value": "1"})
    return index


def zone_that_is_none(forger: Forger) -> int:
    index = _paid_in_zone(forger)
    forger.change(index, facts={**forger.entries[index].facts, "zone": b64(bytes(16))})
    return index


def zone_where_nothing_was_paid(forger: Forger) -> int:
    index = forger.kind_at("transfer/1", last=True)
    forger.change(index, facts={"zone": forger.world.zone})
    return index


def another_zone(forger: Forger) -> int:
    index = _paid_in_zone(forger)
    fair = forger.tx(forger.entries[forger.kind_at("zone_draw/1", last=True)])
    zone = b64(derive_key(fair.id, "zone"))
    assert zone != forger.world.zone
    forger.change(index, facts={**forger.entries[index].facts, "zone": zone})
    return index


def zone_left_out(forger: Forger) -> int:
    index = _paid_in_zone(forger)
    facts = {name: fact for name, fact in forger.entries[index].facts.items() if name != "zone"}
    forger.change(index, facts=facts)
    return index


def end_left_out(forger: Forger) -> int:
    index = forger.kind_at("expire/1")
    del forger.entries[index]
    forger.renumber()
    return index


def ends_in_another_order(forger: Forger) -> int:
    index = forger.kind_at("expire/1")
    assert forger.kind(forger.entries[index + 1]) == "expire/1"
    swapped(forger.entries, index, index + 1)
    return index


def end_before_its_time(forger: Forger) -> int:
    permit = forger.tx(forger.entries[forger.kind_at("permit/1")])
    key = derive_key(permit.id, "permit")
    due: int = permit.payload.valid_until  # type: ignore[attr-defined]
    operator = forger.everything.operator
    jws = expire_transaction(forger.ledger, operator, forger.at, due, "permit", key)
    return forger.append(jws.decode())


def hold_kept_beyond_its_end(forger: Forger) -> int:
    """The end of a hold is left out; whatever comes next shows it."""
    index = _end_of(forger, "hold")
    del forger.entries[index]
    forger.renumber()
    return index


def hold_ended_before_its_time(forger: Forger) -> int:
    hold = forger.tx(forger.entries[forger.kind_at("hold/1")])
    due: int = hold.payload.ends_at  # type: ignore[attr-defined]
    jws = expire_transaction(
        forger.ledger, forger.everything.operator, forger.at, due, "hold",
        derive_key(hold.id, "hold"),
    )  # fmt: skip
    return forger.append(jws.decode())


def hold_ended_and_its_money_kept(forger: Forger) -> int:
    index = _end_of(forger, "hold")
    assert forger.entries[index].postings
    forger.change(index, postings=())
    return index


def captured_beyond_the_hold(forger: Forger) -> int:
    index = forger.kind_at("capture/1")
    debit, credit, asset, amount = _posting(forger, index)
    forger.change(index, postings=(LeafPosting(debit, credit, asset, f"{amount}0"),))
    return index


def captured_after_its_end(forger: Forger) -> int:
    ended = forger.tx(forger.entries[_end_of(forger, "hold")]).payload
    jws = forger.world.sign("cafe", "capture/1", hold=ended.key,  # type: ignore[attr-defined]
                            amount="0.01", last=False)  # fmt: skip
    return forger.append(jws)


def _end_of(forger: Forger, type_: str) -> int:
    """The entry that ended the first object of this type that has ended by time."""
    return next(
        i for i, entry in enumerate(forger.entries)
        if forger.kind(entry) == "expire/1"
        and forger.tx(entry).payload.type == type_  # type: ignore[attr-defined]
    )  # fmt: skip


def end_by_another_than_the_operator(forger: Forger) -> int:
    index = forger.kind_at("expire/1")
    payload = json.loads(_payload(forger, index))
    jws = forger.world.sign("nbk", "expire/1", **{n: payload[n] for n in ("type", "key", "due")})
    forger.change(index, tx=jws)
    return index


def clock_turned_back(forger: Forger) -> int:
    jws = forger.world.sign(forger.everything.operator, "clock/1", offset=0, frozen_at=None)
    return forger.append(jws)


def crypto_taken_outside_the_zone(forger: Forger) -> int:
    request = forger.world.request("till-market", "100.00")
    return forger.append(_pay(forger, "tUSDT", request))


def crypto_sent_to_a_merchant(forger: Forger) -> int:
    jws = forger.world.sign("aigul", "transfer/1", from_=forger.accounts["aigul", "tUSDT"],
                            to=forger.accounts["market", "tUSDT"], amount="1.000000")  # fmt: skip
    return forger.append(jws)


def payload_with_a_member_twice(forger: Forger) -> int:
    key = key_of("aigul")
    payload = forger.world.signing.payload(
        "transfer/1", from_=forger.accounts["aigul", "KZTD"],
        to=forger.accounts["daniyar", "KZTD"], amount="1.00",
    )  # fmt: skip
    twice = payload.replace(b'"amount":"1.00"', b'"amount":"9.00","amount":"1.00"')
    assert twice != payload
    jws = seal(twice, kid=key.kid, typ="tenge-tx", sign=key.sign)
    index = len(forger.entries)
    plain = forger.append(seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign))
    forger.change(plain, tx=jws)
    return index


def _posting(forger: Forger, index: int) -> tuple[str, str, str, str]:
    posting = forger.entries[index].postings[0]
    return posting.debit, posting.credit, posting.asset, posting.amount


def _pay(forger: Forger, asset: str, request: str) -> str:
    return forger.world.sign(
        "aigul", "pay/1", from_=forger.accounts["aigul", asset], request=request
    )


def _offline(forger: Forger) -> Chain:
    """A payment of the device that aigul has in the ledger with everything."""
    device = Device(forger.world, "aigul")
    return device.again(forger.accounts["cafe", "KZTD"], 1_00, counter=50, previous=b"p" * 32)


def _deposit(forger: Forger, chain: Chain) -> str:
    return forger.world.sign("cafe", "purse_deposit/1", chain=text_of(chain))


def _paid_in_zone(forger: Forger) -> int:
    return max(i for i, entry in enumerate(forger.entries) if "zone" in entry.facts)


def _payload(forger: Forger, index: int) -> bytes:
    return decode_segment(forger.entries[index].tx.encode().split(b".")[1])


BY_VERIFY = [
    (posted_amount_changed, Part.POSTINGS),
    (posting_turned_round, Part.POSTINGS),
    (posting_dropped, Part.POSTINGS),
    (posting_too_many, Part.POSTINGS),
    (signed_amount_changed, Part.SIGNATURE),
    (signed_by_another_under_the_name, Part.SIGNATURE),
    (registered_key_swapped, Part.SIGNATURE),
    (request_signed_by_another_than_the_till, Part.SIGNATURE),
    (offline_payment_signed_by_another_device, Part.SIGNATURE),
    (offline_payment_settled_twice, Part.AUTHORITY),
    (money_from_nowhere, Part.AUTHORITY),
    (money_from_the_operator, Part.AUTHORITY),
    (money_from_a_stranger, Part.AUTHORITY),
    (money_taken_from_another, Part.AUTHORITY),
    (marked_money_spent_elsewhere, Part.AUTHORITY),
    (ordinary_money_marked, Part.AUTHORITY),
    (allocation_sent_elsewhere, Part.POSTINGS),
    (entry_of_another_ledger, Part.AUTHORITY),
    (entry_dated_back, Part.TIME),
    (entry_after_its_time, Part.AUTHORITY),
    (entry_twice, Part.REPEATED),
    (entries_in_another_order, Part.AUTHORITY),
    (entry_left_out, Part.AUTHORITY),
    (overdraft, Part.POSTINGS),
    (refund_beyond_the_payment, Part.AUTHORITY),
    (request_paid_twice, Part.AUTHORITY),
    (pack_of_another_digest, Part.FACTS),
    (value_changed, Part.FACTS),
    (zone_that_is_none, Part.FACTS),
    (zone_where_nothing_was_paid, Part.FACTS),
    (end_left_out, Part.EXPIRY),
    (ends_in_another_order, Part.EXPIRY),
    (end_before_its_time, Part.AUTHORITY),
    (end_by_another_than_the_operator, Part.AUTHORITY),
    (hold_kept_beyond_its_end, Part.EXPIRY),
    (hold_ended_before_its_time, Part.AUTHORITY),
    (hold_ended_and_its_money_kept, Part.POSTINGS),
    (captured_beyond_the_hold, Part.POSTINGS),
    (captured_after_its_end, Part.AUTHORITY),
    (clock_turned_back, Part.AUTHORITY),
    (payload_with_a_member_twice, Part.LEAF),
]

BY_DECIDING = [
    (crypto_taken_outside_the_zone, Part.DECISION),
    (crypto_sent_to_a_merchant, Part.DECISION),
    (another_zone, Part.FACTS),
    (zone_left_out, Part.FACTS),
]


def _id(value: object) -> str | None:
    return value.__name__.replace("_", " ") if callable(value) else None


@pytest.mark.parametrize(("fraud", "part"), BY_VERIFY, ids=_id)
@pytest.mark.parametrize("decides", [False, True], ids=["verify", "decide"])
def test_a_fraud_is_named_by_its_entry(
    small: Everything, tmp_path: Path, fraud: Fraud, part: Part, decides: bool
) -> None:
    forger = Forger(small)
    index = fraud(forger)

    verdict = audit_export(forger.export(tmp_path / "forged.zip"), decides=decides, workers=1)

    assert verdict.findings, "nothing was found"
    assert verdict.findings[0].index == index, verdict.findings
    parts = {found.part for found in verdict.findings if found.index == index}
    assert parts & {part, *([Part.DECISION] if decides else [])}, verdict.findings


def test_no_end_can_be_left_out_or_change_places(small: Everything, tmp_path: Path) -> None:
    """Whatever type of object it ended: each of them, one at a time."""
    honest = Forger(small)
    ends = [i for i, entry in enumerate(honest.entries) if honest.kind(entry) == "expire/1"]
    types = {honest.tx(honest.entries[i]).payload.type for i in ends}  # type: ignore[attr-defined]
    assert len(types) >= 5, types

    for place, index in enumerate(ends):
        forger = Forger(small)
        del forger.entries[index]
        forger.renumber()
        _missed(forger, index, tmp_path / f"left out {place}.zip")
        if index + 1 in ends:
            forger = Forger(small)
            swapped(forger.entries, index, index + 1)
            _missed(forger, index, tmp_path / f"changed {place}.zip")


def _missed(forger: Forger, index: int, path: Path) -> None:
    first = audit_export(forger.export(path), workers=1).findings[0]
    assert (first.index, first.part) == (index, Part.EXPIRY), first


@pytest.mark.parametrize(("fraud", "part"), BY_DECIDING, ids=_id)
def test_what_only_the_rules_forbid_is_seen_by_deciding_again(
    small: Everything, tmp_path: Path, fraud: Fraud, part: Part
) -> None:
    forger = Forger(small)
    index = fraud(forger)
    path = forger.export(tmp_path / "forged.zip")

    assert audit_export(path, workers=1).is_sound
    found = audit_export(path, decides=True, workers=1).findings[0]
    assert (found.index, found.part) == (index, part), found


def test_a_log_signed_by_another_key_than_its_genesis_names_is_found(
    small: Everything, tmp_path: Path
) -> None:
    path = Forger(small).export(tmp_path / "forged.zip", SigningKey.from_seed(bytes(32)))

    assert [f.part for f in audit_export(path, workers=1).findings] == [Part.CHECKPOINT]
    trusted = audit_export(path, keys=[small.log_key], workers=1)
    assert [f.part for f in trusted.findings] == [Part.CHECKPOINT]


def test_an_honest_log_written_again_is_sound(small: Everything, tmp_path: Path) -> None:
    forger = Forger(small)
    forger.append(_pay(forger, "KZTD", forger.world.request("till-market", "100.00")))
    path = forger.export(tmp_path / "again.zip")

    for decides in (False, True):
        verdict = audit_export(path, keys=[small.log_key], decides=decides, workers=1)
        assert verdict.findings == ()
