"""A crowd: clients in threads that pay, give back and pass money on at random, and never give up.

What was not answered is offered again, the same bytes, until it is. Whatever was answered `Taken`
is kept with its index, for the judge.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from random import Random

from ledger.core.amount import format_amount
from ledger.core.ids import TransactionId
from ledger.errors import DoorShut, Overloaded
from ledger.writer.answers import Answer, Busy, Declined, Offer, Taken
from ledger.writer.link import Link
from tests.builders import id_of, request_id
from tests.reliability.judge import Judge
from tests.reliability.town import PEOPLE, RING, Site, offers

SPENDERS = PEOPLE[:-3]
PATIENCE_S = 30.0

EXPECTED = {"FUNDS", "REFUND_TOO_MUCH", "CAP_DAY"}
"""What a client may be refused for: the draw decides how much it asks."""


class Client(threading.Thread):
    """One client on a link. `error` is what ended it before its time."""

    def __init__(self, site: Site, link: Link, random: Random) -> None:
        super().__init__(daemon=True)
        self.error: BaseException | None = None
        self.taken: list[tuple[TransactionId, int]] = []
        self.heard: Counter[str] = Counter()
        self._site = site
        self._link = link
        self._random = random
        self.enough = threading.Event()
        self._paid: list[tuple[str, str, str, str, str]] = []

    def run(self) -> None:
        """Go on until `finish`."""
        try:
            while not self.enough.is_set():
                self._act()
        except BaseException as error:
            self.error = error

    def finish(self) -> None:
        """Finish what is offered, and end; raises what went wrong."""
        self.enough.set()
        self.join(2 * PATIENCE_S)
        if self.error is not None:
            raise self.error
        assert not self.is_alive()

    def _act(self) -> None:
        draw = self._random.random()
        if draw < 0.45:
            self._offer([self._transfer()])
        elif draw < 0.65:
            self._pay()
        elif draw < 0.75:
            self._refund()
        elif draw < 0.90:
            self._offer([self._transfer() for _ in range(self._random.randrange(2, 30))])
        else:
            self._go_round()

    def _transfer(self) -> str:
        payer, payee = self._random.sample(SPENDERS, 2)
        return self._site.transfer(
            payer, payee, format_amount(self._random.randrange(1, 90_000), 2)
        )

    def _pay(self) -> None:
        random, site = self._random, self._site
        payer, asset = random.choice(SPENDERS), random.choice(("KZTD", "tUSDT"))
        till = "till-cafe" if asset == "tUSDT" else random.choice(("till-cafe", "till-market"))
        request = site.world.request(till, format_amount(random.randrange(100, 500_000), 2))
        answer = self._offer([site.pay(payer, asset, request)])[0]
        if isinstance(answer, Taken):
            part = {"KZTD": "0.50", "tUSDT": "0.001000"}[asset]
            self._paid.append((till, payer, asset, request_id(request), part))

    def _refund(self) -> None:
        if self._paid:
            till, payer, asset, payment, amount = self._random.choice(self._paid)
            merchant, accounts = till.removeprefix("till-"), self._site.world.accounts
            self._offer([
                self._site.world.sign(
                    merchant, "refund/1", payment=payment, from_=accounts[merchant, asset],
                    to=accounts[payer, asset], amount=amount,
                )
            ])  # fmt: skip

    def _go_round(self) -> None:
        """In one batch, money goes round among three and comes back."""
        amount = format_amount(self._random.randrange(1, 300_000), 2)
        ring = zip(RING, RING[1:] + RING[:1], strict=True)
        answers = self._offer([self._site.transfer(a, b, amount) for a, b in ring])
        assert all(isinstance(answer, Taken) for answer in answers)

    def _offer(self, jws: list[str]) -> list[Answer]:
        """Offer until all is answered."""
        waiting: list[Offer] = offers(jws)
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                answers = self._link.submit(waiting)
            except (DoorShut, Overloaded) as error:
                self.heard[type(error).__name__] += 1
            else:
                if not any(isinstance(answer, Busy) for answer in answers):
                    break
                self.heard["Busy"] += 1
            assert time.monotonic() < until, "nobody answers any more"
        for each, answer in zip(jws, answers, strict=True):
            self._hear(each, answer)
        return answers

    def _hear(self, jws: str, answer: Answer) -> None:
        if isinstance(answer, Taken):
            self.taken.append((id_of(jws), answer.index))
            self.heard["repeated" if answer.repeated else "taken"] += 1
        else:
            assert isinstance(answer, Declined), answer
            assert {reason.code for reason in answer.reasons} <= EXPECTED, answer
            self.heard["declined"] += 1


class Crowd:
    """Clients at work. A context manager: at its end they finish, and every answer is held against
    the ledger."""

    def __init__(self, site: Site, links: list[Link], clients: int, random: Random) -> None:
        self._site = site
        self._clients = [
            Client(site, links[n % len(links)], Random(random.random())) for n in range(clients)
        ]

    @property
    def heard(self) -> Counter[str]:
        """What all clients were told, by kind of answer."""
        return sum((client.heard for client in self._clients), Counter())

    def answered(self) -> int:
        """How many transactions were answered so far."""
        return sum(len(client.taken) for client in self._clients)

    def check(self) -> None:
        """Raise what ended a client."""
        for client in self._clients:
            if client.error is not None:
                raise client.error

    def check_against(self, judge: Judge) -> None:
        """Every acknowledged transaction is in the ledger, where it was said to be, and once."""
        for client in self._clients:
            for id, index in tuple(client.taken):
                if index < judge.size:
                    assert judge.ids[id] == index, "acknowledged, and not there"

    def __enter__(self) -> Crowd:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, kind: object, error: object, at: object) -> None:
        for client in self._clients:
            client.enough.set()
        for client in self._clients:
            client.finish()
        judge = self._site.judge()
        self.check_against(judge)
        assert all(index < judge.size for client in self._clients for _, index in client.taken)
