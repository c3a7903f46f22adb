"""Consents as they are told: by id, by the account they are about, by the service that has them.

Pages are look-ups, never scans; consents that have ended are in them too. One whose time is over
stands as active until the writer's next batch ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from ledger.core import counters
from ledger.core.amount import format_amount
from ledger.core.asset import Asset
from ledger.core.consent import Consent
from ledger.core.ids import b64, unb64
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of
from ledger.store.reader import Snapshot
from sandbox_api.reading.known import account_of, object_of, page_of
from sandbox_api.wire_consents import ConsentBody, ConsentsBody

CONSENT: Final = "consent"
"""The type of object."""


def consent(view: Snapshot, id: bytes, at: int) -> ConsentBody | None:
    """A consent by its id, whatever became of it; None where there is none."""
    found = object_of(view, CONSENT, id)
    return None if found is None else _bodies(view, (found,), at)[0]


def consents(
    view: Snapshot,
    by: Literal["account", "service"],
    value: bytes,
    after: bytes,
    limit: int,
    at: int,
) -> ConsentsBody:
    """A page of an account's consents, or of those that a service has."""
    page, more = page_of(view, CONSENT, by, value, after, limit)
    return ConsentsBody(_bodies(view, page, at), more)


def _bodies(view: Snapshot, found: Sequence[Object], at: int) -> tuple[ConsentBody, ...]:
    """All of them, with what each has left of the local day that holds `at`."""
    day = counters.local_day(at)
    needs: list[Need] = [("counter", counters.CONSENT_DAY, day, one.key, "") for one in found]
    spent = view.load(needs)
    return tuple(_body(view, one, spent[need]) for one, need in zip(found, needs, strict=True))


def _body(view: Snapshot, found: Object, spent: int) -> ConsentBody:
    terms = body_of(found, Consent)
    account = account_of(view, unb64(terms.account, 16))
    if account is None:
        raise AssertionError(f"consent {b64(found.key)} is about no account")
    asset = object_of(view, "asset", account.asset.encode())
    if asset is None:
        raise AssertionError(f"account {terms.account} is of no asset")
    scale = body_of(asset, Asset).scale
    return ConsentBody(
        id=b64(found.key),
        account=terms.account,
        owner=b64(found.owner),
        service=terms.service,
        scopes=terms.scopes,
        asset=account.asset,
        cap_payment=format_amount(terms.cap_payment, scale),
        cap_day=format_amount(terms.cap_day, scale),
        left_today=format_amount(max(0, terms.cap_day - spent), scale),
        status=found.status,
        ends_at=found.due,
    )
