"""One person's keys in the simulation: added, ended, recovered, vetoed, tried when no good;
and accounts that are opened, filled, emptied and closed.

It is Renat's, whom nobody else's acts sign for. The model's side is `Keyring`: which of his keys is
in use, which recovery waits until when. A recovery's time comes by itself, when the clock is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.core.ids import b64
from tests.builders import HOUR, derived, key_of
from tests.kinds.families.keys import PROOF, kid
from tests.simulation.choice import newest

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

OWNER = "renat"
WAITING_MS = 72 * HOUR


@dataclass
class Recovering:
    """A recovery: the key that it brings, those that it ends; two of three are `contested`."""

    key: str
    revokes: tuple[str, ...]
    due: int
    contested: bool
    status: str = "open"


@dataclass
class Keyring:
    """Renat's keys by name with their status, his recoveries by id, his further accounts."""

    keys: dict[str, str] = field(default_factory=lambda: {OWNER: "active"})
    recoveries: dict[str, Recovering] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)

    def settle(self, at: int) -> Keyring:
        """What the time `at` has brought about."""
        for one in self.recoveries.values():
            if one.status == "open" and one.due <= at:
                one.status = "done"
                for name in one.revokes:
                    self.keys[name] = "revoked"
                self.keys[one.key] = "active"
        return self

    def signs(self, name: str) -> set[str]:
        """What is wrong with this key."""
        good = name == "bank" or self.keys[name] == "active"
        return set() if good else {"KEY_NOT_ACTIVE"}

    def is_open(self) -> bool:
        return any(one.status == "open" for one in self.recoveries.values())

    def opens(self, id: str, made: Recovering) -> None:
        self.recoveries[id] = made
        self.keys[made.key] = "pending"

    def vetoes(self, made: Recovering) -> None:
        made.status = "vetoed"
        self.keys[made.key] = "revoked"


def begin(run: Traffic) -> None:
    """Renat, with an account and some money."""
    world = run.world
    world.register("bank", OWNER, "person", 1)
    world.open("bank", OWNER, "KZTD")
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts[OWNER, "KZTD"], amount="10.00")  # fmt: skip
    run.model.balances[OWNER, "KZTD"] = 10_00


def add_key(run: Traffic) -> Act:
    """One more device, registered by one that he has; the bank tries in vain."""
    ring = run.keyring.settle(run.at)
    signer = _signer(run)
    name = _new(ring)
    jws = run.sign(signer, "key/1", party=run.world.parties[OWNER],
                   key=b64(key_of(name).public_key))  # fmt: skip
    faults = {"NO_AUTHORITY"} if signer == "bank" else ring.signs(signer)
    return jws, faults, lambda: ring.keys.update({name: "active"})


def end_key(run: Traffic) -> Act:
    """Any key ends any key, itself too."""
    ring = run.keyring.settle(run.at)
    signer, target = _signer(run), _key(run)
    others = [name for name, status in ring.keys.items() if status == "active" and name != target]
    faults = ring.signs(signer)
    if not faults and ring.keys[target] != "active":
        faults = {"STATUS_CONFLICT"}
    elif not faults and signer == target and not others:
        faults = {"KEY_LAST"}
    jws = run.sign(signer, "key_revoke/1", kid=kid(target))
    return jws, faults, lambda: ring.keys.update({target: "revoked"})


def use_key(run: Traffic) -> Act:
    """He pays a little with a key, in use or not."""
    ring = run.keyring.settle(run.at)
    name, units = _key(run), run.dice.choice((1, 1, 1, 2_000_00))
    jws = run.sign(name, "transfer/1", from_=run.world.accounts[OWNER, "KZTD"],
                   to=run.world.accounts["bank", "KZTD"], amount=_text(units))  # fmt: skip
    faults = ring.signs(name) or run.model.funds(OWNER, "KZTD", units)
    return jws, faults, lambda: run.model.move(OWNER, "bank", "KZTD", units)


