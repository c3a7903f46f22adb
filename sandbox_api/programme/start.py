"""Start a programme: sign and submit what is missing of it, and say what is there.

Nothing is stored beside the ledger. What is there is read from it: the owner's marks with exactly
the file's policy, accounts with that mark, allocations to them. What is signed follows from the
programme, the ledger and the half-day, so two starts at once sign the same bytes, which count once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.ids import TransactionId, b64, decode_segment, derive_key
from sandbox_api.client import Json, PaymentRefused, SandboxClient, Wallet
from sandbox_api.config import CannotRun
from sandbox_api.programme.form import Holder, Mark, tiyn

HALF_DAY_MS: Final = 43_200_000
MARGIN_MS: Final = 60_000
"""Less than the most that may be signed ahead, for clocks that differ."""

BATCH_MAX: Final = 1_000
"""Lines that the sandbox takes at once."""

_ENDED: Final = "ended"


class Place(msgspec.Struct, frozen=True):
    """A holder's account. `is_new`: this start opened it; `allocates`: what it put there now;
    `allocated`: tiyn that were put there in all."""

    party: str
    account: str
    supplier: bool
    is_new: bool
    allocates: str | None
    allocated: int


class Begun(msgspec.Struct, frozen=True):
    """A mark, its own or a sub-contract, with its accounts. `waits_for`: the party whose key is
    needed for it, where it was not at hand; there is no id then, or it was there already."""

    mark: Mark
    id: str | None
    is_new: bool
    places: tuple[Place, ...]
    waits_for: str | None = None


class People:
    """Who may be named: parties and ordinary accounts by short name, as the sandbox tells them."""

    def __init__(self, client: SandboxClient) -> None:
        self._parties: dict[str, str] = {}
        self._accounts: dict[str, str] = {}
        self._names: dict[str, str] = {}
        for one in client.get("/sandbox")["personas"]:
            self._parties[one["name"]] = one["party"]
            self._names[one["party"]] = one["name"]
            for row in one["accounts"]:
                if row["asset"] == "KZTD":
                    self._accounts[one["name"]] = row["id"]

    def party(self, name: str | None) -> str:
        """The id of a party, or the id itself."""
        return self._parties.get(str(name), str(name))

    def name(self, party: str) -> str:
        """The short name of a party, or its id where it has none."""
        return self._names.get(party, party)

    def account(self, name: str | None) -> str:
        """The id of a party's account in digital tenge, or the id itself."""
        return self._accounts.get(str(name), str(name))


