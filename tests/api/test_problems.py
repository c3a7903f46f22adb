"""Problems: every code has one status, one place in the docs, sentences, and no secrets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger.core.decision import Audience, Code, Reason
from ledger.errors import (
    BadSignature,
    DoorShut,
    LedgerError,
    LogDamaged,
    Malformed,
    Overloaded,
    StoreProblem,
)
from ledger.writer.answers import Declined
from sandbox_api.problems import (
    OWN,
    STATUS_OF,
    audible,
    kind_of,
    problem_of,
    problem_of_error,
    problem_of_refusal,
    statuses,
)

PAGE = Path(__file__).parents[2] / "docs" / "refusal-codes.md"
SECRET = Reason(Code.CAP_DAY, "watch/1", {"list": "7"}, audience=Audience.SUPERVISOR)


def test_the_page_lists_every_code_in_order_of_precedence() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d{3}) \|", PAGE.read_text("utf-8"), re.MULTILINE)

    assert [code for code, _ in rows] == [code.value for code in Code]
    assert {code: int(status) for code, status in rows} == {
        code.value: status for code, status in STATUS_OF.items()
    }


def test_every_refusal_code_has_a_status_and_a_title() -> None:
    assert list(STATUS_OF) == list(Code)
    assert all(kind_of(code).title for code in Code)


@pytest.mark.parametrize(
    ("code", "status", "retryable"),
    [
        pytest.param("envelope.base64", 400, False, id="a fault of the envelope"),
        pytest.param("a.code.nobody.wrote", 400, False, id="an unknown fault of what was sent"),
        pytest.param("bad_signature", 401, False, id="a bad signature"),
        pytest.param("auth.scope", 403, False, id="a scope that is missing"),
        pytest.param("overloaded", 503, True, id="a full queue"),
        pytest.param("door_shut", 503, True, id="a writer that is away"),
        pytest.param("internal_error", 500, False, id="the writer's own fault"),
        pytest.param("FUNDS", 422, False, id="a refusal for money"),
        pytest.param("ZONE_OUTSIDE", 403, False, id="a refusal by rules"),
        pytest.param("REQUEST_PAID", 409, False, id="a refusal by state"),
    ],
)
def test_a_code_has_one_status(code: str, status: int, retryable: bool) -> None:
    body = problem_of(code, "", "en")

    assert (body.status, body.retryable) == (status, retryable)
    assert body.detail


def test_a_programmer_hears_what_is_wrong_in_every_language() -> None:
    told = [problem_of("request.query", "write index once", lang) for lang in ("kk", "ru", "en")]

    assert {body.hint or body.detail for body in told} == {"write index once"}
    assert problem_of("envelope.alg", "alg is EdDSA", "en").hint == ""


@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
@pytest.mark.parametrize("code", sorted(OWN))
def test_every_problem_of_ours_has_a_sentence_of_its_own(code: str, lang: str) -> None:
    body = problem_of(code, "", lang)

    assert body.detail != code
    assert body.detail != problem_of("a.code.nobody.wrote", "", lang).detail


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(Malformed("amount.form", "as in 1.00", "amount"), "amount.form", id="form"),
        pytest.param(BadSignature("no"), "bad_signature", id="signature"),
        pytest.param(Overloaded("full", 3), "overloaded", id="overload"),
        pytest.param(DoorShut("/run/secret/socket is gone"), "door_shut", id="door"),
        pytest.param(StoreProblem("/home/me/ledger.db is locked"), "store_problem", id="store"),
        pytest.param(LogDamaged("entry 7 in /home/me", 7), "log_damaged", id="log"),
        pytest.param(LedgerError("whatever"), "internal", id="another"),
    ],
)
def test_an_error_of_the_ledger_becomes_a_problem_without_its_files(
    error: LedgerError, code: str
) -> None:
    problem = problem_of_error(error)

    assert problem.code == code
    assert "/" not in problem.detail


def test_a_suspicion_is_told_to_the_supervisor_alone() -> None:
    funds = Reason(Code.FUNDS, "ledger/1")

    heard = audible([SECRET, funds])

    assert [reason.code for reason in heard] == [Code.DECLINED_BY_COMPLIANCE, Code.FUNDS]
    assert not heard[0].params
    assert audible([SECRET, funds], supervisor=True) == (SECRET, funds)


def test_two_suspicions_are_one_refusal() -> None:
    other = Reason(Code.CAP_PAYMENT, "watch/2", audience=Audience.SUPERVISOR)

    heard = audible([SECRET, other])

    assert [reason.code for reason in heard] == [Code.DECLINED_BY_COMPLIANCE]


def test_a_refusal_speaks_with_its_first_reason() -> None:
    reasons = (Reason(Code.ZONE_OUTSIDE, "zone_place/1", {"asset": "tUSDT"}),
               Reason(Code.FUNDS, "ledger/1"))  # fmt: skip

    body = problem_of_refusal(Declined(reasons, 5, 9), "kk", id="x")

    assert (body.code, body.status, body.at, body.size) == ("ZONE_OUTSIDE", 403, 5, 9)
    assert body.detail == body.reasons[0].sentence
    assert [reason.code for reason in body.reasons] == ["ZONE_OUTSIDE", "FUNDS"]


def test_codes_are_grouped_by_their_status() -> None:
    assert statuses(("not_found", "FUNDS", "route.unknown")) == {
        404: ("not_found", "route.unknown"),
        422: ("FUNDS",),
    }
