"""Zones, permits, limits and clock against an independent model (Z1): a state machine plays on a
real ledger in a SQLite file, and every payment is judged beforehand by thirty lines that know
rectangles, `datetime` and nothing of the ledger. A refusal leaves no trace but its row.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as play

from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.store import open_reading
from ledger.writer.answers import Declined, Taken
from tests.builders import ALATAU, DAY, HOUR, World, derived, id_of, pack_text, request_id
from tests.kinds.frozen import FAR, begin, reopen, state_hash, url_of
from tests.scale import SCALE

C = Code
ALMATY_TIME = timezone(timedelta(hours=5))
LON, LAT = ALATAU
RATE = Decimal("519.25")
PLACES = {
    "till-cafe": (LON, LAT), "till-cafe-east": (LON + 40, LAT), "till-market-in": (LON, LAT + 9)
}  # fmt: skip
"""Three tills: the café's two inside, 40 units from each other, and the market's near the first."""
SIZES = (10, 20, 30, 60, 80)
TOTALS = ("10.00", "1290.00", "30000.00", "60000.00", "60000.01")


@dataclass
class ModelZone:
    """A square of this half side round the café's first till."""

    size: int
    assets: tuple[str, ...]
    opens: datetime
    ends: datetime | None
    hours: tuple[tuple[int, int, int], ...]
    cap_payment: Decimal | None
    cap_day: Decimal | None
    suspended: bool = False

    def holds(self, till: str) -> bool:
        lon, lat = PLACES[till]
        return max(abs(lon - LON), abs(lat - LAT)) <= self.size

    def active(self, now: datetime) -> bool:
        return not self.suspended and self.opens <= now and (not self.ends or now < self.ends)


@dataclass
class Model:
    """What the rules should know, in plain words."""

    now: datetime
    quoted: datetime
    zones: dict[str, ModelZone] = field(default_factory=dict)
    permits: dict[str, tuple[str, str, datetime, datetime, bool]] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=lambda: {"aigul": 2, "daniyar": 0})
    cap_payment: Decimal = Decimal(500_000)
    spent: dict[tuple[str, str], Decimal] = field(default_factory=dict)

    def day(self) -> str:
        return self.now.astimezone(ALMATY_TIME).date().isoformat()

    def deciding(self, till: str) -> tuple[str, ModelZone] | None:
        holding = [(id, zone) for id, zone in self.zones.items() if zone.holds(till)]
        best = [pair for pair in holding if pair[1].active(self.now)] or holding
        return min(best, key=lambda pair: pair[1].size, default=None)

    def faults(self, till: str, merchant: str) -> set[Code]:
        """What the place has against crypto, for whichever asset is listed."""
        found = self.deciding(till)
        if found is None:
            return {C.ZONE_OUTSIDE}
        id, zone = found
        faults = set()
        if zone.ends and self.now >= zone.ends:
            faults.add(C.ZONE_ENDED)
        elif zone.suspended:
            faults.add(C.ZONE_NOT_ACTIVE)
        if self.now < zone.opens:
            faults.add(C.ZONE_NOT_YET)
        local = self.now.astimezone(ALMATY_TIME)
        minute = local.hour * 60 + local.minute
        if zone.hours and not any(
            day == local.weekday() and start <= minute < stop for day, start, stop in zone.hours
        ):
            faults.add(C.ZONE_CLOSED)
        held = [p for p in self.permits.values() if p[:2] == (merchant, id)]
        if not held:
            faults.add(C.PERMIT_MISSING)
        elif not any(p[2] <= self.now < p[3] and not p[4] for p in held):
            faults.add(C.PERMIT_NOT_VALID)
        return faults

    def payment(self, payer: str, till: str, asset: str, total: Decimal) -> set[Code]:
        """Everything a payment in crypto would hear, funds apart."""
        merchant = till.split("-")[1]
        faults = self.faults(till, merchant)
        found = self.deciding(till)
        if self.tiers[payer] < 1:
            faults.add(C.KYC_TIER)
        if self.now - self.quoted > timedelta(days=1):
            faults.add(C.RATE_STALE)
        if total > self.cap_payment:
            faults.add(C.CAP_PAYMENT)
        if self.spent.get((payer, self.day()), Decimal(0)) + total > 1_000_000:
            faults.add(C.CAP_DAY)
        if found is not None:
            id, zone = found
            if asset not in zone.assets:
                faults.add(C.ASSET_NOT_LISTED)
            if zone.cap_payment is not None and total > zone.cap_payment:
                faults.add(C.ZONE_CAP_PAYMENT)
            elif zone.cap_day is not None and (
                self.spent.get((id, self.day()), Decimal(0)) + total > zone.cap_day
            ):
                faults.add(C.ZONE_CAP_DAY)
        return faults

    def paid(self, payer: str, till: str, total: Decimal) -> None:
        found = self.deciding(till)
        assert found is not None
        for who in (payer, found[0]):
            self.spent[who, self.day()] = self.spent.get((who, self.day()), Decimal(0)) + total


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


