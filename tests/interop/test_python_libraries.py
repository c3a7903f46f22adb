"""Other people's Python libraries sign what we open, and read what we seal (D2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws as joserfc_jws
from joserfc.jwk import OKPKey
from jwt.api_jws import PyJWS

from ledger.core.envelope import TYPS, Envelope, open_envelope, seal
from ledger.core.ids import b64
from ledger.errors import Malformed
from ledger.keys import SigningKey, public_key_to_jwk, verify

KEY = SigningKey.from_seed(bytes(range(32)))
PAYLOAD = '{"kind":"transfer/1","note":"Әлі, ¥, 😀","not_after":1795000000000}'.encode()
# joserfc warns of the older name; we take both.
both_names = pytest.mark.filterwarnings("ignore:.*EdDSA.*")

VECTORS = [
    pytest.param(json.loads(path.read_text()), id=path.stem)
    for path in sorted((Path(__file__).parents[1] / "vectors" / "envelope").glob("*.json"))
]


def signed_by_pyjwt(payload: bytes, typ: str) -> str:
    return PyJWS().encode(
        payload, KEY.to_pem(), algorithm="EdDSA", headers={"kid": KEY.kid, "typ": typ}
    )


def signed_by_joserfc(payload: bytes, typ: str, alg: str) -> str:
    header = {"alg": alg, "kid": KEY.kid, "typ": typ}
    key = OKPKey.import_key(KEY.to_jwk())
    return joserfc_jws.serialize_compact(header, payload, key, algorithms=[alg])


def read_by_joserfc(jws: str, public_key: bytes) -> Any:
    key = OKPKey.import_key(public_key_to_jwk(public_key))
    return joserfc_jws.deserialize_compact(jws, key, algorithms=["EdDSA", "Ed25519"])


def good(opened: Envelope) -> bool:
    return verify(KEY.public_key, opened.signing_input, opened.signature)


@pytest.mark.parametrize("typ", sorted(TYPS))
def test_what_pyjwt_signs_is_good(typ: str) -> None:
    opened = open_envelope(signed_by_pyjwt(PAYLOAD, typ), typ=typ)

    assert good(opened)
    assert (b64(opened.kid), opened.payload) == (KEY.kid, PAYLOAD)


@both_names
@pytest.mark.parametrize("typ", sorted(TYPS))
@pytest.mark.parametrize("alg", ["EdDSA", "Ed25519"])
def test_what_joserfc_signs_is_good(typ: str, alg: str) -> None:
    opened = open_envelope(signed_by_joserfc(PAYLOAD, typ, alg), typ=typ)

    assert good(opened)
    assert (b64(opened.kid), opened.payload) == (KEY.kid, PAYLOAD)


@both_names
def test_joserfc_writes_the_bytes_that_we_write() -> None:
    ours = seal(PAYLOAD, kid=KEY.kid, typ="tenge-tx", sign=KEY.sign)

    assert signed_by_joserfc(PAYLOAD, "tenge-tx", "EdDSA") == ours


@both_names
@pytest.mark.parametrize("typ", sorted(TYPS))
def test_what_we_seal_is_good_to_pyjwt_and_joserfc(typ: str) -> None:
    sealed = seal(PAYLOAD, kid=KEY.kid, typ=typ, sign=KEY.sign)
    public = Ed25519PublicKey.from_public_bytes(KEY.public_key)

    by_pyjwt = PyJWS().decode_complete(sealed, public, algorithms=["EdDSA"])
    by_joserfc = read_by_joserfc(sealed, KEY.public_key)

    assert by_pyjwt["payload"] == by_joserfc.payload == PAYLOAD
    assert by_pyjwt["header"] == by_joserfc.headers() == {
        "alg": "EdDSA", "kid": KEY.kid, "typ": typ,
    }  # fmt: skip


@both_names
@pytest.mark.parametrize("vector", VECTORS)
def test_known_answers_are_good_to_us_and_to_joserfc(vector: dict[str, Any]) -> None:
    public_key = bytes.fromhex(vector["public_key"])
    opened = open_envelope(vector["jws"], typ=vector["typ"])

    assert verify(public_key, opened.signing_input, opened.signature)
    assert read_by_joserfc(vector["jws"], public_key).payload == vector["payload"].encode()
    signer = SigningKey.from_seed(bytes.fromhex(vector["seed"]))
    assert (signer.kid, signer.public_key) == (vector["kid"], public_key)
    assert signer.sign(opened.signing_input) == opened.signature


def test_a_plain_jwt_is_not_taken_for_an_envelope() -> None:
    jwt = PyJWS().encode(PAYLOAD, KEY.to_pem(), algorithm="EdDSA", headers={"kid": KEY.kid})

    with pytest.raises(Malformed) as refusal:
        open_envelope(jwt, typ="tenge-tx")

    assert refusal.value.code == "envelope.typ"


def test_a_token_of_another_algorithm_is_refused() -> None:
    headers = {"kid": KEY.kid, "typ": "tenge-tx"}
    token = PyJWS().encode(PAYLOAD, KEY.seed, algorithm="HS256", headers=headers)

    with pytest.raises(Malformed) as refusal:
        open_envelope(token, typ="tenge-tx")

    assert refusal.value.code == "envelope.alg"


@both_names
@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=200), st.binary(min_size=32, max_size=32))
def test_any_bytes_signed_by_any_key_are_read_alike(payload: bytes, seed: bytes) -> None:
    key = SigningKey.from_seed(seed)

    sealed = seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign)

    assert read_by_joserfc(sealed, key.public_key).payload == payload
    assert open_envelope(sealed, typ="tenge-tx").payload == payload
