"""No query of the hot path, and none of a page, reads more than it gives: held by EXPLAIN.

Each database says how it runs every statement that the store sends while a writer and a reader do
all they can do. SQLite: SEARCH by an index, never SCAN. PostgreSQL: no Seq Scan, and every Index
Scan names a condition; asked on empty statistics and again after ANALYZE of a table with rows.
"""

from __future__ import annotations

import re

import psycopg
import pytest

from ledger.core.account import AccountKind
from ledger.core.plan import Plan
from ledger.store import TileRow, create_ledger, open_reading, open_writing
from ledger.store import postgresql as postgres_store
from ledger.store import sqlite as sqlite_store
from ledger.store import statements as st

MAY_SCAN = re.compile(r"FROM ledger|integrity_check|GROUP BY 1, 2")
"""The list of ledgers, the check of a file, the sum over all accounts: none of them is hot."""


def everything(hand, made, reader):
    """Use all that a writer and a front end use; whole-table streams are not among it."""
    hand.open_accounts("a", "b")
    for n in range(3):
        objects = (made.object("x", due=5, lookups=(("by", b"%d" % n),)),)
        counts = (("m", 0, b"s", "", 1),)
        moves = (hand.movement("a", "b", 1),)
        hand.commit(
            [Plan(movements=moves, objects=objects, counts=counts)],
            refusals=[made.refusal(1), made.refusal(50 + n)],
            tiles=[TileRow(0, n, b"")],
        )
    needs = [
        ("account", made.key("a")), ("object", "clock", made.key("x")),
        ("lookup", "clock", "by", b"2"), ("counter", "m", 0, b"s", ""),
    ]  # fmt: skip
    ids = [made.transaction(hand.written - n) for n in range(20)]
    for reads in (hand.store, reader):
        assert None not in reads.load(needs).values()
        assert reads.find(ids)
        assert reads.leaves(0, 2)
        assert reads.tile(0, 1) == b""
    assert hand.store.due(9, 5)
    hand.store.prune_refusals(hand.store.head().refusals - 2)
    reader.leaf(1)
    reader.account_by_number(1)
    reader.accounts(after=0, limit=5)
    reader.accounts_of(made.key("a"))
    reader.accounts_of_kind(made.key("a"), AccountKind.WALLET, after=0, limit=5)
    reader.accounts_with("m", after=0, limit=5)
    reader.statement(1, limit=3)
    reader.statement(1, after=2, limit=3)
    reader.balance_at(1, 5)
    reader.objects("clock", after_key=b"\1")
    reader.objects("clock", owner=made.key("operator"), after_key=b"\1")
    reader.events(after=2)
    reader.refusals(before=9)
    reader.refusals(after=1)
    reader.refusal(made.transaction(1))
    reader.refusals_by_number([1, 2])


@pytest.fixture
def url_and_kind(store_url, made):
    create_ledger(store_url, made.ledger)
    return store_url, store_url.split(":")[0]


def test_a_party_s_accounts_are_read_along_their_index(make_hand, sqlite_url, made):
    """However many accounts others have, and of other kinds: each read is a range of the index."""
    create_ledger(sqlite_url, made.ledger)
    reader = open_reading(sqlite_url)
    ran = []
    with reader.lent() as reads:
        reads.connection.set_trace_callback(ran.append)
    reader.accounts_of_kind(made.key("a"), AccountKind.WALLET, after=0, limit=5)
    reader.accounts_of(made.key("a"))
    reader.close()
    hand = make_hand(sqlite_url)

    found = [[row[-1] for row in hand.store.connection.execute("EXPLAIN QUERY PLAN " + sql)]
             for sql in ran if "owner = " in sql]  # fmt: skip
    hand.store.close()

    index = "SEARCH account USING INDEX account_owner (ledger=? AND owner=?"
    assert found == [[index + " AND kind=? AND number>?)"], [index + ")"]]