class Start:
    """One start of a mark and its sub-contracts. `wallets`: by short name, whoever signs now."""

    def __init__(self, client: SandboxClient, wallets: Mapping[str, Wallet]) -> None:
        self.people: Final = People(client)
        self._client: Final = client
        self._wallets: Final = wallets
        self._jws: list[str] = []
        self._not_after: Final = _grid(client.now())

    def begin(self, mark: Mark) -> list[Begun]:
        """Do what is missing. Raises CannotRun where that cannot be started at all (nothing is
        changed then), PaymentRefused where the ledger refuses."""
        begun = list(self._mark(mark, self.people.account(mark.source), is_new=False))
        self._check_funds(mark, begun[0])
        for lines in batched(self._jws):
            for answer in self._client.submit_many(lines):
                if isinstance(answer, PaymentRefused):
                    raise answer
        return begun

    @property
    def is_new(self) -> bool:
        """Whether anything was missing."""
        return bool(self._jws)

    def _mark(self, mark: Mark, budget: str | None, *, is_new: bool) -> Iterator[Begun]:
        """The mark on a budget account, and those below it. Without one nothing can be said yet;
        of one that `is_new` the ledger has not heard."""
        wallet = self._wallets.get(str(mark.source))
        if wallet is None and mark.path == ("mark",) and not self._named(mark):
            wallet = next(iter(self._wallets.values()), None)  # the budget is named by its id
        found = None
        if budget is not None and not is_new:
            found = found_mark(self._client, self.people, mark, budget)
        if budget is None or (wallet is None and found is None):
            yield Begun(mark, None, False, (), mark.source)
            return
        accounts: list[Json] = []
        if found is not None:
            id, accounts = found["id"], list(self._client.mark_accounts(found["id"]))
        else:
            id = self._sign(wallet, "mark/1", "mark", **policy(self.people, mark, budget))
        places = [
            self._holder(wallet, one, id, budget, accounts, is_over=_is_over(found))
            for one in mark.holders
        ]
        waits = mark.source if wallet is None and None in places else None
        there = tuple(one for one in places if one is not None)
        yield Begun(mark, id, found is None, there, waits)
        for sub in mark.subs:
            party = self.people.party(sub.source)
            place = next((one for one in there if one.party == party), None)
            account = None if place is None else place.account
            yield from self._mark(sub, account, is_new=place is not None and place.is_new)

    def _holder(
        self, wallet: Wallet | None, holder: Holder, mark: str, budget: str,
        accounts: list[Json], *, is_over: bool,
    ) -> Place | None:  # fmt: skip
        """A holder's account: as it is, or opened; None where nobody is there to sign."""
        party = self.people.party(holder.party)
        is_theirs = (party, "wallet")
        account = next((a["id"] for a in accounts if (a["owner"], a["kind"]) == is_theirs), None)
        allocated = 0 if account is None else self._allocated(account)
        if wallet is None or is_over:
            found = Place(party, str(account), holder.supplier, False, None, allocated)
            return None if account is None else found
        is_new = account is None
        if account is None:
            account = self._sign(
                wallet, "mark_account/1", "account", mark=mark, owner=party,
                supplier=holder.supplier,
            )  # fmt: skip
        allocates = None if allocated else holder.amount
        if allocates is not None:
            self._sign(wallet, "allocate/1", "", from_=budget, to=account, amount=allocates)
            allocated = tiyn(allocates)
        return Place(party, account, holder.supplier, is_new, allocates, allocated)

    def _allocated(self, account: str) -> int:
        """What was put on an account from its budget, as its first movements tell."""
        rows = self._client.get(f"/accounts/{account}/statement", after=0)["rows"]
        put = [row["amount"] for row in rows if row["kind"] == "allocate/1"]
        return sum(tiyn(one) for one in put if not one.startswith("-"))  # less what a child took

    def _check_funds(self, mark: Mark, begun: Begun) -> None:
        """Before anything is signed away: a programme is begun whole or not at all."""
        wanted = sum(tiyn(one.allocates) for one in begun.places)
        if wanted:
            has = self._client.balance(self.people.account(mark.source))
            if parse_amount(has, TENGE_SCALE, zero=True) < wanted:
                amount = format_amount(wanted, TENGE_SCALE)
                raise CannotRun(f"The budget holds {has}, and {amount} are to be allocated.")

    def _named(self, mark: Mark) -> bool:
        return self.people.account(mark.source) != mark.source

    def _sign(self, wallet: Wallet | None, kind: str, label: str, **members: Any) -> str:
        """Sign one more; the id of what it makes."""
        if wallet is None:
            raise AssertionError(f"nobody signs {kind}")
        text = msgspec.json.encode([self._client.ledger(), kind, members], order="sorted")
        nonce = b64(hashlib.sha256(b"tenge-programme/1\n" + text).digest()[:16])
        jws = wallet.seal(kind, nonce=nonce, not_after=self._not_after, **members)
        self._jws.append(jws)
        payload = decode_segment(jws.split(".")[1].encode())
        id = TransactionId(self._not_after, hashlib.sha256(payload).digest())
        return b64(derive_key(id, label)) if label else ""


def batched(lines: list[str]) -> Iterator[list[str]]:
    """The lines in order, as many at once as the sandbox takes."""
    for begin in range(0, len(lines), BATCH_MAX):
        yield lines[begin : begin + BATCH_MAX]


def policy(people: People, mark: Mark, budget: str) -> dict[str, Any]:
    """The members of mark/1 that a file means."""
    return {
        "budget": budget, "contract": mark.contract, "budget_line": mark.budget_line,
        "valid_until": mark.valid_until, "on_final": mark.on_final,
        "payees": [people.party(one) for one in mark.payees], "roles": list(mark.roles),
        "categories": list(mark.categories), "goods": list(mark.goods),
        "payee_max": mark.payee_max,
        "conditions": [
            {"oracle": people.party(one.oracle), "event": one.event} for one in mark.conditions
        ],
    }  # fmt: skip


def found_mark(client: SandboxClient, people: People, mark: Mark, budget: str) -> Json | None:
    """The mark on the ledger that has exactly this policy, one that lasts before one that ended.

    Raises CannotRun where there is none, but this contract was begun with another policy: its money
    would be given out twice.
    """
    wanted = policy(people, mark, budget)
    there = list(client.marks(client.get(f"/accounts/{budget}")["owner"]))
    same = [one for one in there if all(one[name] == wanted[name] for name in wanted)]
    if same:
        return min(same, key=_is_over)
    for one in there:
        names = ("budget", "contract", "budget_line")
        if not _is_over(one) and all(one[name] == wanted[name] for name in names):
            raise CannotRun(
                f"{mark.contract} under {mark.budget_line} is there with another policy (mark"
                f" {one['id']}), and a policy never changes: give this one another contract."
            )
    return None


def _is_over(mark: Json | None) -> bool:
    return mark is not None and mark["status"] == _ENDED


def _grid(now: int) -> int:
    """When what is signed now ends: the same for all that is signed within half a day."""
    return now // HALF_DAY_MS * HALF_DAY_MS + 2 * HALF_DAY_MS - MARGIN_MS
