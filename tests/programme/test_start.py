"""Programmes are started on a real sandbox by the command line, once however often they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.keys import SigningKey
from sandbox_api.client import PaymentRefused, SandboxClient, Wallet
from sandbox_api.programme.start import BATCH_MAX, batched
from tests.processes.running import Running, command

FOLDER = Path(__file__).parents[2] / "docs" / "programmes"
EXAMPLES = sorted(path.name for path in FOLDER.glob("*.toml"))
SIGNERS = {"road.toml": ("--as", "treasury", "--as", "market")}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    running = Running("--ephemeral")
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def client(sandbox: Running) -> SandboxClient:
    return sandbox.client()


def tenge(sandbox: Running, *args: str) -> tuple[int, str, str]:
    """`tenge programme …`: exit code, output, errors; the API key is the data folder's."""
    environment = {
        **os.environ, "TENGE_URL": sandbox.facts["url"], "TENGE_DATA": sandbox.facts["data"],
    }  # fmt: skip
    environment.pop("TENGE_KEY", None)
    ran = subprocess.run(
        command("programme", *args), capture_output=True, text=True, check=False, env=environment
    )
    return ran.returncode, ran.stdout, ran.stderr


def wallet(sandbox: Running, client: SandboxClient, name: str) -> Wallet:
    shown = subprocess.run(
        command("keys", "show", name, "--data", sandbox.facts["data"]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    key = SigningKey.from_jwk(json.loads(shown.stdout))
    return Wallet(client, key, persona(sandbox, name)["accounts"])


def persona(sandbox: Running, name: str) -> dict[str, Any]:
    return next(one for one in sandbox.facts["personas"] if one["name"] == name)


def size(client: SandboxClient) -> int:
    return client.check_log().size


def mark_of(said: str) -> str:
    found = re.search(r"mark ([\w-]{22})", said)
    assert found is not None, said
    return found[1]


def written(folder: Path, name: str, *changes: tuple[str, str]) -> str:
    """A changed copy of an example."""
    text = (FOLDER / name).read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_starts_once_and_a_second_start_changes_nothing(
    sandbox: Running, client: SandboxClient, name: str
) -> None:
    path, signers = str(FOLDER / name), SIGNERS.get(name, ("--as", "treasury"))

    code, first, error = tenge(sandbox, "start", path, *signers)
    before = size(client)
    again, second, _ = tenge(sandbox, "start", path, *signers)

    assert (code, again, error) == (0, 0, "")
    assert size(client) == before
    assert second.splitlines()[1:] == first.splitlines()[1:]
    if name != "shares.toml":
        assert "started." in first
        assert "nothing was changed" in second
        assert client.mark(mark_of(first))["status"] == "active"


def test_what_a_file_says_is_what_the_ledger_has(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    path = written(tmp_path, "school-meals.toml", ("MEALS-2029", "EXACT"))
    _, said, _ = tenge(sandbox, "start", path)
    mark = client.mark(mark_of(said))

    assert mark["owner"] == persona(sandbox, "treasury")["party"]
    assert mark["valid_until"] == 1_909_076_400_000  # 2030-07-01T00:00 in Almaty
    assert mark["conditions"] == [
        {"oracle": persona(sandbox, "bank")["party"], "event": "meal-served"}
    ]
    told = {name: mark[name] for name in ("contract", "roles", "categories", "goods", "payee_max")}
    assert told == {
        "contract": "EXACT", "roles": ["merchant"], "categories": ["CANTEEN"], "goods": ["MEAL"],
        "payee_max": "500000.00",
    }  # fmt: skip
    held = {one["owner"]: one["balance"] for one in client.mark_accounts(mark["id"])}
    assert held == {persona(sandbox, name)["party"]: "12000.00" for name in ("aigerim", "daniyar")}


def test_a_sub_contract_waits_for_its_owner(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    path = written(tmp_path, "road.toml", ("ROAD-17", "ROAD-18"))

    early, too_early, _ = tenge(sandbox, "start", path, "--as", "market")
    assert early == 1
    assert "not started yet" in too_early

    _, said, _ = tenge(sandbox, "start", path, "--as", "treasury")
    assert "ROAD-18-A waits for its owner: tenge programme start road.toml --as market" in said

    code, said, _ = tenge(sandbox, "start", path, "--as", "market")
    assert code == 0
    assert "waits" not in said
    budget = client.budget(mark_of(said))
    assert [one["held"] for one in budget["marks"]] == ["70000000.00", "20000000.00"]
    assert "nothing was changed" in tenge(sandbox, "start", path)[1]


def test_parties_and_the_budget_may_be_named_by_their_ids(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    families = [Wallet.join(client).party() for _ in range(12)]
    rows = "".join(f'[[holder]]\nparty = "{one}"\namount = "5.00"\n' for one in families)
    budget = persona(sandbox, "treasury")["accounts"]["KZTD"]
    path = written(tmp_path, "school-meals.toml", ("MEALS-2029", "BY-ID"),
                   ('"treasury"', f'"{budget}"'),
                   ('[[holder]]\nparty = "daniyar"\namount = "12000.00"\n', rows))  # fmt: skip
    assert tenge(sandbox, "start", path)[0] == 1

    code, said, _ = tenge(sandbox, "start", path, "--as", "treasury")

    assert code == 0
    mark = mark_of(said)
    assert client.mark(mark)["budget"] == budget
    held = {one["owner"]: one["balance"] for one in client.mark_accounts(mark)}
    assert {held[one] for one in families} == {"5.00"}
    assert len(held) == 13


def test_a_start_that_broke_off_is_ended_by_the_next(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    """The mark and one account without its money are there; the rest is not."""
    path = written(tmp_path, "school-meals.toml", ("MEALS-2029", "BROKEN"))
    code, said, _ = tenge(sandbox, "start", written(tmp_path, "school-meals.toml",
        ("MEALS-2029", "BROKEN"), ('party = "aigerim"\namount = "12000.00"', 'party = "aigerim"'),
        ('\n[[holder]]\nparty = "daniyar"\namount = "12000.00"\n', "")))  # fmt: skip
    assert code == 0
    assert client.budget(mark_of(said))["allocated"] == "0.00"
    path = written(tmp_path, "school-meals.toml", ("MEALS-2029", "BROKEN"))

    _, said, _ = tenge(sandbox, "start", path)

    assert "what was missing is there now" in said
    assert client.budget(mark_of(said))["allocated"] == "24000.00"
    assert len(list(client.mark_accounts(mark_of(said)))) == 2
    assert "nothing was changed" in tenge(sandbox, "start", path)[1]


def test_starts_at_once_make_one_programme(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    path = written(tmp_path, "school-meals.toml", ("MEALS-2029", "AT-ONCE"))
    environment = {
        **os.environ, "TENGE_URL": sandbox.facts["url"], "TENGE_DATA": sandbox.facts["data"],
    }  # fmt: skip
    running = [
        subprocess.Popen(command("programme", "start", path), stdout=subprocess.PIPE, text=True,
                         env=environment)
        for _ in range(4)
    ]  # fmt: skip
    said = [one.communicate(timeout=60)[0] for one in running]

    assert [one.returncode for one in running] == [0] * 4
    assert len({mark_of(one) for one in said}) == 1
    assert client.budget(mark_of(said[0]))["allocated"] == "24000.00"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(("500000.00", "600000.00"), "another policy", id="an edited policy"),
        pytest.param(('contract = "CHANGED"', 'contract = "HUGE"'), "to be allocated",
                     id="more than the budget has"),
    ],
)  # fmt: skip
def test_what_cannot_be_started_changes_nothing(
    sandbox: Running, client: SandboxClient, tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    sound = ("MEALS-2029", "CHANGED")
    assert tenge(sandbox, "start", written(tmp_path, "school-meals.toml", sound))[0] == 0
    before = size(client)
    changes = [sound, change]
    if "HUGE" in change[1]:
        changes += [("12000.00", "9000000000.00"), ('total = "30000.00"', "")]

    code, _, error = tenge(sandbox, "start", written(tmp_path, "school-meals.toml", *changes))

    assert code == 2
    assert reason in error
    assert size(client) == before


def test_a_holder_is_added_and_another_amount_is_only_told(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    base = ("MEALS-2029", "MORE")
    tenge(sandbox, "start", written(tmp_path, "school-meals.toml", base))

    path = written(tmp_path, "school-meals.toml", base, ('"30000.00"', '"90000.00"'),
                   ('party = "daniyar"\namount = "12000.00"',
                    'party = "daniyar"\namount = "13000.00"\n[[holder]]\nparty = "market"\n'
                    'amount = "1.00"'))  # fmt: skip
    code, said, _ = tenge(sandbox, "start", path)

    assert code == 0
    assert "The file says ₸13,000; what is allocated stays as it is." in said
    assert client.budget(mark_of(said))["allocated"] == "24001.00"


def test_what_is_signed_goes_in_order_in_batches() -> None:
    lines = [str(number) for number in range(2 * BATCH_MAX + 1)]

    batches = list(batched(lines))

    assert [len(one) for one in batches] == [BATCH_MAX, BATCH_MAX, 1]
    assert [line for one in batches for line in one] == lines


def test_a_sandbox_that_does_not_run_is_one_sentence(tmp_path: Path, sandbox: Running) -> None:
    code, _, error = tenge(sandbox, "status", str(FOLDER / "road.toml"), "--data", str(tmp_path))

    assert code == 2
    assert "start one with `tenge up`" in error
    assert "Traceback" not in error


def test_the_money_of_a_programme_leaks_nowhere_and_its_status_says_so(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    path = written(
        tmp_path, "school-meals.toml", ("MEALS-2029", "STATUS"), ('goods = ["MEAL"]', "")
    )
    _, said, _ = tenge(sandbox, "start", path)
    mark, mother = mark_of(said), wallet(sandbox, client, "aigerim")
    voucher = next(
        one["id"] for one in client.mark_accounts(mark) if one["owner"] == mother.party()
    )
    cafe = persona(sandbox, "cafe")["accounts"]["KZTD"]

    code, told, _ = tenge(sandbox, "confirm", path, "meal-served", "cafe", "1200.00")
    assert (code, told) == (0, "bank confirmed “meal-served”: cafe has earned ₸1,200.\n")
    mother.send("transfer/1", from_=voucher, to=cafe, amount="1200.00")
    with pytest.raises(PaymentRefused, match="confirmed"):
        mother.send("transfer/1", from_=voucher, to=cafe, amount="0.01")

    picture = tmp_path / "way.svg"
    code, told, _ = tenge(sandbox, "status", path, "--picture", str(picture))
    assert code == 0
    assert told.splitlines()[0] == (
        "School meals: allocated ₸24,000 = paid ₸1,200 + held ₸22,800 + returned ₸0"
    )
    assert "aigerim holds ₸10,800 for STATUS" in told
    assert picture.read_text("utf-8").startswith("<svg")


def account_of(client: SandboxClient, mark: str, owner: Wallet) -> str:
    party = owner.party()
    return next(one["id"] for one in client.mark_accounts(mark) if one["owner"] == party)


def test_a_sub_contract_binds_more_than_the_contract(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    path = written(tmp_path, "road.toml", ("ROAD-17", "ROAD-19"))
    _, said, _ = tenge(sandbox, "start", path, *SIGNERS["road.toml"])
    top, below = re.findall(r"mark ([\w-]{22})", said)
    contractor, builder = (wallet(sandbox, client, name) for name in ("market", "daniyar"))
    source = account_of(client, below, builder)
    cafe, market = (persona(sandbox, name)["accounts"]["KZTD"] for name in ("cafe", "market"))

    builder.send("transfer/1", from_=source, to=cafe, amount="5000000.00")
    for to, amount, code in ((cafe, "0.01", "MARK_PAYEE_MAX"), (market, "1.00", "MARK_PAYEE")):
        with pytest.raises(PaymentRefused) as refused:
            builder.send("transfer/1", from_=source, to=to, amount=amount)
        assert code in [one["code"] for one in refused.value.reasons]
    contractor.send("transfer/1", from_=account_of(client, top, contractor), to=cafe,
                    amount="6000000.00")  # fmt: skip

    sums = client.budget(top)
    assert (sums["paid"], sums["held"]) == ("11000000.00", "79000000.00")


def test_a_voucher_that_returns_is_settled_by_its_treasury(
    sandbox: Running, client: SandboxClient, tmp_path: Path
) -> None:
    path = written(tmp_path, "return.toml", ("HEAT-2029", "HEAT-2030"))
    _, said, _ = tenge(sandbox, "start", path)
    mark = mark_of(said)
    mother, shop, treasury = (
        wallet(sandbox, client, name) for name in ("aigerim", "market", "treasury")
    )
    marked = account_of(client, mark, shop)
    before = client.balance(shop.accounts["KZTD"])

    mother.send("transfer/1", from_=account_of(client, mark, mother), to=marked, amount="40000.00")
    with pytest.raises(PaymentRefused):
        shop.send("transfer/1", from_=marked, to=shop.accounts["KZTD"], amount="1.00")
    treasury.send("mark_settle/1", from_=marked, to=shop.accounts["KZTD"], amount="40000.00")

    after = client.balance(shop.accounts["KZTD"])
    assert Decimal(after) - Decimal(before) == 40_000
    assert client.budget(mark)["paid"] == "40000.00"


def test_an_amount_is_shared_by_a_rule(sandbox: Running, client: SandboxClient) -> None:
    names = ("daniyar", "treasury", "cafe", "aigerim", "market")
    accounts = {name: persona(sandbox, name)["accounts"]["KZTD"] for name in names}

    def balances() -> dict[str, int]:
        return {n: int(client.balance(a).replace(".", "")) for n, a in accounts.items()}

    before = balances()
    code, said, _ = tenge(sandbox, "pay", str(FOLDER / "shares.toml"), "tickets", "1000.01")
    after = balances()

    assert code == 0
    assert said.startswith("daniyar paid ₸1,000.01:\n")
    assert {name: after[name] - before[name] for name in names} == {
        "daniyar": -1000_01, "treasury": 500_00, "cafe": 350_01, "aigerim": 100_00,
        "market": 50_00,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "code", "reason"),
    [
        (("pay", "shares.toml", "nothing", "1.00"), 2, "no rule 'nothing'; there are: tickets"),
        (("pay", "shares.toml", "tickets", "500.00"), 2, "too little"),
        (("pay", "shares.toml", "tickets", "1000"), 2, "no amount"),
        (("pay", "shares.toml", "tickets", "99999999.00"), 1, "FUNDS"),
        (("status", "shares.toml"), 2, "no mark"),
        (("confirm", "road.toml", "x", "cafe", "1.00"), 2, "No condition"),
        (("start", "road.toml", "--as", "nobody"), 2, "Nobody is called 'nobody'"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_one_sentence(
    sandbox: Running, args: tuple[str, ...], code: int, reason: str
) -> None:
    act, name, *rest = args

    found, _, error = tenge(sandbox, act, str(FOLDER / name), *rest)

    assert found == code
    assert reason in error
    assert error.count("\n") == 1
