"""`tenge up` on PostgreSQL: the same sandbox, and several nodes on one ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox_api.client import PaymentRefused, Wallet
from tests.processes.running import Running


def test_several_nodes_serve_one_ledger(tmp_path: Path, postgres_url: str) -> None:
    """The second node's folder is a copy of the first one's: keys and names, and no ledger."""
    first = Running("--data", str(tmp_path / "one"), "--db", postgres_url)
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    second = Running("--data", str(tmp_path / "other"), "--db", postgres_url)
    try:
        here = Wallet.join(first.client())
        there = Wallet(second.client(), here.key, here.accounts)
        friend = Wallet.join(second.client())

        jws = here.seal(
            "transfer/1",
            from_=here.accounts["KZTD"],
            to=friend.accounts["KZTD"],
            amount="30000.00",
        )
        receipts = [first.client().submit(jws), second.client().submit(jws)]
        with pytest.raises(PaymentRefused) as refused:
            there.transfer(friend.accounts["KZTD"], "30000.00")

        assert refused.value.code == "FUNDS"
        assert receipts[0].index == receipts[1].index
        assert friend.balance() == "80000.00"
        assert first.facts["ledger"] == second.facts["ledger"]
        assert first.client().balance(friend.accounts["KZTD"]) == "80000.00"
    finally:
        ended = first.end(), second.end()
    assert ended == ((130, ""), (130, ""))


def test_events_of_one_node_reach_readers_of_another(tmp_path: Path, postgres_url: str) -> None:
    first = Running("--data", str(tmp_path / "one"), "--db", postgres_url)
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    second = Running("--data", str(tmp_path / "other"), "--db", postgres_url)
    try:
        payer, payee = Wallet.join(first.client()), Wallet.join(first.client())
        head = first.client(secret=True).get("/events")["head"]
        events = second.client().follow(head, accounts=[payee.accounts["KZTD"]])

        receipt = payer.transfer(payee.accounts["KZTD"], "1.00")

        assert next(events)["id"] == receipt.id
    finally:
        first.end()
        second.end()
