"""`tenge up` on PostgreSQL: the same sandbox, and several nodes on one ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from sandbox_api.client import PaymentRefused, Wallet
from tests.conftest import PostgresServer
from tests.processes.running import Running

Nodes = tuple[Running, Running]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Iterator[Nodes]:
    """Two nodes on one ledger. The second one's folder is a copy of the first one's: keys and
    names, and no ledger."""
    folder, url = tmp_path_factory.mktemp("nodes"), postgres.fresh()
    first = Running("--data", str(folder / "one"), "--db", url)
    shutil.copytree(folder / "one", folder / "other")
    second = Running("--data", str(folder / "other"), "--db", url)
    yield first, second
    assert (first.end(), second.end()) == ((130, ""), (130, ""))


def test_several_nodes_serve_one_ledger(nodes: Nodes) -> None:
    first, second = nodes
    here = Wallet.join(first.client())
    there = Wallet(second.client(), here.key, here.accounts)
    friend = Wallet.join(second.client())
    to = friend.accounts["KZTD"]

    jws = here.seal("transfer/1", from_=here.accounts["KZTD"], to=to, amount="30000.00")
    receipts = [first.client().submit(jws), second.client().submit(jws)]
    with pytest.raises(PaymentRefused) as refused:
        there.transfer(to, "30000.00")

    assert first.facts["ledger"] == second.facts["ledger"]
    assert receipts[0].index == receipts[1].index
    assert refused.value.code == "FUNDS"
    assert friend.balance() == first.client().balance(to) == "80000.00"


def test_events_of_one_node_reach_readers_of_another(nodes: Nodes) -> None:
    first, second = nodes
    payer, payee = Wallet.join(first.client()), Wallet.join(first.client())
    head = first.client(secret=True).get("/events")["head"]
    events = second.client().follow(head, accounts=[payee.accounts["KZTD"]])

    receipt = payer.transfer(payee.accounts["KZTD"], "1.00")

    assert next(events)["id"] == receipt.id
