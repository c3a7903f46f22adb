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
from ledger.core.transaction import Embedded, Payload, Statement, Transaction
from ledger.errors import Malformed
from ledger.kinds import (
    account,
    account_close,
    alias,
    alias_drop,
    alias_pay,
    allocate,
    approve,
    ask,
    ask_decline,
    ask_pay,
    ask_withdraw,
    asset,
    cancel,
    capture,
    categories,
    clock,
    confirm,
    consent,
    consent_pay,
    consent_revoke,
    convert_pay,
    defund,
    deliver,
    dispose,
    exchange,
    expire,
    extend,
    forced_debit,
    freeze,
    fund,
    genesis,
    hold,
    hold_request,
    invoice_pay,
    issue,
    key,
    key_revoke,
    link,
    lock,
    mark,
    mark_account,
    mark_return,
    mark_settle,
    pack,
    party,
    pay,
    pay_mixed,
    permit,
    permit_revoke,
    propose,
    purse,
    purse_block,
    purse_deposit,
    purse_fraud,
    purse_load,
    purse_unload,
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
    vat_attest,
    vat_claim,
    vat_deny,
    vat_pay,
    vat_register,
    venue,
    void,
    withdraw,
    zone_change,
    zone_draw,
    zone_resume,
    zone_suspend,
)
from ledger.kinds.kind import Kind, kind_name

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
    venue, exchange, convert_pay, deliver,
    purse, purse_load, purse_deposit, purse_unload, purse_fraud, purse_block,
    mark, mark_account, allocate, mark_return, mark_settle, categories, confirm, pay_mixed,
    vat_register, vat_attest, invoice_pay, vat_pay, vat_claim, vat_deny,
)  # fmt: skip

KINDS: dict[type[Payload], Kind] = {module.KIND.payload: module.KIND for module in _MODULES}
"""Every kind by its payload's type; what is not here cannot be read."""

PayloadDecoder: msgspec.json.Decoder[Payload] = msgspec.json.Decoder(Union[tuple(KINDS)])  # noqa: UP007
P = TypeVar("P", bound=Payload)
S = TypeVar("S", bound=Statement)


def read(jws: bytes, *, checked: bool = False) -> Transaction:
    """Take a transaction apart; raises Malformed. No signature is verified here.

    `checked` skips the strict second pass over the JSON: only for bytes that this same function has
    read before without it (the writer after its front end).
    """
    envelope = open_envelope(jws, typ="tenge-tx", payload_max=PAYLOAD_MAX_LARGE)
    payload = _decode(envelope, PayloadDecoder, checked)
    kind = KINDS[type(payload)]
    if len(envelope.payload) > PAYLOAD_MAX and not kind.large:
        raise Malformed("payload.size", f"a payload of this kind has at most {PAYLOAD_MAX} bytes")
    id = TransactionId(payload.not_after, envelope.digest)
    found = [read_statement(jws, type_, checked=checked) for type_, jws in kind.embeds(payload)]
    proposed = read_proposed(payload.payload) if isinstance(payload, propose.Propose) else None
    return Transaction(
        id,
        envelope.kid,
        payload,
        envelope.jws,
        (envelope, *(inner for _, inner in found)),
        tuple(embedded for embedded, _ in found),
        proposed,
        kind.proofs(payload),
    )


@lru_cache(maxsize=64)
def read_proposed(text: str) -> Payload:
    """What a proposal puts forward; raises Malformed ("proposal.kind": it must stand alone)."""
    payload = decode_payload(text.encode(), PayloadDecoder)
    if KINDS[type(payload)].alone:
        raise Malformed("proposal.kind", "this kind of transaction cannot be proposed", "payload")
    return payload


def read_statement(
    jws: bytes | str, type_: type[S], *, checked: bool = False
) -> tuple[Embedded[S], Envelope]:
    """Take what a second party signed apart, alone or embedded; raises Malformed. `checked` as in
    `read`."""
    envelope = open_envelope(jws, typ=type_.typ)
    decoder, label = _statements(type_)
    body: S = _decode(envelope, decoder, checked)
    id = derive_key(TransactionId(body.not_after, envelope.digest), label)
    return Embedded(id, envelope.kid, body), envelope


@lru_cache(maxsize=64)
def _statements(type_: type[S]) -> tuple[msgspec.json.Decoder[S], str]:
    """How statements of a type are decoded, and the label that their ids are derived under."""
    return msgspec.json.Decoder(type_), kind_name(type_).partition("/")[0]


def _decode(envelope: Envelope, decoder: msgspec.json.Decoder[P], checked: bool) -> P:
    try:
        value = decoder.decode(envelope.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # the strict reading names the fault
    else:
        if checked or is_plain(envelope.payload, value):
            return value
    return decode_payload(envelope.payload, decoder)
