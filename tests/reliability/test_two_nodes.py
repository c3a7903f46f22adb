"""Two nodes on one PostgreSQL ledger: neither ever decides on what the other has changed since."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from ledger.core.decision import Code
from ledger.writer.answers import Answer, Declined, Taken
from ledger.writer.link import Link
from tests.builders import ALATAU, derived
from tests.reliability.crowd import Crowd
from tests.reliability.node import Node
from tests.reliability.town import Site, offers
from tests.scale import draw, rounds


@pytest.fixture
def nodes(postgres_site: Site) -> Iterator[list[Node]]:
    with postgres_site.serving(writers=2) as nodes:
        yield nodes
    postgres_site.judge()


def codes(answer: Answer) -> list[Code]:
    return [reason.code for reason in answer.reasons] if isinstance(answer, Declined) else []


def turns(nodes: list[Node]) -> Iterator[Link]:
    """Links to one node and the other, by turns."""
    links = [node.link() for node in nodes]
    while True:
        yield from links


def test_batches_by_turns_make_one_log_with_right_tiles(
    postgres_site: Site, nodes: list[Node]
) -> None:
    """Of all sizes, so that tiles fill now by one node, now by the other, now in the middle."""
    site, random = postgres_site, draw("batches by turns")
    start = site.judge().size
    count = 0
    for link, _ in zip(turns(nodes), range(rounds(24)), strict=False):
        size = random.choice((1, 2, 60, 200, 255, 256, 257, 300))
        names = [f"person {n:02}" for n in range(12)]
        pairs = [random.sample(names, 2) for _ in range(size)]
        jws = [site.transfer(payer, payee, "0.01") for payer, payee in pairs]
        answers = link.submit(offers(jws))
        assert all(isinstance(answer, Taken) for answer in answers)
        count += size

    assert site.judge().size == start + count
    roots = {node.link().checkpoint().split("\n\n")[0] for node in nodes}
    assert len(roots) == 1, "both sign one statement"


def test_what_one_node_changes_the_other_decides_on(postgres_site: Site, nodes: list[Node]) -> None:
    site = postgres_site
    world, links = site.world, turns(nodes)
    for _ in range(rounds(6)):
        request = world.request("till-cafe", "1.00")
        first, second = next(links), next(links)

        suspend = world.sign("afsa", "zone_suspend/1", zone=world.zone)
        assert isinstance(first.submit(offers([suspend]))[0], Taken)
        pay = site.pay("person 00", "tUSDT", request)
        assert codes(second.submit(offers([pay]))[0]) == [Code.ZONE_NOT_ACTIVE]

        resume = world.sign("afsa", "zone_resume/1", zone=world.zone)
        assert isinstance(second.submit(offers([resume]))[0], Taken)
        assert isinstance(first.submit(offers([pay]))[0], Taken)
        assert codes(second.submit(offers([
            site.pay("person 01", "tUSDT", request)
        ]))[0]) == [Code.REQUEST_PAID]  # fmt: skip
        next(links)


def test_a_balance_that_goes_to_and_fro_is_never_stale(
    postgres_site: Site, nodes: list[Node]
) -> None:
    """All that somebody has, to another and on, each step by the other node."""
    site, links = postgres_site, turns(nodes)
    site.world.door = next(links)
    site.empty("person 20")
    site.empty("person 21")
    fund = site.transfer("bank", "person 20", "5.00")
    assert isinstance(next(links).submit(offers([fund]))[0], Taken)
    for _ in range(rounds(20)):
        there = site.transfer("person 20", "person 21", "5.00")
        back = site.transfer("person 21", "person 20", "5.00")
        too_much = site.transfer("person 21", "person 22", "0.01")
        assert isinstance(next(links).submit(offers([there]))[0], Taken)
        assert isinstance(next(links).submit(offers([back]))[0], Taken)
        assert codes(next(links).submit(offers([too_much]))[0]) == [Code.FUNDS]

    assert (site.balance("person 20"), site.balance("person 21")) == (500, 0)


def test_a_cap_is_exact_over_both_nodes(postgres_site: Site, nodes: list[Node]) -> None:
    """A payer's day at any till in crypto: 1,000,000.00 by the pack, asked for by both at once."""
    site = postgres_site
    jws = [
        site.pay("aigul", "tBTC", site.world.request("till-cafe", "150000.00")) for _ in range(12)
    ]
    answers: list[Answer] = []

    def ask(link: Link, mine: list[str]) -> None:
        for each in mine:
            answers.extend(link.submit(offers([each])))

    threads = [
        threading.Thread(target=ask, args=(nodes[n % 2].link(), jws[n::4])) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(answer, Taken) for answer in answers) == 6
    assert [codes(a) for a in answers if isinstance(a, Declined)] == [[Code.CAP_DAY]] * 6
    left = site.pay("aigul", "tBTC", site.world.request("till-cafe", "100000.00"))
    over = site.pay("aigul", "tBTC", site.world.request("till-cafe", "0.01"))
    assert isinstance(nodes[1].link().submit(offers([left]))[0], Taken)
    assert codes(nodes[0].link().submit(offers([over]))[0]) == [Code.CAP_DAY]


