"""Reading over HTTP: what the API tells is what the ledger holds, now and at any entry."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import msgspec
import pytest

from ledger.core.ids import b64
from ledger.keys import verify
from ledger.log.checkpoint import LogKey, open_checkpoint
from ledger.log.leaf import decode_leaf
from ledger.log.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.log.proof import verify_receipt
from ledger.log.tiles import decode_bundle
from tests.api.sandbox import Person, Sandbox, derived, id_of, on_both

pytestmark = on_both


@pytest.fixture
def busy(sandbox: Sandbox, person: Person) -> list[int]:
    """Indexes of seven transfers of the person: 1.00, 2.00 … 7.00 tenge."""
    to = sandbox.world.persona("aigerim").account("KZTD")
    return [
        sandbox.submit(sandbox.transfer(person, to, f"{number}.00")).json["index"]
        for number in range(1, 8)
    ]


def log_key(sandbox: Sandbox) -> LogKey:
    return LogKey(sandbox.ledger.origin, sandbox.keyring.key("log").public_key)


def test_a_party_is_told_with_role_and_tier(sandbox: Sandbox, person: Person) -> None:
    told = sandbox.get(f"/v1/parties/{person.party}").json

    bank = sandbox.world.persona("bank").party
    assert told == {
        "id": person.party, "role": "person", "tier": 2, "status": "active", "registrar": bank,
    }  # fmt: skip


def test_accounts_are_told_with_exact_digits(sandbox: Sandbox, person: Person) -> None:
    told = sandbox.get(f"/v1/parties/{person.party}/accounts").json["accounts"]

    assert {row["asset"]: (row["balance"], row["scale"]) for row in told} == {
        "KZTD": ("50000.00", 2),
        "tUSDT": ("100.000000", 6),
    }
    assert all(row["owner"] == person.party for row in told)


@pytest.mark.parametrize("of", ["party", "terminal"])
def test_a_key_is_told_as_a_jwk(sandbox: Sandbox, person: Person, of: str) -> None:
    kid = person.key.kid if of == "party" else sandbox.world.till("cafe").kid

    told = sandbox.get(f"/v1/keys/{kid}").json

    thumbprint = msgspec.json.encode({name: told["jwk"][name] for name in ("crv", "kty", "x")})
    assert told["of"] == of
    assert b64(hashlib.sha256(thumbprint).digest()) == kid


def test_a_balance_is_told_at_any_entry(sandbox: Sandbox, person: Person, busy: list[int]) -> None:
    account = person.accounts["KZTD"]
    path = f"/v1/accounts/{account}/balance"

    told = [sandbox.get(f"{path}?index={index}").json["balance"] for index in busy]

    assert told == ["49999.00", "49997.00", "49994.00", "49990.00", "49985.00", "49979.00",
                    "49972.00"]  # fmt: skip
    assert sandbox.get(f"{path}?index={busy[0] - 1}").json["balance"] == "50000.00"
    assert sandbox.get(f"{path}?index=0").json["balance"] == "0.00"
    assert sandbox.get(path).json["balance"] == "49972.00"
    assert sandbox.get(f"{path}?index=99999999").json == sandbox.get(path).json


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 200])
def test_pages_of_a_statement_add_up_in_both_directions(
    sandbox: Sandbox, person: Person, busy: list[int], limit: int
) -> None:
    path = f"/v1/accounts/{person.accounts['KZTD']}/statement?limit={limit}"

    def walk(cursor: str, first: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        page = sandbox.get(f"{path}{first}").json
        while True:
            rows += page["rows"]
            if page["next"] is None:
                return rows
            page = sandbox.get(f"{path}&{cursor}={page['next']}").json

    newest, oldest = walk("before", ""), walk("after", "&after=0")

    assert newest == oldest[::-1]
    assert [row["index"] for row in oldest][1:] == busy
    assert [row["amount"] for row in newest[:2]] == ["-7.00", "-6.00"]
    assert newest[0]["balance"] == "49972.00"
    assert oldest[0]["amount"] == "50000.00"


def test_a_transaction_is_told_as_it_was_signed(sandbox: Sandbox, person: Person) -> None:
    to = sandbox.world.persona("aigerim").account("KZTD")
    jws = sandbox.transfer(person, to, "3.50")
    sandbox.submit(jws)

    told = sandbox.get(f"/v1/transactions/{id_of(jws)}").json

    assert told["status"] == "accepted"
    assert told["payload"]["amount"] == "3.50"
    assert told["payload"]["kind"] == told["kind"] == "transfer/1"
    assert told["signer"] == person.key.kid
    assert told["postings"] == [
        {"debit": person.accounts["KZTD"], "credit": to, "asset": "KZTD", "amount": "3.50"}
    ]
    assert told["pack"] == sandbox.get("/v1/packs/current").json["digest"]


def test_a_refused_transaction_is_told_with_its_reasons(sandbox: Sandbox, person: Person) -> None:
    jws = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"), "60000.00")
    sandbox.submit(jws)
    sandbox.submit(jws)

    told = sandbox.get(f"/v1/transactions/{id_of(jws)}?lang=en").json
    listed = sandbox.get("/v1/refusals?limit=1").json["refusals"][0]

    assert (told["status"], told["index"], told["postings"]) == ("refused", None, [])
    assert told["reasons"][0]["params"]["available"] == "50000.00"
    assert "50,000" in told["reasons"][0]["sentence"]
    assert (listed["id"], listed["repeats"]) == (id_of(jws), 1)


def test_refusals_come_in_pages_newest_first(sandbox: Sandbox, person: Person) -> None:
    to = sandbox.world.persona("aigerim").account("KZTD")
    for _ in range(5):
        sandbox.submit(sandbox.transfer(person, to, "60000.00"))

    numbers: list[int] = []
    page = sandbox.get("/v1/refusals?limit=2").json
    while page["next"] is not None:
        numbers += [row["number"] for row in page["refusals"]]
        page = sandbox.get(f"/v1/refusals?limit=2&before={page['next']}").json
    numbers += [row["number"] for row in page["refusals"]]

    assert numbers == list(range(len(numbers), 0, -1))
    assert len(numbers) >= 5


def test_a_receipt_is_verified_offline(sandbox: Sandbox, person: Person, busy: list[int]) -> None:
    jws = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"))
    index = sandbox.submit(jws).json["index"]

    leaf = sandbox.get(f"/v1/transactions/{id_of(jws)}").json["leaf"].encode()
    text = sandbox.get(f"/v1/receipts/{id_of(jws)}").get_data(as_text=True)

    checkpoint = verify_receipt(leaf, text, verify, [log_key(sandbox)])
    assert checkpoint.size > index
    assert decode_leaf(leaf).tx == jws


def test_a_refused_transaction_has_no_receipt(sandbox: Sandbox, person: Person) -> None:
    jws = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"), "60000.00")
    sandbox.submit(jws)

    assert sandbox.get(f"/v1/receipts/{id_of(jws)}").status_code == 404


def test_proofs_verify_against_the_checkpoint(sandbox: Sandbox, busy: list[int]) -> None:
    note = sandbox.get("/v1/log/checkpoint", key=None).get_data(as_text=True)
    checkpoint = open_checkpoint(note, verify, [log_key(sandbox)])

    for index in (0, busy[0], checkpoint.size - 1):
        told = sandbox.get(f"/v1/log/proof/inclusion?index={index}&size={checkpoint.size}").json
        proof = [base64.b64decode(text) for text in told["hashes"]]
        leaf = sandbox.reader.leaf(index)
        assert leaf is not None
        assert base64.b64decode(told["root"]) == checkpoint.root
        assert verify_inclusion(index=index, size=checkpoint.size, leaf=leaf_hash(leaf),
                                proof=proof, root=checkpoint.root)  # fmt: skip
    for old in (0, 1, busy[0], checkpoint.size):
        told = sandbox.get(f"/v1/log/proof/consistency?from={old}&to={checkpoint.size}").json
        assert verify_consistency(
            old=old, new=checkpoint.size, old_root=base64.b64decode(told["from_root"]),
            new_root=checkpoint.root, proof=[base64.b64decode(text) for text in told["hashes"]],
        )  # fmt: skip


def test_tiles_hold_the_leaves(sandbox: Sandbox, busy: list[int]) -> None:
    bundle = sandbox.get("/v1/log/tile/entries/000.p/20").get_data()
    hashes = sandbox.get("/v1/log/tile/0/000.p/20", key="publishable").get_data()

    leaves = decode_bundle(bundle, 20)
    assert leaves == tuple(sandbox.reader.leaves(0, 20))
    assert hashes == b"".join(map(leaf_hash, leaves))


def test_full_tiles_are_for_ever_and_partial_ones_are_not(sandbox: Sandbox, person: Person) -> None:
    to = sandbox.world.persona("aigerim").account("KZTD")
    while (size := sandbox.reader.head().size) < 257:
        jws = [sandbox.transfer(person, to, "0.01") for _ in range(257 - size)]
        sandbox.post("/v1/transactions/batch", raw="\n".join(jws), media="application/x-ndjson")

    full, part = sandbox.get("/v1/log/tile/0/000"), sandbox.get("/v1/log/tile/1/000.p/1")

    assert "immutable" in full.headers["Cache-Control"]
    assert part.headers["Cache-Control"] == "no-store"
    assert len(full.get_data()) == 8_192
    nodes = [full.get_data()[start : start + 32] for start in range(0, 8_192, 32)]
    while len(nodes) > 1:
        pairs = zip(nodes[::2], nodes[1::2], strict=True)
        nodes = [hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs]
    assert part.get_data() == nodes[0]


def test_supply_is_issued_less_redeemed_and_all_balances(sandbox: Sandbox, person: Person) -> None:
    bank = sandbox.world.persona("bank").account("KZTD")
    before = {row["asset"]: row for row in sandbox.get("/v1/supply").json["assets"]}
    index = sandbox.reader.head().size - 1
    sandbox.by_two("central-bank", "issue/1", to=bank, amount="1000.00")
    sandbox.by_two("central-bank", "redeem/1", from_=bank, amount="250.00")

    now = {row["asset"]: row for row in sandbox.get("/v1/supply").json["assets"]}
    then = {row["asset"]: row for row in sandbox.get(f"/v1/supply?index={index}").json["assets"]}

    def tiyn(row: dict[str, Any], name: str) -> int:
        return int(row[name].replace(".", ""))

    tenge = now["KZTD"]
    assert tiyn(tenge, "issued") == tiyn(before["KZTD"], "issued") + 100_000
    for row in now.values():
        assert tiyn(row, "issued") - tiyn(row, "redeemed") == tiyn(row, "outstanding")
        assert row["outstanding"] == row["balances"]
    for asset, row in then.items():
        assert row == before[asset]


def test_before_the_first_issue_there_is_no_supply(sandbox: Sandbox) -> None:
    told = sandbox.get("/v1/supply?index=0").json

    assert told["size"] == 1
    assert {int(row["outstanding"].replace(".", "")) for row in told["assets"]} == {0}
    assert {int(row["issued"].replace(".", "")) for row in told["assets"]} == {0}


def test_zones_are_told_as_geojson(sandbox: Sandbox) -> None:
    (zone,) = sandbox.get("/v1/zones").json["zones"]

    assert sandbox.get(f"/v1/zones/{zone['id']}").json == zone
    geometry = zone["geometry"]
    assert geometry["type"] == "Polygon"
    outer, hole = geometry["coordinates"]
    assert outer[0] == outer[-1]
    assert hole[0] == hole[-1]
    assert _turn(outer) > 0 > _turn(hole)
    assert all(76 < lon < 78 and 43 < lat < 44 for lon, lat in outer)


def _turn(ring: list[list[float]]) -> float:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, [*ring[1:], ring[0]], strict=True))


@pytest.mark.parametrize(
    ("lat", "lon", "inside"),
    [
        pytest.param("43.67", "77.11", True, id="the café"),
        pytest.param("43.238", "76.889", False, id="the supermarket"),
        pytest.param("43.7050000", "77.1700000", False, id="in the hole"),
        pytest.param("43.5800000", "76.9500000", True, id="on a vertex of the border"),
        pytest.param("43.5799999", "76.9499999", False, id="a centimetre off it"),
        pytest.param("-43.67", "-77.11", False, id="the other side of the earth"),
    ],
)
def test_a_point_is_located(sandbox: Sandbox, lat: str, lon: str, inside: bool) -> None:
    told = sandbox.get(f"/v1/zones/locate?lat={lat}&lon={lon}").json

    accepted = {row["asset"]: row["accepted"] for row in told["accepts"]}
    accepted = {asset: accepted[asset] for asset in ("KZTD", "tBTC", "tETH", "tUSDT")}
    assert (told["zone"] == sandbox.world.zone) is inside
    assert told["zones"] == ([sandbox.world.zone] if inside else [])
    assert accepted == {"KZTD": True, "tBTC": inside, "tETH": inside, "tUSDT": inside}


def test_a_tills_badge_says_beforehand_what_a_payment_would_hear(
    sandbox: Sandbox, person: Person
) -> None:
    for till in ("market", "cafe"):
        badge = sandbox.get(f"/v1/terminals/{sandbox.world.till(till).kid}").json
        said = {row["asset"]: row for row in badge["accepts"]}
        for asset in ("KZTD", "tUSDT"):
            request = sandbox.request(till, "100.00")
            told = sandbox.submit(sandbox.pay(person, asset, request), "?dry_run=true").json
            assert said[asset]["accepted"] == told["accepted"]
            assert said[asset]["reasons"] == told["reasons"]


def test_the_badge_follows_the_zones_status(sandbox: Sandbox) -> None:
    path = f"/v1/terminals/{sandbox.world.till('cafe').kid}"
    zone = sandbox.world.zone
    sandbox.submit(sandbox.sign("supervisor", "zone_suspend/1", zone=zone))
    try:
        said = {row["asset"]: row for row in sandbox.get(path).json["accepts"]}
    finally:
        sandbox.submit(sandbox.sign("supervisor", "zone_resume/1", zone=zone))
    again = {row["asset"]: row for row in sandbox.get(path).json["accepts"]}

    assert [reason["code"] for reason in said["tUSDT"]["reasons"]] == ["ZONE_NOT_ACTIVE"]
    assert said["KZTD"]["accepted"] is True
    assert again["tUSDT"]["accepted"] is True


def test_packs_are_told_verbatim(sandbox: Sandbox) -> None:
    current = sandbox.get("/v1/packs/current").json

    assert b64(hashlib.sha256(current["text"].encode()).digest()) == current["digest"]
    assert sandbox.get(f"/v1/packs/{current['digest']}").json == current
    assert current["digest"] in {row["digest"] for row in sandbox.get("/v1/packs").json["packs"]}
    assert {rule["basis"]["status"] for rule in current["rules"]} <= {
        "LAW", "PILOT", "DRAFT", "HYPOTHETICAL",
    }  # fmt: skip


def test_a_new_rate_replaces_the_old(sandbox: Sandbox) -> None:
    rate = sandbox.sign("exchange", "rate/1", asset="tETH", rate="1500000.5")
    sandbox.submit(rate)

    told = {row["asset"]: row for row in sandbox.get("/v1/rates").json["rates"]}

    assert told["tETH"]["rate"] == "1500000.5"
    assert told["tETH"]["id"] == derived(rate, "rate")
    assert told["tETH"]["fresh_until"] == told["tETH"]["at"] + 86_400_000


def test_the_sandbox_tells_where_everything_is(sandbox: Sandbox) -> None:
    told = sandbox.get("/v1/sandbox", key="publishable").json

    assert told["ledger"] == sandbox.ledger.id
    assert {row["name"] for row in told["personas"]} >= {"bank", "market", "cafe", "aigerim"}
    assert {row["till"] for row in told["tills"]} == {"market", "cafe"}
    assert {row["code"]: row["scale"] for row in told["assets"]}["KZTD"] == 2
    assert "no real money" in told["notice"]
    assert not [text for text in _texts(told) if text.startswith("tsk_")]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
