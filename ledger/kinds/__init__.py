"""PURE: the table of kinds, and reading a transaction by it. One module a kind (design D4)."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar, Union

import msgspec

from ledger.core.envelope import (
    PAYLOAD_MAX,
    PAYLOAD_MAX_LARGE,
    Envelope,
    decode_payload,
    is_plain,
    open_envelope,
)
from ledger.core.ids import TransactionId, derive_key
from ledger.core.transaction import OpenRequest, Payload, Request, Transaction
from ledger.errors import Malformed
from ledger.kinds import (
    account,
    account_close,
    alias,
    alias_drop,
    alias_pay,
    approve,
    ask,
    ask_decline,
    ask_pay,
    ask_withdraw,
    asset,
    cancel,
    capture,
    clock,
    consent,
    consent_pay,
    consent_revoke,
    defund,
    dispose,
    expire,
    extend,
    forced_debit,
    freeze,
    fund,
    genesis,
    hold,
    hold_request,
    issue,
    key,
    key_revoke,
    link,
    lock,
    pack,
    party,
    pay,
    permit,
    permit_revoke,
    propose,
    rate,
    recover,
    recover_veto,
    redeem,
    refund,
    release,
    seize,
    split,
    sweep,
    terminal,
    tier,
    transfer,
    unfreeze,
    unlink,
    void,
    withdraw,
    zone_change,
    zone_draw,
    zone_resume,
    zone_suspend,
)
from ledger.kinds.kind import Kind

_MODULES = (
    genesis, party, key, tier, account, asset, pack, rate, zone_draw, zone_change, zone_suspend,
    zone_resume, permit, permit_revoke, terminal, issue, redeem, transfer, pay, refund, clock,
    expire, propose, approve, withdraw,
    key_revoke, recover, recover_veto, account_close,
    split, ask, ask_pay, ask_decline, ask_withdraw,
    hold, hold_request, capture, void,
    consent, consent_revoke, consent_pay, alias, alias_drop, alias_pay,
    lock, release, cancel, extend,
    fund, defund, link, unlink, sweep,
    freeze, unfreeze, forced_debit, seize, dispose,
)  # fmt: skip

KINDS: dict[type[Payload], Kind] = {module.KIND.payload: module.KIND for module in _MODULES}
"""Every kind by its payload's type; what is not here cannot be read."""

PayloadDecoder: msgspec.json.Decoder[Payload] = msgspec.json.Decoder(Union[tuple(KINDS)])  # noqa: UP007
P = TypeVar("P", bound=Payload)

RequestDecoder = msgspec.json.Decoder(Request)


def read(jws: bytes, *, checked: bool = False) -> Transaction:
    """Take a transaction apart; raises Malformed. No signature is verified here.

    `checked` skips the strict second pass over the JSON: only for bytes that this same function has
    read before without it (the writer after its front end).
    """
    envelope = open_envelope(jws, typ="tenge-tx", payload_max=PAYLOAD_MAX_LARGE)
    payload = _decode(envelope, PayloadDecoder, checked)
    if len(envelope.payload) > PAYLOAD_MAX and not KINDS[type(payload)].large:
        raise Malformed("payload.size", f"a payload of this kind has at most {PAYLOAD_MAX} bytes")
    id = TransactionId(payload.not_after, envelope.digest)
    if isinstance(payload, pay.Pay | hold_request.HoldRequest):
        request, inner = read_request(payload.request, checked=checked)
        return Transaction(id, envelope.kid, payload, envelope.jws, (envelope, inner), request)
    proposed = read_proposed(payload.payload) if isinstance(payload, propose.Propose) else None
    return Transaction(id, envelope.kid, payload, envelope.jws, (envelope,), proposed=proposed)


@lru_cache(maxsize=64)
def read_proposed(text: str) -> Payload:
    """What a proposal puts forward; raises Malformed ("proposal.kind": it must stand alone)."""
    payload = decode_payload(text.encode(), PayloadDecoder)
    if KINDS[type(payload)].alone:
        raise Malformed("proposal.kind", "this kind of transaction cannot be proposed", "payload")
    return payload


def read_request(jws: bytes | str, *, checked: bool = False) -> tuple[OpenRequest, Envelope]:
    """Take a payment request apart, alone or embedded; raises Malformed. `checked` as in `read`."""
    envelope = open_envelope(jws, typ="tenge-request")
    body = _decode(envelope, RequestDecoder, checked)
    id = derive_key(TransactionId(body.not_after, envelope.digest), "request")
    return OpenRequest(id, envelope.kid, body), envelope


def _decode(envelope: Envelope, decoder: msgspec.json.Decoder[P], checked: bool) -> P:
    try:
        value = decoder.decode(envelope.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # the strict reading names the fault
    else:
        if checked or is_plain(envelope.payload, value):
            return value
    return decode_payload(envelope.payload, decoder)