class Town(RuleBasedStateMachine):
    """Plays on a copy of the template ledger, opened anew for every example."""

    template: Path
    seedling: World
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.template.parent))
        self.world = reopen(self.seedling, self.template, self.folder)
        self.reader = open_reading(url_of(self.folder))
        now = datetime.fromtimestamp(FAR / 1000, UTC)
        self.model = Model(now, now)
        self.sales: list[tuple[str, str, str]] = []
        self.packs = 0

    def teardown(self) -> None:
        self.reader.close()
        self.world.door.close()
        shutil.rmtree(self.folder)

    def offered(self, jws: str, expected: set[Code]) -> bool:
        """Whether it was accepted; it is exactly where nothing was expected against it."""
        self.world.door.tick()  # what is due ends by itself, and is no trace of this
        before, rows = state_hash(self.folder), len(self.reader.refusals())

        answer = self.world.offer(jws)

        if isinstance(answer, Taken):
            assert not expected
            return True
        self.seen.update(expected)
        assert isinstance(answer, Declined), answer
        assert {reason.code for reason in answer.reasons} == expected
        assert state_hash(self.folder) == before
        assert len(self.reader.refusals()) == rows + 1
        kept = self.reader.refusal(id_of(jws))
        assert kept is not None
        assert kept.refusal.size == answer.size
        return False

    @initialize()
    def a_permit_where_the_tills_stand(self) -> None:
        self.draw(60, ("tUSDT", "tBTC"), 0, None, (), None, None)
        self.grant("cafe", 0, 0, 300)

    @rule(
        size=st.sampled_from(SIZES),
        assets=st.sampled_from([("tUSDT", "tBTC"), ("tUSDT",), ("tBTC",), ()]),
        opens=st.sampled_from([-24, 0, 5]),
        lasts=st.sampled_from([None, None, 6, 30]),
        hours=st.sampled_from([(), (), ((1, 600, 660), (2, 0, 1440)), ((5, 0, 1), (1, 0, 1020))]),
        cap_payment=st.sampled_from([None, None, "30000.00"]),
        cap_day=st.sampled_from([None, None, "60000.00"]),
    )
    def draw(self, size, assets, opens, lasts, hours, cap_payment, cap_day) -> None:  # type: ignore[no-untyped-def]
        if any(zone.size == size for zone in self.model.zones.values()):
            return  # of two zones of one size the lower key decides: the table knows that
        id = self.world.draw(**self._terms(size, assets, opens, lasts, hours, cap_payment, cap_day))
        self.model.zones[id] = self._zone

    @precondition(lambda self: self.model.zones)
    @rule(data=st.data(), assets=st.sampled_from([("tUSDT", "tBTC"), ("tBTC",)]),
          cap_day=st.sampled_from([None, "60000.00"]))  # fmt: skip
    def change(self, data: Any, assets: tuple[str, ...], cap_day: str | None) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.zones)))
        old = self.model.zones[id]
        terms = self._terms(old.size, assets, -24, None, (), None, cap_day)
        jws = self.world.sign("afsa", "zone_change/1", zone=id, terms=terms)
        over = {C.STATUS_CONFLICT} if old.ends and self.model.now >= old.ends else set()
        if self.offered(jws, over):
            self._zone.suspended = old.suspended
            self.model.zones[id] = self._zone

    @rule(data=st.data(), suspend=st.booleans())
    def switch(self, data: Any, suspend: bool) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.zones)))
        zone = self.model.zones[id]
        over = bool(zone.ends and self.model.now >= zone.ends)
        conflict = {C.STATUS_CONFLICT} if over or zone.suspended == suspend else set()
        kind = "zone_suspend/1" if suspend else "zone_resume/1"
        if self.offered(self.world.sign("afsa", kind, zone=id), conflict):
            zone.suspended = suspend

    @rule(merchant=st.sampled_from(["cafe", "market"]), which=st.integers(0, 9),
          begins=st.sampled_from([-1, 0, 3]), lasts=st.sampled_from([4, 30, 300]))  # fmt: skip
    def grant(self, merchant: str, which: int, begins: int, lasts: int) -> None:
        zone = sorted(self.model.zones)[which % len(self.model.zones)]
        since = self.model.now + timedelta(hours=begins)
        until = since + timedelta(hours=lasts)
        jws = self.world.do("afsa", "permit/1", merchant=self.world.parties[merchant], zone=zone,
                            valid_from=ms(since), valid_until=ms(until))  # fmt: skip
        self.model.permits[derived(jws, "permit")] = (merchant, zone, since, until, False)

    @precondition(lambda self: self.model.permits)
    @rule(data=st.data())
    def revoke(self, data: Any) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.permits)))
        merchant, zone, since, until, revoked = self.model.permits[id]
        over = {C.STATUS_CONFLICT} if revoked or self.model.now >= until else set()
        if self.offered(self.world.sign("afsa", "permit_revoke/1", permit=id), over):
            self.model.permits[id] = (merchant, zone, since, until, True)

    @rule(ahead=st.sampled_from([HOUR, 3 * HOUR, 14 * HOUR, DAY]))
    def wait(self, ahead: int) -> None:
        self.model.now += timedelta(milliseconds=ahead)
        self.world.do("operator", "clock/1", offset=0, frozen_at=ms(self.model.now))

    @rule()
    def quote(self) -> None:
        jws = self.world.do("exchange", "rate/1", asset="tUSDT", rate=str(RATE))
        self.world.rates["tUSDT"] = derived(jws, "rate")
        jws = self.world.do("exchange", "rate/1", asset="tBTC", rate="48000000")
        self.world.rates["tBTC"] = derived(jws, "rate")
        self.model.quoted = self.model.now

    @rule(name=st.sampled_from(["aigul", "daniyar"]), tier=st.sampled_from([0, 1, 2, 3]))
    def attest(self, name: str, tier: int) -> None:
        self.world.do("bank", "tier/1", party=self.world.parties[name], tier=tier)
        self.model.tiers[name] = tier

    @rule(cap=st.sampled_from(["500000.00", "50000.00"]))
    def put_pack(self, cap: str) -> None:
        self.packs += 1
        text = pack_text().replace('"500000.00"', f'"{cap}"') + f"# {self.packs}\n"
        self.world.do("nbk", "pack/1", text=text)
        self.model.cap_payment = Decimal(cap)

    @rule(payer=st.sampled_from(["aigul", "daniyar"]), till=st.sampled_from(sorted(PLACES)),
          asset=st.sampled_from(["tUSDT", "tBTC"]), total=st.sampled_from(TOTALS))  # fmt: skip
    def pay(self, payer: str, till: str, asset: str, total: str) -> None:
        request = self._request(till, total)
        jws = self.world.sign(payer, "pay/1", from_=self.world.accounts[payer, asset],
                              request=request)  # fmt: skip
        if self.offered(jws, self.model.payment(payer, till, asset, Decimal(total))):
            self.seen["crypto paid"] += 1
            self.model.paid(payer, till, Decimal(total))
            self.sales.append((request_id(request), payer, till))
            assert isinstance(self.world.offer(jws), Taken)  # the same bytes, the same receipt

    @rule(till=st.sampled_from(["till-cafe", "till-cafe-east"]), total=st.sampled_from(TOTALS))
    def shop(self, till: str, total: str) -> None:
        """As most do: with a good tier, where crypto should be taken."""
        self.pay("aigul", till, "tUSDT", total)

    @rule(till=st.sampled_from(sorted(PLACES)), total=st.sampled_from(TOTALS))
    def pay_in_tenge(self, till: str, total: str) -> None:
        jws = self.world.sign("aigul", "pay/1", from_=self.world.accounts["aigul", "KZTD"],
                              request=self._request(till, total))  # fmt: skip
        left = self._balance("aigul", "KZTD")
        self.offered(jws, {C.FUNDS} if Decimal(total) > left else set())

    @rule(merchant=st.sampled_from(["cafe", "market"]), payer=st.sampled_from(["aigul", "daniyar"]))
    def send(self, merchant: str, payer: str) -> None:
        accounts = self.world.accounts
        jws = self.world.sign(payer, "transfer/1", from_=accounts[payer, "tUSDT"],
                              to=accounts[merchant, "tUSDT"], amount="1.000000")  # fmt: skip
        tier = {C.KYC_TIER} if self.model.tiers[payer] < 1 else set()
        self.offered(jws, {C.ZONE_OUTSIDE} | tier)

    @precondition(lambda self: self.sales)
    @rule(data=st.data())
    def give_back(self, data: Any) -> None:
        payment, payer, till = data.draw(st.sampled_from(self.sales))
        merchant = till.split("-")[1]
        found = self.model.deciding(till)
        faults = self.model.faults(till, merchant)
        object_ = next(row for row in self.reader.objects("payment") if _key(row) == payment)
        asset = "tUSDT" if self._of(object_.body.payer).asset == "tUSDT" else "tBTC"
        if found is not None and asset not in found[1].assets:
            faults.add(C.ASSET_NOT_LISTED)
        amount = "0.000001" if asset == "tUSDT" else "0.00000001"
        if object_.status == "refunded":
            return
        jws = self.world.sign(merchant, "refund/1", payment=payment, amount=amount,
                              from_=self.world.accounts[merchant, asset],
                              to=self.world.accounts[payer, asset])  # fmt: skip
        if self.offered(jws, faults):
            self.seen["crypto given back"] += 1

    # What the rules above share ------------------------------------------------------------------

    def _terms(self, size, assets, opens, lasts, hours, cap_payment, cap_day) -> dict[str, Any]:  # type: ignore[no-untyped-def]
        opens_at = self.model.now + timedelta(hours=opens)
        ends_at = None if lasts is None else self.model.now + timedelta(hours=lasts)
        self._zone = ModelZone(
            size, assets, opens_at, ends_at, hours,
            None if cap_payment is None else Decimal(cap_payment),
            None if cap_day is None else Decimal(cap_day),
        )  # fmt: skip
        ring = [[LON - size, LAT - size], [LON + size, LAT - size], [LON + size, LAT + size],
                [LON - size, LAT + size]]  # fmt: skip
        return self.world.terms(
            area={"outer": ring, "holes": []}, assets=list(assets), opens_at=ms(opens_at),
            ends_at=None if ends_at is None else ms(ends_at), hours=[list(row) for row in hours],
            cap_payment=cap_payment, cap_day=cap_day,
        )  # fmt: skip

    def _request(self, till: str, total: str) -> str:
        merchant = till.split("-")[1]
        asked = {
            "KZTD": Decimal(total),
            "tUSDT": (Decimal(total) / RATE).quantize(Decimal("1e-6"), ROUND_CEILING),
            "tBTC": (Decimal(total) / 48_000_000).quantize(Decimal("1e-8"), ROUND_CEILING),
        }
        tenders = [
            {
                "asset": asset,
                "account": self.world.accounts[merchant, asset],
                "amount": f"{amount:f}",
            }
            | ({} if asset == "KZTD" else {"rate": self.world.rates[asset]})
            for asset, amount in asked.items()
        ]
        return self.world.signing.request(till, total=total, tenders=tenders)

    def _of(self, account: str) -> Any:
        return self.reader.load([("account", unb64(account, 16))])["account", unb64(account, 16)]

    def _balance(self, name: str, asset: str) -> Decimal:
        return Decimal(self._of(self.world.accounts[name, asset]).balance) / 100


def _key(row: Any) -> str:
    return b64(row.key)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """A closed ledger: the small world without its zone's shape over the tills."""
    folder = tmp_path_factory.mktemp("town") / "template"
    folder.mkdir()
    world = begin(folder)
    world.do("afsa", "zone_change/1", zone=world.zone,
             terms=world.terms(area={"outer": [[0, 0], [9, 0], [9, 9]], "holes": []}))  # fmt: skip
    world.certify("till-cafe-east", "cafe", PLACES["till-cafe-east"])
    world.certify("till-market-in", "market", PLACES["till-market-in"])
    world.door.close()
    return world, folder


def test_the_rules_agree_with_a_model_of_them(template):
    Town.seedling, Town.template = template
    run = settings(max_examples=80 * SCALE, stateful_step_count=35, deadline=None, print_blob=True)

    seed(20_510_103)(play)(Town, settings=run)

    print(f"scale {SCALE}, {sum(Town.seen.values())} judged: {dict(Town.seen)}")
    assert Town.seen["crypto paid"] > 3 * SCALE  # else the play was too tame to say anything
