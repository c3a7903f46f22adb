"""A programme in words: who may spend on what, until when, and what happens at the end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ledger.core.mark import RETURN
from sandbox_api.programme.form import Mark, Programme, Split
from sandbox_api.sentences import OFFSET_MINUTES, Value, text


def explain(programme: Programme, lang: str) -> Iterator[str]:
    """Lines for people. The programme must be one without faults."""
    yield str(programme.name)
    if programme.mark is not None:
        yield from _mark(programme.mark, lang, "  ")
    for split in programme.splits:
        yield from _split(split, lang)


def _mark(mark: Mark, lang: str, indent: str) -> Iterator[str]:
    def say(word: str, **params: Value) -> str:
        return indent + text(f"programme.show.{word}", lang, **params)

    yield say("budget", value=mark.source, contract=mark.contract, line=mark.budget_line)
    if mark.valid_until is not None:
        word = "until_day" if _is_midnight(mark.valid_until) else "until_time"
        yield say(word, day=mark.valid_until - 1, time=mark.valid_until)
    if mark.payees:
        yield say("payees", value=list(mark.payees))
    if mark.roles:
        yield say("whoever", roles=list(mark.roles), codes=list(mark.categories))
    elif mark.categories:
        yield say("sells", codes=list(mark.categories))
    if mark.goods:
        yield say("goods", value=list(mark.goods))
    if mark.payee_max is not None:
        yield say("most", amount=mark.payee_max)
    for condition in mark.conditions:
        yield say("condition", oracle=condition.oracle, event=condition.event)
    for holder in mark.holders:
        word = "supplier" if holder.supplier else "holder"
        yield say(word, party=holder.party, amount=holder.amount)
    yield say("return" if mark.on_final == RETURN else "unmark", value=mark.source)
    yield say("bound")
    for sub in mark.subs:
        yield say("sub", contract=sub.contract)
        yield from _mark(sub, lang, indent + "  ")


def _split(split: Split, lang: str) -> Iterator[str]:
    def say(word: str, **params: Value) -> str:
        return text(f"programme.show.{word}", lang, **params)

    yield "  " + say("split", name=split.name, value=split.source)
    for payee, amount in split.fixed:
        yield "    " + say("fixed", party=payee, amount=amount)
    for payee, percent in split.shares:
        yield "    " + say("share", party=payee, percent=str(percent))
    yield "    " + say(f"rounding.{split.rounding}", party=split.remainder)


def _is_midnight(ms: int) -> bool:
    at = datetime.fromtimestamp(ms // 1000, UTC) + timedelta(minutes=OFFSET_MINUTES)
    return (at.hour, at.minute, at.second) == (0, 0, 0)
