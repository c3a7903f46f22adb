"""Submitting: one transaction, many, or none at all (a dry run). The dear path of the sandbox."""

from __future__ import annotations

from typing import Final

import msgspec

from ledger.writer.answers import Busy, Declined, Offer, Taken, Unread
from sandbox_api.asked import SubmitQuery, TransactionBody, TransactionPath
from sandbox_api.auth import Scope
from sandbox_api.front import Checked
from sandbox_api.limits import BATCH_BYTES_MAX, BATCH_LINES_MAX, TRANSACTION_BYTES_MAX
from sandbox_api.problems import (
    Problem,
    Refusal,
    problem_of_answer,
    problem_of_refusal,
)
from sandbox_api.reading.dry_run import dry_run
from sandbox_api.reading.transactions import receipt, transaction
from sandbox_api.requests import JOSE, JSON, NDJSON, TEXT, Answer, Body, Call, Reply, Route
from sandbox_api.wire import DryRun, Line, ProblemLine, Receipted, TransactionOut

_lines = msgspec.json.Encoder().encode_lines

_JWS: Final = (
    "eyJhbGciOiJFZERTQSIsImtpZCI6InAwTzVCb2xvTTFpUHBrREMxOGJOQUZDeGVRa2JyMk45QVlaeEludV8yM0Ei"
    "LCJ0eXAiOiJ0ZW5nZS10eCJ9.eyJraW5kIjoidHJhbnNmZXIvMSIsImxlZGdlciI6IjVjU1lxeXNFVzJ5endDTUZ"
    "qN2lwdGciLCJub25jZSI6ImMyOXRaU0J5WVc1a2IyMGdNVFppIiwibm90X2FmdGVyIjoxNzk1MzUzMTYwODU5LCJ"
    "mcm9tIjoiQWFJRGpuOEEyNlRmcjlpZUdFWjV6USIsInRvIjoiQWFJRnYydm5BUjA1Zm1lRmsyTHlLQSIsImFtb3V"
    "udCI6IjEyLjAwIn0.cg0fTrjFyBAp4mUYWL1hBMw2W-Tn7WlEsRccsGh8nDAu5pqvJqn1I3ELYvVQqSezJRDq8_-"
    "rglCkBs_7ze-YDQ"
)
"""A transfer on a ledger that is not yours: its form is right, and it is refused."""


def submit(call: Call) -> Reply:
    """Take one transaction: 201 with its place in the log, 200 where it has one already."""
    jws = _jws(call)
    checked = call.parts.front.check(jws)
    if isinstance(checked, Unread):
        raise Problem(checked.code, checked.message, where=checked.where)
    if call.query_as(SubmitQuery).dry_run:
        return Reply(dry_run(call.parts, checked, call.lang))
    answer = call.parts.door.submit([checked.offer])[0]
    if isinstance(answer, Taken):
        status = 200 if answer.repeated else 201
        call.parking.wake()
        body = Receipted(checked.id, answer.index, answer.at, answer.size, answer.repeated)
        return Reply(body, status)
    if isinstance(answer, Declined):
        raise Refusal(answer, checked.id)
    if isinstance(answer, Busy):
        raise Problem("overloaded", answer.message, retry_after_s=answer.retry_after_s)
    if isinstance(answer, Unread):
        raise Problem(answer.code, answer.message, where=answer.where)
    raise AssertionError(f"the writer answered {answer!r}")


def submit_batch(call: Call) -> Reply:
    """Take many transactions, one a line, and answer each with one line in the same order."""
    raw: bytes = call.body
    lines = raw.removesuffix(b"\n").split(b"\n")
    if len(lines) > BATCH_LINES_MAX:
        raise Problem("batch.lines", f"a batch has at most {BATCH_LINES_MAX} lines")
    checked = call.parts.front.check_all(lines)
    offers: list[Offer] = [one.offer for one in checked if isinstance(one, Checked)]
    answers = iter(call.parts.door.submit(offers) if offers else ())
    call.parking.wake()
    found: list[Line | ProblemLine] = []
    for one in checked:
        if not isinstance(one, Checked):
            found.append(ProblemLine(problem_of_answer(one, call.lang)))
            continue
        answer = next(answers)
        if isinstance(answer, Taken):
            found.append(Line(one.id, answer.index, answer.at, answer.size))
        elif isinstance(answer, Declined):
            found.append(ProblemLine(problem_of_refusal(answer, call.lang, id=one.id)))
        else:
            found.append(ProblemLine(problem_of_answer(answer, call.lang)))
    return Reply(_lines(found), media=NDJSON)


def one_transaction(call: Call) -> Reply:
    """A transaction by its id, accepted or refused."""
    with call.parts.reader.snapshot() as view:
        found = transaction(view, call.path["id"], call.lang)
    if found is None:
        raise Problem("not_found", "the ledger has met no transaction with this id")
    return Reply(found)


def one_receipt(call: Call) -> Reply:
    """The proof that a transaction is in the log: C2SP tlog-proof text."""
    checkpoint = call.parts.door.checkpoint()
    with call.parts.reader.snapshot() as view:
        text = receipt(view, checkpoint, call.path["id"])
    if text is None:
        raise Problem("not_found", "no entry of the log holds this transaction")
    return Reply(text.encode(), media=TEXT)


def _jws(call: Call) -> bytes:
    if call.media != JSON:
        raw: bytes = call.body
        return raw
    return call.body_as(TransactionBody).transaction.encode()


ROUTES: Final = (
    Route(
        "POST", "/v1/transactions", "submit", "Submit a signed transaction",
        submit, Scope.SUBMIT,
        {
            201: Answer(Receipted, "Accepted and durable."),
            200: Answer((Receipted, DryRun), "These bytes were in the ledger already: their first"
                        " receipt. Or, with `dry_run`, what would come of them."),
        },
        query=SubmitQuery,
        body=Body(TransactionBody, {JOSE: _JWS}, TRANSACTION_BYTES_MAX, {"transaction": _JWS}),
        problems=("bad_signature", "envelope.base64", "door_shut"), refusals=True, dear=True,
        group="Transactions",
    ),
    Route(
        "POST", "/v1/transactions/batch", "submit_batch",
        "Submit many transactions, one result a line",
        submit_batch, Scope.SUBMIT,
        {200: Answer(NDJSON, "A line for each line: a Line, or a ProblemLine.")},
        body=Body(None, {NDJSON: f"{_JWS}\n{_JWS}\n"}, BATCH_BYTES_MAX),
        problems=("batch.lines", "door_shut"), dear=True, group="Transactions",
    ),
    Route(
        "GET", "/v1/transactions/{id}", "transaction", "A transaction, accepted or refused",
        one_transaction, Scope.READ, {200: Answer(TransactionOut, "As the ledger has it.")},
        path_type=TransactionPath, problems=("not_found",), group="Transactions",
    ),
    Route(
        "GET", "/v1/receipts/{id}", "receipt", "The receipt of a transaction",
        one_receipt, Scope.READ, {200: Answer(TEXT, "C2SP tlog-proof text.")},
        path_type=TransactionPath, problems=("not_found", "door_shut"), group="Transactions",
    ),
)  # fmt: skip
