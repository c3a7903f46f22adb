"""The answer that is lost after COMMIT was sent (R12): no payment is lost, none is made twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from ledger.ledger import Ledger
from ledger.store import OutcomeUnknown
from ledger.store.open import parse
from ledger.writer.answers import Busy, Taken
from tests.builders import id_of
from tests.reliability.crowd import Crowd
from tests.reliability.proxy import Loss, Proxy
from tests.reliability.town import Site, offers
from tests.scale import draw, rounds


@pytest.fixture
def proxy(postgres_site: Site) -> Iterator[Proxy]:
    url = parse(postgres_site.url)
    proxy = Proxy((url.host or "", url.port or 0))
    yield proxy
    postgres_site.close()
    proxy.close()


@pytest.fixture
def through(postgres_site: Site, proxy: Proxy) -> Ledger:
    """The ledger, its database reached through the proxy."""
    url = parse(postgres_site.url).set(port=proxy.port)
    return postgres_site.open(url=url.render_as_string(hide_password=False))


@pytest.mark.parametrize("loss", [loss for loss in Loss if loss != Loss.NOTHING])
def test_a_connection_that_breaks_around_commit_loses_and_doubles_nothing(
    postgres_site: Site, proxy: Proxy, through: Ledger, loss: Loss
) -> None:
    site = postgres_site
    before, lost, count = site.judge().size, proxy.lost, 0
    for size in (1, 20) * rounds(5):
        jws = [site.transfer("person 00", "person 01", "0.01") for _ in range(size)]
        count += size
        proxy.lose = loss

        answers = through.submit(offers(jws))

        judge = site.judge()
        assert proxy.lose == Loss.NOTHING, "it was lost"
        for each, answer in zip(jws, answers, strict=True):
            assert isinstance(answer, Taken)
            assert judge.ids[id_of(each)] == answer.index
    assert judge.size == before + count
    assert proxy.lost == lost + rounds(5) * 2


def test_a_backend_that_is_ended_under_load_loses_and_doubles_nothing(postgres_site: Site) -> None:
    """The server ends the writer's session again and again, at whatever it is doing."""
    site, random = postgres_site, draw("ended backends")
    node = site.node().start().reached()
    admin = site.admin()
    ended = 0
    pause = threading.Event()
    with Crowd(site, [node.link() for _ in range(4)], 4, random) as crowd:
        for _ in range(rounds(30)):
            enough = crowd.answered() + random.randrange(1, 30)
            while crowd.answered() < enough:
                crowd.check()
                pause.wait(random.random() / 200)
            ended += admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'ledger'"
                " AND query NOT LIKE '%pg_terminate%'"
            ).fetchall()[0][0]

    assert ended >= rounds(25)
    assert node.is_alive()
    assert node.stop() == 0


def test_a_commit_whose_answer_is_lost_is_found_however_often_it_happens(site: Site) -> None:
    """Every commit happens, and every one is reported as failed."""
    failing = True

    def point(name: str) -> None:
        if failing and name == "commit.after":
            raise OutcomeUnknown("the connection was lost")

    ledger = site.open(point)
    before = site.judge().size
    jws = [site.transfer("person 02", "person 03", "0.01") for _ in range(30)]

    first = ledger.submit(offers(jws))
    again = ledger.submit(offers(jws))
    failing = False
    last = ledger.submit(offers(jws))

    assert not any(isinstance(answer, Busy) for answer in [*first, *again, *last])
    indexes = [
        [a.index for a in answers if isinstance(a, Taken)] for answers in (first, again, last)
    ]
    assert indexes == [[*range(before, before + 30)]] * 3
    assert site.judge().size == before + 30
