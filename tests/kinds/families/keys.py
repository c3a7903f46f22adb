"""Keys and what they open: key_revoke/1, recover/1, recover_veto/1, account_close/1."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ledger.core.ids import b64, unb64
from tests.builders import HOUR, World, derived, key_of
from tests.kinds.families.deposits import DEPOSIT, linking, open_deposits
from tests.kinds.pure import public
from tests.kinds.sample import Sample
from tests.kinds.table import NOBODY, C, account, bad, issue_account, party

TABLET = "aigul's tablet"
"""A second device of Aigul's."""

NO_KEY = "A" * 43
PROOF = b64(sha256(b"salt and the record of an identity proof").digest())


def kid(name: str) -> str:
    """The named one's key id."""
    return key_of(name).kid


def add_key(world: World, owner: str, name: str, signer: str = "") -> None:
    """One more device of a party."""
    world.do(signer or owner, "key/1", party=world.parties[owner], key=public(name))


def recovery(world: World, owner: str, new: str, *revokes: str) -> dict[str, Any]:
    """Members of a recovery that gives `owner` the key `new` and ends these others."""
    return {"party": world.parties[owner], "key": public(new), "proof": PROOF,
            "revokes": [kid(name) for name in revokes]}  # fmt: skip


def recover(world: World, owner: str, new: str, *revokes: str) -> str:
    """The bank starts a recovery; its id."""
    jws = world.do("bank", "recover/1", **recovery(world, owner, new, *revokes))
    return derived(jws, "recovery")


def due_of(world: World, id: str) -> int:
    """When a recovery is due."""
    due: int = world.door.load(("object", "recovery", unb64(id, 16))).due
    return due


def fall_due(world: World, id: str) -> None:
    """The recovery's time has come."""
    due = due_of(world, id)
    world.door.at = due
    world.do("operator", "expire/1", type="recovery", key=id, due=due)


def _with_tablet(world: World) -> None:
    add_key(world, "aigul", TABLET)


def _to_veto(world: World) -> None:
    world.register("bank", "renat", "person", 1)
    world.to_veto = recover(world, "renat", "renat's new phone", "renat")


def _to_close(world: World) -> None:
    opened = world.do("bank", "account/1", owner=world.parties["aigul"], asset="KZTD")
    world.to_close = derived(opened, "account")


SAMPLES = {
    "key_revoke/1": Sample("aigul", lambda w: {"kid": kid(TABLET)}, before=_with_tablet),
    "recover/1": Sample(
        "bank", lambda w: recovery(w, "daniyar", "daniyar's new phone", "daniyar"), ("recovery",)
    ),
    "recover_veto/1": Sample("renat", lambda w: {"recovery": w.to_veto}, before=_to_veto),
    "account_close/1": Sample("aigul", lambda w: {"account": w.to_close}, before=_to_close),
}


def everything(world: World) -> None:
    """A device that is gone, a recovery that is vetoed and one that waits, a closed account."""
    _with_tablet(world)
    world.do(TABLET, "key_revoke/1", kid=kid(TABLET))
    _to_veto(world)
    world.do("renat", "recover_veto/1", recovery=world.to_veto)
    recover(world, "renat", "renat's other phone")
    _to_close(world)
    world.do("aigul", "account_close/1", account=world.to_close)


def _revoked(world: World) -> None:
    world.do("aigul", "key_revoke/1", kid=kid(TABLET))


def _over(world: World) -> None:
    fall_due(world, world.to_veto)


def _vetoed(world: World) -> None:
    world.do("renat", "recover_veto/1", recovery=world.to_veto)


def _open_already(world: World) -> None:
    recover(world, "daniyar", "daniyar's other phone")


def _gone(world: World) -> None:
    add_key(world, "daniyar", "daniyar's tablet")
    world.do("daniyar", "key_revoke/1", kid=kid("daniyar"))


