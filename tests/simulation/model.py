"""A ledger in a dict: what the real one is held against. It knows money, requests, refunds and the
day's caps; it is told of accepted transactions and says beforehand what will be refused.

Amounts are whole minor units. It shares no code with the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field

DAY_MS = 86_400_000
ALMATY_MS = 5 * 3_600_000
CAP_PAYMENT = 500_000_00
CAP_DAY = 1_000_000_00
DEPOSIT = "dBANK"
FLOWS = ("on", "back", "swept", "held")
"""To a deposit, back from one, at night; and what waits beside an account that is frozen."""


@dataclass
class Sale:
    """A payment that can be refunded."""

    payer: str
    merchant: str
    asset: str
    amount: int
    value: int
    back: int = 0
    back_tenge: int = 0


@dataclass
class Proposed:
    """Tenge that moves once both keys of a party agree; out of nothing where there is no source."""

    party: str
    source: str
    target: str
    amount: int
    ends_at: int
    agreed: set[str]
    status: str = "open"

    def closed(self, at: int) -> set[str]:
        return set() if self.status == "open" and at < self.ends_at else {"STATUS_CONFLICT"}

    def agree(self, key: str, at: int) -> set[str]:
        return self.closed(at) or ({"APPROVED_ALREADY"} if key in self.agreed else set())


@dataclass
class Locked:
    """Money on its way to a payee. Whoever has no say hears that first, then that it is over."""

    payer: str
    payee: str
    asset: str
    amount: int
    ends_at: int
    condition: str
    status: str = "locked"

    def ended(self) -> set[str]:
        return set() if self.status == "locked" else {"STATUS_CONFLICT"}

    def release(self, by: str, arbiter: str) -> set[str]:
        payer = self.payer.removesuffix(" 2")
        may = {"two_party": by == payer, "three_party": by == arbiter, "hash": True}
        return self.ended() if may[self.condition] else {"NO_AUTHORITY"}

    def cancel(self, by: str, arbiter: str) -> set[str]:
        judged = self.condition == "three_party" and by == arbiter
        return self.ended() if judged or by == self.payee else {"NO_AUTHORITY"}

    def extend(self, by: str, ends_at: int) -> set[str]:
        if by != self.payer.removesuffix(" 2"):
            return {"NO_AUTHORITY"}
        return self.ended() or (set() if ends_at > self.ends_at else {"DATES_CONFLICT"})


@dataclass
class Held:
    """Money that waits for a payee. `value` (tiyn), `payment` and `day` where a till asked."""

    payer: str
    payee: str
    asset: str
    amount: int
    value: int | None
    ends_at: int
    payment: str = ""
    day: int = 0
    captured: int = 0
    status: str = "open"

    def closed(self) -> set[str]:
        return set() if self.status == "open" else {"STATUS_CONFLICT"}

    def worth(self, units: int) -> int:
        return units * (self.value or 0) // self.amount


@dataclass
class Consented:
    """What a service may pay out of somebody's account; what it has paid, by local day."""

    owner: str
    service: str
    asset: str
    scopes: tuple[str, ...]
    cap_payment: int
    cap_day: int
    ends_at: int
    revoked: bool = False
    paid: dict[int, int] = field(default_factory=dict)

    def over(self, at: int) -> set[str]:
        return {"CONSENT_NOT_ACTIVE"} if self.revoked or at >= self.ends_at else set()

    def use(self, target: str, merchants: frozenset[str], amount: int, at: int) -> set[str]:
        if faults := self.over(at):
            return faults
        merchant = "pay_merchant" in self.scopes and target in merchants
        own = "sweep" in self.scopes and target.removesuffix(" 2") == self.owner
        if not ("pay" in self.scopes or merchant or own):
            return {"CONSENT_SCOPE"}
        if amount > self.cap_payment:
            return {"CONSENT_CAP_PAYMENT"}
        over = self.paid.get(Model.day(at), 0) + amount > self.cap_day
        return {"CONSENT_CAP_DAY"} if over else set()

    def used(self, amount: int, at: int) -> None:
        self.paid[Model.day(at)] = self.paid.get(Model.day(at), 0) + amount


@dataclass
class Named:
    """An account that is paid under an alias; `once` is good for one payment."""

    target: str
    asset: str
    once: bool
    spent: bool = False