def recover(run: Traffic) -> Act:
    """The bank starts a recovery that ends some of his keys."""
    ring = run.keyring.settle(run.at)
    name = _new(ring)
    active = [one for one, status in ring.keys.items() if status == "active"]
    ends = {_key(run)} if run.dice.random() < 0.3 else set(active[-3:])
    contested = len(ring.recoveries) % 3 > 0
    made = Recovering(name, tuple(sorted(ends)), run.at + WAITING_MS, contested)
    unfit = ring.is_open() or not ends <= set(active)
    jws = run.sign(
        "bank",
        "recover/1",
        party=run.world.parties[OWNER],
        proof=PROOF,
        key=b64(key_of(name).public_key),
        revokes=[kid(one) for one in made.revokes],
    )
    id = derived(jws.decode(), "recovery")
    return jws, {"STATUS_CONFLICT"} if unfit else set(), lambda: ring.opens(id, made)


def veto(run: Traffic) -> Act:
    """A key of his, or the bank, stops a contested recovery, or tries to when it is over."""
    ring = run.keyring.settle(run.at)
    minded = {id: made for id, made in ring.recoveries.items()
              if made.contested or made.status != "open"}  # fmt: skip
    picked = newest(run.dice, minded, lambda made: made.status == "open")
    if picked is None:
        return run.instead(recover)
    id, made = picked
    signer = _signer(run)
    faults = ring.signs(signer)
    if not faults and made.status != "open":
        faults = {"STATUS_CONFLICT"}
    jws = run.sign(signer, "recover_veto/1", recovery=id)
    return jws, faults, lambda: ring.vetoes(made)


def open_account(run: Traffic) -> Act:
    ring = run.keyring.settle(run.at)
    jws = run.sign("bank", "account/1", owner=run.world.parties[OWNER], asset="KZTD")
    name = f"{OWNER}'s account {len(ring.accounts)}"

    def then() -> None:
        run.world.accounts[name, "KZTD"] = derived(jws.decode(), "account")
        run.model.balances[name, "KZTD"] = 0
        ring.accounts[name] = "open"

    return jws, set(), then


def fill(run: Traffic) -> Act:
    """Money goes to one of his accounts, or comes back from it."""
    ring = run.keyring.settle(run.at)
    picked = newest(run.dice, ring.accounts, lambda status: status == "open")
    if picked is None:
        return run.instead(open_account)
    name, back = picked[0], run.dice.random() < 0.5
    source, target = (name, "bank") if back else ("bank", name)
    units = max(run.model.has(name, "KZTD"), 1) if back else 1
    signer = _key(run) if back else "bank"
    jws = run.sign(signer, "transfer/1", from_=run.world.accounts[source, "KZTD"],
                   to=run.world.accounts[target, "KZTD"], amount=_text(units))  # fmt: skip
    faults = ring.signs(signer)
    if not faults and ring.accounts[name] == "closed":
        faults = {"ACCOUNT_NOT_OPEN"}
    faults = faults or run.model.funds(source, "KZTD", units)
    return jws, faults, lambda: run.model.move(source, target, "KZTD", units)


def close(run: Traffic) -> Act:
    ring = run.keyring.settle(run.at)
    picked = newest(run.dice, ring.accounts, lambda status: status == "open")
    if picked is None:
        return run.instead(open_account)
    name, signer = picked[0], _signer(run)
    faults = ring.signs(signer)
    if not faults and ring.accounts[name] == "closed":
        faults = {"ACCOUNT_NOT_OPEN"}
    elif not faults and run.model.has(name, "KZTD"):
        faults = {"ACCOUNT_NOT_EMPTY"}
    jws = run.sign(signer, "account_close/1", account=run.world.accounts[name, "KZTD"])
    return jws, faults, lambda: ring.accounts.update({name: "closed"})


def _new(ring: Keyring) -> str:
    return f"{OWNER}'s key {len(ring.keys)}."  # no " 2" at its end: that is Aigul's account


def _key(run: Traffic) -> str:
    """One of his newest keys, or the first."""
    picked = newest(run.dice, run.keyring.keys, lambda status: status == "active")
    return picked[0] if picked else OWNER


def _signer(run: Traffic) -> str:
    return "bank" if run.dice.random() < 0.2 else _key(run)


def _text(units: int) -> str:
    return f"{units // 100}.{units % 100:02}"


ACTS = (add_key, end_key, use_key, recover, veto, open_account, fill, close)
WEIGHTS = (2, 2, 3, 3, 2, 1, 2, 2)