def _taken(world: World) -> None:
    add_key(world, "aigul", "daniyar's new phone")


def _closed(world: World) -> None:
    world.do("bank", "account_close/1", account=world.to_close)


def _filled(world: World) -> None:
    world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
             to=world.to_close, amount="0.01")  # fmt: skip


def _held(world: World) -> None:
    _filled(world)
    world.do("aigul", "hold/1", from_=world.to_close, to=world.accounts["cafe", "KZTD"],
             amount="0.01", ends_at=world.door.time() + HOUR)  # fmt: skip


def _held_for(world: World) -> None:
    world.do("daniyar", "hold/1", from_=world.accounts["daniyar", "KZTD"], to=world.to_close,
             amount="0.01", ends_at=world.door.time() + HOUR)  # fmt: skip


def _locked(world: World) -> None:
    _filled(world)
    world.do("aigul", "lock/1", from_=world.to_close, to=world.accounts["cafe", "KZTD"],
             amount="0.01", ends_at=world.door.time() + HOUR,
             condition={"type": "two_party"})  # fmt: skip


def _linked(world: World) -> None:
    open_deposits(world)
    members = linking(world, "aigul") | {"wallet": world.to_close}
    world.do("bank", "link/1", **members)


def _linked_deposit(world: World) -> str:
    """A deposit of Aigul's that is empty and linked."""
    open_deposits(world)
    opened = world.do("bank", "account/1", owner=world.parties["aigul"], asset=DEPOSIT)
    deposit = derived(opened, "account")
    members = linking(world, "aigul") | {"wallet": world.to_close, "deposit": deposit}
    world.do("bank", "link/1", **members)
    return deposit


_IDS = (
    ("spelled otherwise", "id.base64", "A" * 21 + "B"),
    ("short", "payload.member", "A" * 21),
    ("a number", "payload.member", 7),
    ("none", "payload.member", None),
)
_KIDS = (
    ("spelled otherwise", "id.base64", "A" * 42 + "B"),
    ("short", "payload.member", "A" * 42),
    ("a number", "payload.member", 7),
    ("none", "payload.member", None),
)