@dataclass
class Model:
    """Balances by (who, asset), what is outstanding, requests paid, and what was spent each day.

    `frozen`: by (who, asset) whether what arrives is held, as `holding` said then.
    """

    balances: dict[tuple[str, str], int] = field(default_factory=dict)
    issued: dict[str, int] = field(default_factory=dict)
    redeemed: dict[str, int] = field(default_factory=dict)
    tiers: dict[str, int] = field(default_factory=dict)
    sales: dict[str, Sale] = field(default_factory=dict)
    spent: dict[tuple[str, int], int] = field(default_factory=dict)
    proposed: dict[str, Proposed] = field(default_factory=dict)
    consents: dict[str, Consented] = field(default_factory=dict)
    aliases: dict[str, Named] = field(default_factory=dict)
    locked: dict[str, Locked] = field(default_factory=dict)
    holds: dict[str, Held] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    links: dict[str, bool] = field(default_factory=dict)
    unlinked: set[str] = field(default_factory=set)
    swept: bool = False
    flows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FLOWS, 0))
    merchants: frozenset[str] = frozenset()
    open: bool = True
    permitted: bool = True
    frozen: dict[tuple[str, str], bool] = field(default_factory=dict)
    holding: bool = False
    refusals: int = 0

    def has(self, who: str, asset: str) -> int:
        return self.balances.get((who, asset), 0)

    def move(
        self, source: str, target: str, asset: str, amount: int, *, returns: bool = False
    ) -> None:
        if self.frozen.get((target, asset)):
            target = f"{target} held"
            self.flows["held"] += 1
        if asset == "KZTD" and (lack := amount - self.has(source, asset)) > 0:
            self.fund(source, lack)
            self.flows["back"] += 1
        self.balances[source, asset] = self.has(source, asset) - amount
        self.balances[target, asset] = self.has(target, asset) + amount
        if asset == "KZTD" and target in self.links and not returns:
            above = min(amount, self.has(target, asset) - self.limits[target])
            if above > 0:
                self.defund(target, above)
                self.flows["on"] += 1

    def fund(self, who: str, amount: int) -> None:
        """A deposit becomes tenge."""
        self.balances[who, DEPOSIT] -= amount
        self.balances["bank", "KZTD"] -= amount
        self.balances[who, "KZTD"] += amount
        self.redeemed[DEPOSIT] += amount

    def defund(self, who: str, amount: int) -> None:
        """And back."""
        self.balances[who, "KZTD"] -= amount
        self.balances["bank", "KZTD"] += amount
        self.balances[who, DEPOSIT] += amount
        self.issued[DEPOSIT] += amount

    def gives(self, who: str, amount: int) -> bool:
        """Whether deposit and bank have so much for somebody."""
        return min(self.has(who, DEPOSIT), self.has("bank", "KZTD")) >= amount

    def funds_deposit(self, who: str, amount: int) -> set[str]:
        faults = set() if self.gives(who, amount) else {"FUNDS"}
        above = self.has(who, "KZTD") + amount > self.limits[who]
        return faults | {"HOLDING_MAX"} if above else faults

    def room(self, who: str, asset: str, amount: int) -> set[str]:
        """What a limit has against so much more; with a link the rest goes on."""
        if self.frozen.get((who, asset)):  # it waits beside
            return set()
        if asset != "KZTD" or who not in self.limits or who in self.links:
            return set()
        return {"HOLDING_MAX"} if self.has(who, asset) + amount > self.limits[who] else set()

    def funds(self, who: str, asset: str, amount: int) -> set[str]:
        lack = amount - self.has(who, asset)
        if lack > 0 and asset == "KZTD" and self.links.get(who) and self.gives(who, lack):
            return set()
        return {"FUNDS"} if lack > 0 else set()

    def zone(self) -> set[str]:
        """What the one zone has against crypto at the café's till."""
        faults = set() if self.open else {"ZONE_NOT_ACTIVE"}
        return faults if self.permitted else faults | {"PERMIT_NOT_VALID"}

    def transfer(self, source: str, target: str, asset: str, amount: int) -> set[str]:
        if (source, asset) in self.frozen:
            return {"ACCOUNT_FROZEN"}
        faults = self.funds(source, asset, amount)
        if asset == "KZTD":
            return faults | self.room(target, asset, amount)
        sells = source in self.merchants and target == "exchange"
        if target in self.merchants or (source in self.merchants and not sells):
            faults |= {"ZONE_OUTSIDE"}
            if self.tiers[source.removesuffix(" 2")] < 1:
                faults |= {"KYC_TIER"}
        return faults

    def pay(self, payer: str, merchant: str, asset: str, amount: int, value: int,
            at: int) -> set[str]:  # fmt: skip
        faults = self.funds(payer, asset, amount)
        if asset == "KZTD":
            return faults | self.room(merchant, asset, amount)
        faults |= self.zone() if merchant == "cafe" else {"ZONE_OUTSIDE"}
        if self.tiers[payer] < 1:
            faults |= {"KYC_TIER"}
        if value > CAP_PAYMENT:
            faults |= {"CAP_PAYMENT"}
        if self.spent.get((payer, self.day(at)), 0) + value > CAP_DAY:
            faults |= {"CAP_DAY"}
        return faults

    def paid(self, request: str, sale: Sale, at: int) -> None:
        self.move(sale.payer, sale.merchant, sale.asset, sale.amount)
        self.sales[request] = sale
        if sale.asset != "KZTD":
            key = sale.payer, self.day(at)
            self.spent[key] = self.spent.get(key, 0) + sale.value

    def refund(self, sale: Sale, asset: str, amount: int) -> set[str]:
        if (sale.merchant, asset) in self.frozen:
            return {"ACCOUNT_FROZEN"}
        back = sale.back + (amount if asset == sale.asset else 0)
        back_tenge = sale.back_tenge + (0 if asset == sale.asset else amount)
        over = back * sale.value + back_tenge * sale.amount > sale.amount * sale.value
        if over or back > sale.amount:
            return {"REFUND_TOO_MUCH"}
        faults = self.funds(sale.merchant, asset, amount)
        return faults | (self.room(sale.payer, asset, amount) if asset == "KZTD" else self.zone())

    def refunded(self, sale: Sale, asset: str, amount: int) -> None:
        self.move(sale.merchant, sale.payer, asset, amount)
        if asset == sale.asset:
            sale.back += amount
        else:
            sale.back_tenge += amount

    def hold(self, id: str, held: Held) -> None:
        self.move(held.payer, id, held.asset, held.amount)
        self.holds[id] = held
        if held.payment and held.asset != "KZTD":
            key = held.payer, held.day
            self.spent[key] = self.spent.get(key, 0) + (held.value or 0)

    def captured(self, id: str, units: int, last: bool) -> None:
        held = self.holds[id]
        own = held.payer == held.payee.removesuffix(" 2")
        self.move(id, held.payee, held.asset, units, returns=own)
        value = held.worth(held.captured + units) - held.worth(held.captured)
        held.captured += units
        if held.payment:
            made = Sale(held.payer, held.payee, held.asset, 0, 0)
            sale = self.sales.setdefault(held.payment, made)
            sale.amount += units
            sale.value += value
        if last or held.captured == held.amount:
            self.unheld(id, "captured")

    def unheld(self, id: str, status: str) -> None:
        """The rest goes back, and back to the day's room."""
        held = self.holds[id]
        held.status = status
        self.move(id, held.payer, held.asset, held.amount - held.captured, returns=True)
        assert self.balances.pop((id, held.asset)) == 0
        if held.payment and held.asset != "KZTD":
            rest = held.worth(held.amount) - held.worth(held.captured)
            self.spent[held.payer, held.day] -= rest

    def executes(self, made: Proposed) -> set[str]:
        if not made.source:
            return set()
        faults = self.funds(made.source, "KZTD", made.amount)
        return faults | self.room(made.target, "KZTD", made.amount)

    def executed(self, made: Proposed) -> None:
        made.status = "done"
        if made.source:
            self.move(made.source, made.target, "KZTD", made.amount)
        else:
            self.issued["KZTD"] += made.amount
            self.balances[made.target, "KZTD"] += made.amount

    @staticmethod
    def day(at: int) -> int:
        return (at + ALMATY_MS) // DAY_MS
