"""Retries and replays (R7, R8): the same bytes have one effect for ever, others' have none."""

from __future__ import annotations

import json
import threading

import pytest

from ledger.core.decision import Code
from ledger.core.ids import encode_segment
from ledger.errors import DoorShut
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from ledger.writer.answers import Answer, Busy, Declined, Offer, Taken, Unread
from ledger.writer.link import Link
from tests.builders import HOUR, Signing, id_of, key_of
from tests.reliability.node import Node
from tests.reliability.town import Site, offers
from tests.scale import rounds

TIMES = rounds(100)


def many(links: list[Link], jws: str, times: int) -> list[Answer]:
    """The answers to the same bytes offered so many times at once, by eight threads, each until it
    has one."""
    answers: list[Answer] = []

    def ask(link: Link) -> None:
        for _ in range(times // 8):
            while True:
                try:
                    answer = link.submit(offers([jws]))[0]
                except DoorShut:
                    continue
                if not isinstance(answer, Busy):
                    break
            answers.append(answer)

    threads = [threading.Thread(target=ask, args=(links[n % len(links)],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def check_one(site: Site, jws: str, answers: list[Answer]) -> Taken:
    """All answers are one receipt, and it is true."""
    first = answers[0]
    assert isinstance(first, Taken)
    for answer in answers:
        assert isinstance(answer, Taken)
        assert (answer.index, answer.at) == (first.index, first.at)
    assert site.judge().ids[id_of(jws)] == first.index
    return first


def test_the_same_bytes_a_hundred_times_at_once_are_one_payment(site: Site) -> None:
    node = site.node().start().reached()
    links = [node.link() for _ in range(4)]
    for payer in ("person 00", "person 01"):
        before = site.balance("cafe")
        jws = site.pay(payer, "KZTD", site.world.request("till-cafe", "3.00"))

        answers = many(links, jws, TIMES)

        check_one(site, jws, answers)
        assert sum(isinstance(a, Taken) and not a.repeated for a in answers) == 1
        assert site.balance("cafe") == before + 300


def test_the_same_bytes_across_a_kill_are_one_payment(site: Site) -> None:
    """Half of those who ask meet the kill; the first receipt is the last one too."""
    node = site.node().start().reached()
    links = [node.link() for _ in range(4)]
    for _ in range(rounds(4)):
        before = site.balance("cafe")
        jws = site.pay("person 02", "KZTD", site.world.request("till-cafe", "3.00"))
        killer = threading.Timer(0.005, replace, [node])
        killer.start()

        answers = many(links, jws, TIMES)
        killer.join()

        node.reached()
        first = check_one(site, jws, answers)
        again = node.link().submit(offers([jws]))[0]
        assert again == Taken(first.index, first.at, site.judge().size, repeated=True)
        assert site.balance("cafe") == before + 300


def replace(node: Node) -> None:
    """Kill the writer, and start another."""
    node.kill()
    node.start()


def test_every_past_message_is_answered_the_same_after_a_restart(site: Site) -> None:
    """Every entry of the log and every refusal, in reverse, twice."""
    node = site.node().start().reached()
    link = node.link()
    poor = [site.transfer("person 03", "person 04", "88888888.00") for _ in range(3)]
    refused = [answer for answer in link.submit(offers(poor)) if isinstance(answer, Declined)]
    assert len(refused) == 3
    size = site.judge().size
    reader = site.reader()
    past = [json.loads(leaf)["tx"] for _, leaf in reader.all_leaves()]

    for _ in range(2):
        node.stop()
        node.start().reached()
        answers = node.link().submit(offers(past[::-1]))[::-1]
        assert [a.index for a in answers if isinstance(a, Taken) and a.repeated] == [*range(size)]
        again = node.link().submit(offers(poor))
        assert [[r.code for r in a.reasons] for a in again if isinstance(a, Declined)] == [
            [r.code for r in a.reasons] for a in refused
        ]

    assert site.judge().size == size
    assert node.stop() == 0


def test_the_other_spelling_of_the_algorithm_is_the_same_transaction(site: Site) -> None:
    """Signed again under `Ed25519` it has the same id: the payload's, not the header's."""
    ledger = site.open()
    key = key_of("person 05")
    jws = site.transfer("person 05", "person 06", "1.00")
    _, payload, _ = jws.encode().split(b".")
    header = encode_segment(
        json.dumps({"typ": "tenge-tx", "alg": "Ed25519", "kid": key.kid}).encode()
    )
    signed = header + b"." + payload
    other = (signed + b"." + encode_segment(key.sign(signed))).decode()
    before = site.balance("person 06")

    first, second = ledger.submit_one(jws), ledger.submit_one(other)

    assert id_of(jws) == id_of(other)
    assert isinstance(first, Taken)
    assert second == Taken(first.index, first.at, first.size, repeated=True)
    assert site.balance("person 06") == before + 1_00


def test_a_signature_of_somebody_else_is_no_second_transaction(site: Site) -> None:
    """The payload of an entry under another key or a bent signature has no second effect."""
    ledger = site.open()
    jws = site.transfer("person 05", "person 06", "1.00")
    bent = jws[:-4] + ("AAAA" if jws[-4:] != "AAAA" else "BBBA")
    fresh = ledger.submit_one(bent)
    assert isinstance(fresh, Unread)
    before = site.judge().size
    assert isinstance(ledger.submit_one(jws), Taken)

    ledger.submit_one(bent)

    assert site.judge().size == before + 1


@pytest.fixture
def elsewhere(sqlite_site: Site) -> str:
    """The id of another ledger with the same people."""
    keyring = Keyring.open_or_create(sqlite_site.folder / "other-keyring")
    url = f"sqlite:///{sqlite_site.folder / 'other.db'}"
    (sqlite_site.folder / "other.db").unlink(missing_ok=True)
    with Ledger.create(url, keyring, key_of("nbk")) as other:
        return other.id


def test_what_is_signed_for_another_ledger_is_refused_here(site: Site, elsewhere: str) -> None:
    ledger = site.open()
    there = Signing(elsewhere, ledger.time)
    accounts = site.world.accounts
    jws = there.sign(
        "person 07", "transfer/1", from_=accounts["person 07", "KZTD"],
        to=accounts["person 08", "KZTD"], amount="1.00",
    )  # fmt: skip
    mixed = site.pay("person 07", "KZTD", there.request(
        "till-market", total="1.00",
        tenders=[{"asset": "KZTD", "account": accounts["market", "KZTD"], "amount": "1.00"}],
    ))  # fmt: skip
    size = site.judge().size

    for _ in range(2):
        for each in (jws, mixed):
            answer = ledger.submit_one(each)
            assert isinstance(answer, Declined)
            assert [reason.code for reason in answer.reasons] == [Code.LEDGER_OTHER]
    assert site.judge().size == size


def test_an_expired_transaction_stays_refused_and_a_taken_one_stays_taken(site: Site) -> None:
    ledger = site.open()
    late = site.transfer("person 09", "person 10", "1.00", ahead=-1)
    early = site.transfer("person 09", "person 10", "1.00", ahead=25 * HOUR)
    brief = site.transfer("person 09", "person 10", "1.00", ahead=1_500)
    taken = ledger.submit_one(brief)
    assert isinstance(taken, Taken)
    while ledger.time() <= id_of(brief).not_after:
        pass

    answers = ledger.submit([Offer(each.encode(), False) for each in (late, early, brief)])

    codes = [[r.code for r in a.reasons] for a in answers[:2] if isinstance(a, Declined)]
    assert codes == [[Code.EXPIRED], [Code.NOT_AFTER_TOO_FAR]]
    assert isinstance(answers[2], Taken)
    assert (answers[2].index, answers[2].repeated) == (taken.index, True)


def test_a_restored_copy_takes_each_message_once_more_at_most(sqlite_site: Site) -> None:
    """After a backup is put back, what it holds is repeated and what came after it is new, once."""
    site = sqlite_site
    ledger = site.open()
    kept = site.transfer("person 11", "person 12", "1.00")
    lost = site.transfer("person 11", "person 12", "2.00")
    assert isinstance(ledger.submit_one(kept), Taken)
    ledger.close()
    backup = site.file.read_bytes()
    ledger = site.open()
    assert isinstance(ledger.submit_one(lost), Taken)
    ledger.close()
    site.file.write_bytes(backup)
    site.forget()
    before = site.balance("person 12")

    ledger = site.open()
    answers = [ledger.submit_one(each) for each in (kept, lost, kept, lost)]

    assert [a.repeated for a in answers if isinstance(a, Taken)] == [True, False, True, True]
    assert site.balance("person 12") == before + 2_00