def test_a_key_and_a_till_that_one_node_registers_are_known_to_the_other(
    postgres_site: Site, nodes: list[Node]
) -> None:
    """Also where the other has just answered that it does not know them."""
    site = postgres_site
    world, links = site.world, turns(nodes)
    for round in range(rounds(4)):
        first, second = next(links), next(links)
        till = f"till-cafe-{round}"
        world.door = first
        tender = {"asset": "KZTD", "account": world.accounts["cafe", "KZTD"], "amount": "1.00"}
        request = world.signing.request(till, total="1.00", tenders=[tender])
        pay = site.pay("person 02", "KZTD", request)
        assert codes(second.submit(offers([pay]))[0]) == [Code.TERMINAL_UNKNOWN]
        world.certify(till, "cafe", ALATAU)
        assert isinstance(second.submit(offers([pay]))[0], Taken)

        name = f"newcomer {round}"
        early = world.sign(
            name, "transfer/1", from_=world.accounts["person 03", "KZTD"],
            to=world.accounts["person 04", "KZTD"], amount="1.00",
        )  # fmt: skip
        assert codes(second.submit(offers([early]))[0]) == [Code.KEY_UNKNOWN]
        world.register("bank", name, "person", 2)
        assert codes(second.submit(offers([early]))[0]) == [Code.NO_AUTHORITY]
        opening = world.sign("bank", "account/1", owner=world.parties[name], asset="KZTD")
        account = derived(opening, "account")
        assert isinstance(first.submit(offers([opening]))[0], Taken)
        fund = world.sign(
            "bank", "transfer/1", from_=world.accounts["bank", "KZTD"], to=account, amount="2.00"
        )
        assert isinstance(second.submit(offers([fund]))[0], Taken)
        next(links)


def test_a_node_that_is_killed_or_held_still_takes_nothing_with_it(
    postgres_site: Site, nodes: list[Node]
) -> None:
    """Both under load; one is killed again and again, the other held still and let go."""
    site, random = postgres_site, draw("two nodes")
    pause = threading.Event()
    links = [node.link() for node in nodes for _ in range(2)]
    with Crowd(site, links, 4, random) as crowd:
        for _ in range(rounds(6)):
            enough = crowd.answered() + random.randrange(1, 60)
            while crowd.answered() < enough:
                crowd.check()
                pause.wait(0.002)
            nodes[0].kill()
            nodes[1].signal(signal.SIGSTOP)
            nodes[0].start()
            pause.wait(random.random() / 5)
            nodes[1].signal(signal.SIGCONT)
            nodes[0].reached()
            crowd.check_against(site.judge())
