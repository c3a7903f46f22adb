"""What a party does next, from the terms and a view alone: every state that ledgers can show."""

from __future__ import annotations

from hashlib import sha256
from itertools import product

import msgspec
import pytest

from ledger.core.ids import b64, unb64
from ledger.errors import Malformed
from ledger.keys import SigningKey
from sandbox_api.corridor.drawing import Away, Mark, draw
from sandbox_api.corridor.steps import (
    Carry,
    Done,
    GiveBack,
    Lock,
    Outcome,
    Refuse,
    Seen,
    Show,
    Step,
    View,
    Wait,
    next_step,
)
from sandbox_api.corridor.terms import (
    Payment,
    Side,
    Terms,
    draw_up,
    lock_id,
    lock_payload,
    read_terms,
    secret_of,
)

KEY = SigningKey.from_seed(bytes(32))
BEGINS, MINUTE = 1_800_000_000_000, 60_000
FIRST = Payment("F" * 22, "a" * 22, "b" * 22, "KZTD", "1000.00")
SECOND = Payment("S" * 22, "c" * 22, "d" * 22, "tUSDT", "2.000000")
TERMS = draw_up(KEY, FIRST, SECOND, BEGINS)
SECRET = b64(secret_of(TERMS, KEY))

INITIATOR, COUNTERPARTY = Side
STATUSES = ("absent", "locked", "due", "released", "cancelled", "expired")


def seen(status: str, at: int = 0) -> Seen:
    """A leg's ledger, `at` minutes after the beginning."""
    return Seen(BEGINS + at * MINUTE, status, SECRET if status == "released" else "")


def step(side: Side, first: str, second: str, at: int = 5, **more: object) -> Step:
    view = View(seen(first, at), seen(second, at), **more)  # type: ignore[arg-type]
    return next_step(side, TERMS, view)


@pytest.mark.parametrize(
    ("first", "second", "at", "initiator", "counterparty"),
    [
        pytest.param("absent", "absent", 5, Lock, Wait, id="the initiator begins"),
        pytest.param("locked", "absent", 5, Wait, Lock, id="the counterparty follows"),
        pytest.param("locked", "locked", 5, Show, Wait, id="the secret is shown"),
        pytest.param("locked", "locked", 29, Show, Wait, id="as late as may be"),
        pytest.param("locked", "released", 5, Carry, Carry, id="whoever sees it carries it"),
        pytest.param("released", "released", 5, Done, Done, id="both are paid"),
        pytest.param("absent", "absent", 21, Done, Done, id="too late to begin"),
        pytest.param("locked", "absent", 20, Wait, Lock, id="the last moment to lock second"),
        pytest.param("locked", "absent", 21, Wait, GiveBack, id="never locked second"),
        pytest.param("locked", "due", 30, Wait, Wait, id="the second lock is ending"),
        pytest.param("locked", "expired", 31, Wait, GiveBack, id="never shown"),
        pytest.param("locked", "cancelled", 12, Wait, GiveBack, id="the initiator gave up"),
        pytest.param("cancelled", "expired", 31, Done, Done, id="both went back"),
        pytest.param("expired", "locked", 12, GiveBack, Wait, id="the first clock has jumped"),
        pytest.param("due", "released", 60, Wait, Wait, id="too late to carry"),
        pytest.param("expired", "released", 61, Done, Done, id="the counterparty lost"),
        pytest.param("released", "expired", 61, Done, Done, id="the initiator lost"),
        pytest.param("released", "locked", 12, Carry, Carry, id="taken before it was shown"),
    ],
)
def test_each_side_does_what_is_next(
    first: str, second: str, at: int, initiator: type[Step], counterparty: type[Step]
) -> None:
    assert type(step(INITIATOR, first, second, at)) is initiator
    assert type(step(COUNTERPARTY, first, second, at)) is counterparty


@pytest.mark.parametrize(
    ("first", "second", "outcome"),
    [
        ("released", "released", Outcome.SETTLED),
        ("cancelled", "expired", Outcome.RETURNED),
        ("expired", "absent", Outcome.RETURNED),
        ("absent", "absent", Outcome.NOTHING),
        ("expired", "released", Outcome.COUNTERPARTY_LOST),
        ("absent", "released", Outcome.COUNTERPARTY_LOST),
        ("released", "expired", Outcome.INITIATOR_LOST),
    ],
)
def test_how_it_ended_is_the_same_for_both(first: str, second: str, outcome: Outcome) -> None:
    assert step(INITIATOR, first, second, 61) == step(COUNTERPARTY, first, second, 61)
    assert step(INITIATOR, first, second, 61) == Done(outcome)