def test_sqlite_searches_and_never_scans(make_hand, sqlite_url, made, monkeypatch):
    create_ledger(sqlite_url, made.ledger)
    hand = make_hand(sqlite_url)
    reader = open_reading(sqlite_url)
    ran = set()
    with reader.lent() as reads:
        reads.connection.set_trace_callback(ran.add)
    hand.store.connection.set_trace_callback(ran.add)
    everything(hand, made, reader)
    hand.store.connection.set_trace_callback(None)

    explained = 0
    for sql in ran:
        if re.match(r"SELECT|INSERT|UPDATE|DELETE|WITH", sql) and not MAY_SCAN.search(sql):
            explained += 1
            for *_, detail in hand.store.connection.execute("EXPLAIN QUERY PLAN " + sql):
                good = re.match(r"SEARCH|USE TEMP B-TREE FOR|SCALAR|SCAN \d+ CONSTANT ROWS", detail)
                good = good or re.match(
                    r"SCAN (k|\(subquery|CONSTANT)|CO-ROUTINE|MATERIALIZE", detail
                )
                assert good, (detail, sql)
                if "TEMP B-TREE" in detail:
                    assert "ORDER BY" not in detail, (detail, sql)
    assert explained > 30
    reader.close()
    hand.store.close()


@pytest.mark.parametrize("analyzed", [False, True], ids=["never analyzed", "analyzed"])
def test_postgresql_looks_rows_up_by_index(make_hand, postgres_url, made, monkeypatch, analyzed):
    create_ledger(postgres_url, made.ledger)
    monkeypatch.setattr(
        postgres_store,
        "_SESSION",
        (
            *postgres_store._SESSION,
            "LOAD 'auto_explain'",
            "SET auto_explain.log_min_duration = 0",
            "SET auto_explain.log_level = NOTICE",
            "SET client_min_messages = NOTICE",
        ),
    )
    plans = []
    connect = postgres_store.connect

    def listening(conninfo):
        connection = connect(conninfo)
        connection.add_notice_handler(lambda notice: plans.append(notice.message_primary))
        return connection

    monkeypatch.setattr(postgres_store, "connect", listening)
    if analyzed:
        plain = make_hand(postgres_url)
        plain.commit(
            [Plan(openings=(made.opening(f"other {n}"),)) for n in range(300)],
            refusals=[made.refusal(n) for n in range(20_000, 20_300)],
        )
        plain.store.close()
        with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as other:
            other.execute("ANALYZE")
    hand = make_hand(postgres_url)
    reader = open_reading(postgres_url)
    plans.clear()
    hand.written = 10_000
    everything(hand, made, reader)
    reader.close()
    hand.store.close()

    assert len(plans) > 30
    for plan in plans:
        if MAY_SCAN.search(plan):
            continue
        assert "Seq Scan" not in plan, plan
        scans = re.findall(r"Index (?:Only )?Scan.*? on (\w+).*\n(?:\s+Index Cond: (.*))?", plan)
        for table, condition in scans:
            columns = condition.count("=") + condition.count("<") + condition.count(">")
            assert columns >= (1 if table in ("head", "ledger") else 2), plan


def test_every_bulk_statement_is_known_to_both_databases(url_and_kind, made):
    """Each statement is prepared by the database itself."""
    url, kind = url_and_kind
    store = open_writing(url, made.ledger)
    known = [value for value in vars(st).values() if isinstance(value, st.Statement | st.Query)]
    assert len(known) > 20
    for number, statement in enumerate(known):
        if kind == "sqlite":
            text = statement.sqlite(4) if isinstance(statement, st.Query) else statement.sqlite
            marks = text.count("?")
            store.connection.execute("EXPLAIN " + text, [None] * marks).fetchall()
        else:
            parts = re.split(r"%[bs]", statement.postgresql)
            text = parts[0] + "".join(f"${n}{part}" for n, part in enumerate(parts[1:], 1))
            store.connection.execute(f"PREPARE it_{number} AS {text}")
    store.close()


def test_rows_in_bulk_are_as_many_as_rows_one_by_one(hand, made):
    """The widened INSERT and the single one meet at every count around their border."""
    width = sqlite_store.ROWS_A_STATEMENT
    for count in (1, width - 1, width, width + 1, 3 * width + 2):
        before = hand.store.begin().size
        hand.store.rollback()
        hand.commit([Plan()] * count)
        assert len(hand.store.leaves(before, before + 10_000)) == count
