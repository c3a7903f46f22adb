"""What two keys do together in the simulation: the central bank issues, a person sends money.

The model's side of it is `model.Proposed`: which keys agree, until when, what then moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ledger.core.ids import b64
from tests.builders import HOUR, derived, key_of
from tests.simulation.choice import newest
from tests.simulation.model import Proposed

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

PARTIES = ("nbk", "aigul")


def second(party: str) -> str:
    """The name of a party's second key."""
    return f"{party} second key"


def begin(run: Traffic) -> None:
    """Second keys for those who propose."""
    for party in PARTIES:
        key = b64(key_of(second(party)).public_key)
        run.world.do(party, "key/1", party=run.world.parties[party], key=key)


def propose(run: Traffic) -> Act:
    """One key puts something before the other one, for a moment or for hours."""
    party = run.dice.choice(PARTIES)
    accounts = run.world.accounts
    if party == "nbk":
        units = run.dice.randrange(1, 10**6)
        kind, members = "issue/1", {"to": accounts["bank", "KZTD"]}
        source, target = "", "bank"
    else:
        units = run.amount(party, "KZTD")
        kind = "transfer/1"
        members = {"from_": accounts[party, "KZTD"], "to": accounts["daniyar", "KZTD"]}
        source, target = party, "daniyar"
    amount = f"{units // 100}.{units % 100:02}"
    payload = run.world.signing.payload(kind, **members, amount=amount).decode()
    ends_at = run.at + run.dice.choice((-1, 0, 1, HOUR, 9 * HOUR, 40 * HOUR))
    signer = run.dice.choice((party, second(party)))
    jws = run.sign(signer, "propose/1", payload=payload, ends_at=ends_at)
    made = Proposed(party, source, target, units, ends_at, {signer})
    faults = {"DATES_CONFLICT"} if ends_at <= run.at else set()
    id = derived(jws.decode(), "proposal")
    return jws, faults, lambda: run.model.proposed.update({id: made})


def agree(run: Traffic) -> Act:
    """A key agrees: the other one, or the same again, or too late, or of another party."""
    if (picked := _picked(run)) is None:
        return run.instead(propose)
    id, made = picked
    signer = run.dice.choice((made.party, second(made.party)))
    stranger = run.dice.random() < 0.1
    jws = run.sign("daniyar" if stranger else signer, "approve/1", proposal=id)
    if stranger:
        return jws, {"PROPOSAL_UNKNOWN"}, None
    faults = made.agree(signer, run.at) or run.model.executes(made)
    return jws, faults, lambda: run.model.executed(made)


def take_back(run: Traffic) -> Act:
    if (picked := _picked(run)) is None:
        return run.instead(propose)
    id, made = picked
    signer = run.dice.choice((made.party, second(made.party)))
    jws = run.sign(signer, "withdraw/1", proposal=id)
    return jws, made.closed(run.at), lambda: setattr(made, "status", "withdrawn")


def _picked(run: Traffic) -> tuple[str, Any] | None:
    return newest(run.dice, run.model.proposed, lambda made: not made.closed(run.at))


ACTS = (propose, agree, take_back)
WEIGHTS = (4, 8, 2)