@pytest.mark.parametrize(("first", "second"), list(product(STATUSES, STATUSES)))
def test_nobody_ever_puts_or_shows_where_it_could_lose(first: str, second: str) -> None:
    """Whatever the ledgers show and whenever: the three steps that can cost something."""
    for at in (0, 11, 20, 21, 28, 29, 30, 59, 60):
        one, other = (step(side, first, second, at) for side in Side)
        if isinstance(one, Show):
            assert (first, second) == ("locked", "locked")
            assert at <= 29
        if isinstance(one, Lock):
            assert (one.leg, first) == (TERMS.first, "absent")
        if isinstance(other, Lock):
            assert (other.leg, first, second) == (TERMS.second, "locked", "absent")
            assert at <= 20
        assert not isinstance(other, Show)
        if isinstance(other, GiveBack):
            assert second in ("cancelled", "expired", "absent")
            assert second != "absent" or at > 20, "its own lock could still come"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"hindered": ("the own account is frozen",)}, "the own account is frozen"),
        ({"took_ms": 5 * MINUTE + 1}, "the ledgers' clocks are 300001 ms apart, 300000 were"),
    ],
)
def test_doubts_stop_whatever_could_cost_something(change: dict[str, object], reason: str) -> None:
    for side, first, second in (
        (INITIATOR, "absent", "absent"),
        (COUNTERPARTY, "locked", "absent"),
        (INITIATOR, "locked", "locked"),
    ):
        found = step(side, first, second, **change)
        assert isinstance(found, Refuse)
        assert reason in found.reasons[0]
    assert isinstance(step(COUNTERPARTY, "locked", "released", **change), Carry), "never this"


def test_what_was_shown_once_is_shown_again_though_it_is_late() -> None:
    assert isinstance(step(INITIATOR, "locked", "locked", 29, shown=True), Show)
    late = View(seen("locked", 29), Seen(TERMS.second.ends_at - 1, "locked"))
    assert isinstance(next_step(INITIATOR, TERMS, late), Refuse)
    assert isinstance(next_step(INITIATOR, TERMS, msgspec.structs.replace(late, shown=True)), Show)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({}, None, id="as drawn up"),
        pytest.param({"skew_max_ms": 29 * MINUTE - 1}, None, id="just room enough"),
        pytest.param({"skew_max_ms": 29 * MINUTE}, "outlasts the second by", id="no window"),
        pytest.param({"reveal_ms": 1_999}, "may be 1000 ms old", id="no time to show"),
        pytest.param({"skew_max_ms": 999}, "may be 1000 ms old", id="no clock is that good"),
        pytest.param({"reveal_ms": 10 * MINUTE}, "may come too late", id="locked too late"),
    ],
)
def test_terms_are_sound_or_say_why_not(change: dict[str, int], fault: str | None) -> None:
    faults = msgspec.structs.replace(TERMS, **change).faults()

    assert (not faults) if fault is None else (fault in " ".join(faults))


def test_everything_follows_from_key_and_terms() -> None:
    again = read_terms(TERMS.encode())

    assert again == TERMS
    for leg, same in ((TERMS.first, again.first), (TERMS.second, again.second)):
        assert lock_payload(again, same) == lock_payload(TERMS, leg)
        assert lock_id(again, same) == lock_id(TERMS, leg)
    assert lock_id(TERMS, TERMS.first) != lock_id(TERMS, TERMS.second)
    assert sha256(secret_of(again, KEY)).digest() == unb64(TERMS.hash, 32)
    assert secret_of(TERMS, SigningKey.from_seed(b"1" * 32)) != secret_of(TERMS, KEY)
    assert draw_up(KEY, FIRST, SECOND, BEGINS).hash != TERMS.hash, "another deal, another secret"


def test_known_answers_of_what_other_programs_must_derive() -> None:
    terms = Terms("A" * 22, "B" * 43, TERMS.first, TERMS.second, 300_000, 60_000)

    assert lock_payload(terms, terms.first) == KNOWN_PAYLOAD
    assert lock_id(terms, terms.first) == KNOWN_ID


NONCE, KNOWN_ID = "JcgMesiBPnnpZ-YCGo61mg", "AaMYZXfAbqui_i5pA0aIxQ"
KNOWN_PAYLOAD = (
    f'{{"kind":"lock/1","ledger":"{22 * "F"}","nonce":"{NONCE}","not_after":1800000600000,'
    f'"from":"{"a" * 22}","to":"{"b" * 22}","amount":"1000.00","ends_at":1800003600000,'
    f'"condition":{{"type":"hash","hash":"{"B" * 43}"}}}}'
).encode()


def test_what_is_no_terms_is_malformed() -> None:
    for text in (b"", b"{}", b"\xff", TERMS.encode()[:-1], TERMS.encode().replace(b"deal", b"dea")):
        with pytest.raises(Malformed):
            read_terms(text)


def test_the_timeline_is_drawn() -> None:
    marks = [
        Mark(0, "locked", BEGINS + 2 * MINUTE), Mark(1, "locked", BEGINS + 6 * MINUTE),
        Mark(1, "released", BEGINS + 12 * MINUTE), Mark(0, "expired", BEGINS + 60 * MINUTE),
    ]  # fmt: skip

    drawn = draw(TERMS, BEGINS, marks, [Away(0, BEGINS + 12 * MINUTE, BEGINS + 61 * MINUTE)])

    assert drawn.splitlines()[:4] == [
        "minutes               0        10       20       30       40       50       60",
        "first    1000.00 KZTD  L========############################################X",
        "second 2.000000 tUSDT      L====R                |",
        "                                                 <----- margin 30 min ------>",
    ]
