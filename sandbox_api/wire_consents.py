"""What the HTTP API says of consents. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

import msgspec

from sandbox_api.wire import IdText


class ConsentBody(msgspec.Struct, frozen=True):
    """What a service (a party) may do with an account. `owner` gave it. Caps, and `left_today` of
    the cap of the local day, are in `asset`. `status`: `active`, `revoked` or `expired`; `ends_at`
    (ms UTC) is null unless it is active."""

    id: IdText
    account: IdText
    owner: IdText
    service: IdText
    scopes: tuple[str, ...]
    asset: str
    cap_payment: str
    cap_day: str
    left_today: str
    status: str
    ends_at: int | None


class ConsentsBody(msgspec.Struct, frozen=True):
    """A page of consents in order of id; `next` is the next page's `after`, null at the end."""

    consents: tuple[ConsentBody, ...]
    next: IdText | None