REFUSALS = {
    "key_revoke/1": [
        bad("somebody else's key", C.NO_AUTHORITY, "daniyar"),
        bad("another bank's client's key", C.NO_AUTHORITY, "exchange"),
        bad("a key that nobody has", C.NO_AUTHORITY, kid=NO_KEY),
        bad("a till's key", C.NO_AUTHORITY, "cafe", kid=kid("till-cafe")),
        bad("the last key of all, by itself", C.KEY_LAST, "daniyar", kid=kid("daniyar")),
        bad("the last key after the others", C.KEY_LAST, before=_revoked, kid=kid("aigul")),
        bad("a key that is revoked", C.STATUS_CONFLICT, before=_revoked),
        bad("a key that waits for its recovery", C.STATUS_CONFLICT, "bank",
            kid=kid("renat's new phone")),
        bad("with the revoked key itself", C.KEY_NOT_ACTIVE, TABLET, before=_revoked),
        bad("the operator's key, by the central bank", C.TARGET_NOT_ADMITTED, "nbk",
            kid=kid("operator")),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *(bad(f"a kid {how}", code, kid=text) for how, code, text in _KIDS),
    ],
    "recover/1": [
        bad("by another bank", C.NO_AUTHORITY, "nbk"),
        bad("of the bank itself", C.NO_AUTHORITY, party=party("bank")),
        bad("of a party that nobody knows", C.PARTY_UNKNOWN, party=NOBODY),
        bad("of the central bank by itself", C.TARGET_NOT_ADMITTED, "nbk",
            party=party("nbk")),
        bad("to a key in use", C.ALREADY_REGISTERED, key=public("aigul")),
        bad("to the party's own key", C.ALREADY_REGISTERED, key=public("daniyar")),
        bad("to a till's key", C.ALREADY_REGISTERED, key=public("till-cafe")),
        bad("to a key that waits for another recovery", C.ALREADY_REGISTERED,
            key=public("renat's new phone")),
        bad("to a key that was taken since", C.ALREADY_REGISTERED, before=_taken),
        bad("while one is open", C.STATUS_CONFLICT, before=_open_already),
        bad("that ends somebody else's key", C.NO_AUTHORITY, revokes=[kid("aigul")]),
        bad("that ends a key that nobody has", C.NO_AUTHORITY, revokes=[NO_KEY]),
        bad("that ends the new key", C.NO_AUTHORITY, revokes=[kid("daniyar's new phone")]),
        bad("that ends a revoked key", C.STATUS_CONFLICT, before=_gone),
        bad("that ends one key twice", "recovery.revokes", revokes=[kid("daniyar")] * 2),
        bad("that ends too many keys", "payload.member", revokes=[kid("daniyar")] * 17),
        bad("to a key that is no point", "key.point", key=b64(bytes(32))),
        bad("by a person", C.ROLE_NOT_ADMITTED, "aigul"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("with a proof in words", "payload.member", proof="the passport was seen"),
        *(bad(f"a party {how}", code, party=text) for how, code, text in _IDS),
        *(bad(f"a proof {how}", code, proof=text) for how, code, text in _KIDS),
    ],
    "recover_veto/1": [
        bad("by another party", C.RECOVERY_UNKNOWN, "aigul"),
        bad("by another bank", C.RECOVERY_UNKNOWN, "nbk"),
        bad("of nothing", C.RECOVERY_UNKNOWN, recovery=NOBODY),
        bad("of an object of another type", C.RECOVERY_UNKNOWN, recovery=lambda w: w.zone),
        bad("that is vetoed", C.STATUS_CONFLICT, before=_vetoed),
        bad("that is over, by the bank", C.STATUS_CONFLICT, "bank", before=_over),
        bad("with a key that it has ended", C.KEY_NOT_ACTIVE, before=_over),
        bad("that is over, with its new key", C.STATUS_CONFLICT, "renat's new phone",
            before=_over),
        bad("with the key that waits", C.KEY_NOT_ACTIVE, "renat's new phone"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *(bad(f"an id {how}", code, recovery=text) for how, code, text in _IDS),
    ],
    "account_close/1": [
        bad("by a stranger", C.NO_AUTHORITY, "daniyar"),
        bad("by another bank", C.NO_AUTHORITY, "exchange"),
        bad("that nobody has", C.NO_AUTHORITY, account=NOBODY),
        bad("of somebody else", C.NO_AUTHORITY, account=account("daniyar", "tGOLD")),
        bad("with money on it", C.ACCOUNT_NOT_EMPTY, account=account("aigul", "KZTD")),
        bad("with money on it, by the bank", C.ACCOUNT_NOT_EMPTY, "bank",
            account=account("aigul", "tBTC")),
        bad("that was filled meanwhile", C.ACCOUNT_NOT_EMPTY, before=_filled),
        bad("that is closed", C.ACCOUNT_NOT_OPEN, before=_closed),
        bad("with its money on hold", C.ACCOUNT_IN_USE, before=_held),
        bad("with money on hold for it", C.ACCOUNT_IN_USE, before=_held_for),
        bad("with its money locked", C.ACCOUNT_IN_USE, before=_locked),
        bad("that is linked", C.ACCOUNT_IN_USE, before=_linked),
        bad("that a wallet is linked to", C.ACCOUNT_IN_USE, account=_linked_deposit),
        bad("what is outstanding of an asset", C.ACCOUNT_KIND, "exchange",
            account=issue_account("tUSDT")),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *(bad(f"an id {how}", code, account=text) for how, code, text in _IDS),
    ],
}  # fmt: skip

STILL = frozenset({"key_revoke/1", "recover/1", "recover_veto/1", "account_close/1"})
