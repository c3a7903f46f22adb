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
    open_envelope,
)
from ledger.core.ids import TransactionId, derive_key, unb64
from ledger.core.transaction import OpenRequest, Payload, Request, Signed, Transaction
from ledger.errors import Malformed
from ledger.kinds import (
    account,
    asset,
    clock,
    expire,
    genesis,
    issue,
    key,
    pack,
    party,
    pay,
    permit,
    permit_revoke,
    rate,
    redeem,
    refund,
    terminal,
    tier,
    transfer,
    zone_change,
    zone_draw,
    zone_resume,
    zone_suspend,
)
from ledger.kinds.kind import Kind

_MODULES = (
    genesis, party, key, tier, account, asset, pack, rate, zone_draw, zone_change, zone_suspend,
    zone_resume, permit, permit_revoke, terminal, issue, redeem, transfer, pay, refund, clock,
    expire,
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
    signature = _signed(envelope)
    id = TransactionId(payload.not_after, envelope.digest)
    if not isinstance(payload, pay.Pay):
        return Transaction(id, signature.kid, payload, jws, (signature,))
    inner = open_envelope(payload.request, typ="tenge-request")
    body = _decode(inner, RequestDecoder, checked)
    by_terminal = _signed(inner)
    request = OpenRequest(
        derive_key(TransactionId(body.not_after, inner.digest), "request"), by_terminal.kid, body
    )
    return Transaction(id, signature.kid, payload, jws, (signature, by_terminal), request)


def read_request(jws: bytes | str) -> tuple[OpenRequest, Signed]:
    """Take a payment request apart that stands alone; raises Malformed."""
    envelope = open_envelope(jws, typ="tenge-request")
    body = _decode(envelope, RequestDecoder, False)
    signature = _signed(envelope)
    id = derive_key(TransactionId(body.not_after, envelope.digest), "request")
    return OpenRequest(id, signature.kid, body), signature


def _decode(envelope: Envelope, decoder: msgspec.json.Decoder[P], checked: bool) -> P:
    if checked:
        try:
            return decoder.decode(envelope.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass  # it was not: the strict reading names the fault
    return decode_payload(envelope.payload, decoder)


def _signed(envelope: Envelope) -> Signed:
    return Signed(_kid(envelope.kid), envelope.signing_input, envelope.signature)


@lru_cache(maxsize=1 << 14)
def _kid(text: str) -> bytes:
    return unb64(text, 32)
