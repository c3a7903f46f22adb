"""What a programme's members mean together: whether its money could ever go anywhere, its dates,
its sums, its sub-contracts. Shape was judged before (`read`); what a fault was found in is absent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.mark import LINEAGE_MAX, RETURN, UNMARK
from ledger.core.party import Role
from ledger.kinds.mark import AHEAD_MAX_MS, BEGINS
from ledger.kinds.split import SHARES_MAX
from sandbox_api.programme.fault import Fault, fault_at
from sandbox_api.programme.form import Mark, Programme, Split, tiyn
from sandbox_api.programme.places import Path, Places
from sandbox_api.sentences import Value

WHOLE: Final = 100
"""Percent."""


def lint(
    programme: Programme, places: Places, people: Mapping[str, Role], now: int
) -> Iterator[Fault]:
    """Every fault of a programme as far as it could be read. `people`: roles by short name."""
    found = _Lint(places, people, now)
    if programme.mark is not None:
        found.mark(programme.mark, ())
    for split in programme.splits:
        found.split(split)
    yield from found.faults


class _Lint:
    """One programme's faults."""

    def __init__(self, places: Places, people: Mapping[str, Role], now: int) -> None:
        self.faults: list[Fault] = []
        self._places, self._people, self._now = places, people, now

    def mark(self, mark: Mark, above: tuple[Mark, ...]) -> None:
        """A policy under those `above` it, nearest first, and its sub-contracts."""
        if len(above) >= LINEAGE_MAX:
            self._fault("sub.deep", mark.path, most=LINEAGE_MAX)
            return
        self._ends(mark, above)
        self._nobody(mark)
        self._budget(mark, above)
        self._conditions(mark)
        self._holders(mark)
        self._pays(mark)
        if above:
            self._beyond(mark, above)
        for sub in mark.subs:
            self.mark(sub, (mark, *above))

    def _ends(self, mark: Mark, above: tuple[Mark, ...]) -> None:
        path, ends = (*mark.path, "valid_until"), mark.valid_until
        if ends is None:
            return
        if ends <= self._now:
            self._fault("date.past", path, at=ends - 1)
        elif ends > self._now + AHEAD_MAX_MS:
            self._fault("date.far", path)
        parent = above[0].valid_until if above else None
        if parent is not None and ends >= parent:
            self._fault("date.above", path, at=parent - 1)

    def _nobody(self, mark: Mark) -> None:
        """Whom a policy names that can never be paid."""
        for number, party in enumerate(mark.payees):
            if self._people.get(party) == Role.OPERATOR:
                self._fault("party.operator", (*mark.path, "payees", number), value=party)
        for number, role in enumerate(mark.roles):
            if role == Role.OPERATOR:
                self._fault("role.operator", (*mark.path, "roles", number), value=role)

    def _budget(self, mark: Mark, above: tuple[Mark, ...]) -> None:
        if mark.source is None:
            return
        role = self._people.get(mark.source)
        if above:
            path = (*mark.path, "by")
            if "holder" in above[0].unread:
                return
            suppliers = [one for one in above[0].holders if one.supplier]
            if mark.source not in [one.party for one in suppliers]:
                self._fault("sub.supplier", path, value=mark.source, example="[[holder]]")
            return
        if role is not None and role not in BEGINS:
            self._fault("budget.role", (*mark.path, "budget"), value=mark.source,
                        admitted=sorted(one.value for one in BEGINS))  # fmt: skip

    def _conditions(self, mark: Mark) -> None:
        seen: list[tuple[str | None, str | None]] = []
        for one in mark.conditions:
            said = (one.oracle, one.event)
            if None not in said and said in seen:
                self._fault("condition.twice", one.path, value=one.event)
            seen.append(said)

    def _holders(self, mark: Mark) -> None:
        if not mark.holders and "holder" not in mark.unread:
            self._fault("holder.none", mark.path, example="[[holder]]")
        seen: set[str] = set()
        for one in mark.holders:
            if one.party is None:
                continue
            if one.party in seen:
                self._fault("holder.twice", (*one.path, "party"), value=one.party)
            if self._people.get(one.party) == Role.OPERATOR:
                self._fault("party.operator", (*one.path, "party"), value=one.party)
            seen.add(one.party)
        self._within(mark, mark.total, tiyn(mark.total), (*mark.path, "total"))
        for supplier in {sub.source for sub in mark.subs if sub.source is not None}:
            held = [one.amount for one in mark.holders if one.party == supplier and one.supplier]
            if held:
                subs = [sub for sub in mark.subs if sub.source == supplier]
                spent = sum(tiyn(one.amount) for sub in subs for one in sub.holders)
                if spent > tiyn(held[0]):
                    self._over(subs[-1].path, spent, tiyn(held[0]))

    def _within(self, mark: Mark, total: str | None, most: int, path: Path) -> None:
        spent = sum(tiyn(one.amount) for one in mark.holders)
        if total is not None and spent > most:
            self._over(path, spent, most)

    def _over(self, path: Path, spent: int, most: int) -> None:
        amounts = {"amount": format_amount(spent, TENGE_SCALE)}
        self._fault("allocation.over", path, limit=format_amount(most, TENGE_SCALE), **amounts)

    def _pays(self, mark: Mark) -> None:
        """Whether the money can ever be spent."""
        if not mark.unread.isdisjoint(("payees", "roles", "categories", "holder")):
            return  # what is not known cannot be missing
        named = bool(mark.payees or mark.roles or mark.categories)
        if mark.on_final == RETURN:
            for member in ("payees", "roles", "categories"):
                if getattr(mark, member):
                    self._fault("policy.return", (*mark.path, member), name=member)
            if mark.goods:
                self._fault("goods.unreachable", (*mark.path, "goods"))
            if mark.holders and not any(one.supplier for one in mark.holders):
                self._fault("policy.supplier", mark.path)
            return
        # Only merchants have categories, so another role beside them is nobody.
        unheard = bool(mark.categories and mark.roles and Role.MERCHANT not in mark.roles)
        if mark.on_final == UNMARK and (not named or (unheard and not mark.payees)):
            self._fault("policy.nobody", mark.path)
        elif mark.goods and named and not self._reaches_a_till(mark):
            self._fault("goods.unreachable", (*mark.path, "goods"))

    def _reaches_a_till(self, mark: Mark) -> bool:
        """Whether a merchant may be paid: only a till's request has lines of goods."""
        if any(self._people.get(one, Role.MERCHANT) == Role.MERCHANT for one in mark.payees):
            return True
        return bool(mark.roles or mark.categories) and (
            not mark.roles or Role.MERCHANT in mark.roles
        )

    def _beyond(self, mark: Mark, above: tuple[Mark, ...]) -> None:
        """What a sub-contract allows and a policy above it does not, so that nothing is left."""
        for one in above:
            if not (mark.unread | one.unread).isdisjoint(("payees", "roles", "categories")):
                return
            if one.on_final == RETURN and mark.on_final == UNMARK:
                self._fault("sub.beyond", (*mark.path, "on_final"), name="on_final")
                return
            if mark.goods and one.goods and set(mark.goods).isdisjoint(one.goods):
                self._fault("sub.beyond", (*mark.path, "goods"), name="goods")
            by_role = mark.roles and one.roles and not (mark.payees or one.payees)
            if by_role and set(mark.roles).isdisjoint(one.roles):
                self._fault("sub.beyond", (*mark.path, "roles"), name="roles")
        lineage = (mark, *above)
        named = next((one.payees for one in lineage if _by_name(one)), None)
        all_finals = all(one.payees or one.roles or one.categories for one in lineage)
        if (
            named is not None
            and all_finals
            and not any(all(self._may_be_paid(party, one) for one in lineage) for party in named)
        ):
            member = "payees" if mark.payees else "roles" if mark.roles else "categories"
            self._fault("sub.beyond", (*mark.path, member), name=member)

    def _may_be_paid(self, party: str, mark: Mark) -> bool:
        """Whether a policy could admit a party, whatever it is attested to sell."""
        if party in mark.payees:
            return True
        role = self._people.get(party)
        admits = not mark.roles or role is None or role in mark.roles
        sells = not mark.categories or role in (None, Role.MERCHANT)
        return bool(mark.roles or mark.categories) and admits and sells

    def split(self, split: Split) -> None:
        """A rule for sharing."""
        shares = (*split.path, "shares")
        percents = sum(percent for _, percent in split.shares)
        if split.shares and percents != WHOLE:
            self._fault("split.sum", shares, value=str(percents))
        fixed = dict(split.fixed)
        for payee, _ in split.shares:
            if payee in fixed:
                self._fault("split.twice", (*split.path, "fixed", payee), value=payee)
        payees = {*dict(split.shares), *fixed}
        if split.shares and len(payees) < 2:
            self._fault("split.few", shares)
        if len(payees) > SHARES_MAX:
            self._fault("split.many", shares, most=SHARES_MAX)
        if split.shares and split.remainder not in (None, *dict(split.shares)):
            self._fault("split.remainder", (*split.path, "remainder"), value=split.remainder)
        for payee in payees:
            if self._people.get(payee) == Role.OPERATOR:
                self._fault("party.operator", shares, value=payee)

    def _fault(self, code: str, path: Path, **params: Value) -> None:
        place = self._places.of_value(path)
        self.faults.append(fault_at(place, code, params))


def _by_name(mark: Mark) -> bool:
    """Whether final payees are named one by one, and in no other way."""
    return bool(mark.payees) and not (mark.roles or mark.categories)
