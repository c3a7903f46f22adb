"""Ed25519: the public edge-case vectors (C1), keys refused (C2), malleation (C3), key forms."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.envelope import open_envelope, seal
from ledger.core.ids import b64
from ledger.errors import Malformed
from ledger.keys import (
    SigningKey,
    check_public_key,
    derive_secret,
    kid_of,
    public_key_from_jwk,
    public_key_to_jwk,
    unwrap,
    verify,
    wrap,
)

VECTORS = Path(__file__).parent / "vectors" / "ed25519"
L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19

# RFC 8037 appendix A: a key, its JWK and its thumbprint.
RFC_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
RFC_JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
RFC_KID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def vectors_of(name: str) -> list[Any]:
    return [
        pytest.param(vector, id=f"{vector['vector']} {vector['meaning']}".strip())
        for vector in json.loads((VECTORS / name).read_text())
    ]


def verified(vector: dict[str, Any]) -> bool:
    message, key, signature = (
        bytes.fromhex(vector[part]) for part in ("message", "public_key", "signature")
    )
    return verify(key, message, signature)


@pytest.mark.parametrize("vector", vectors_of("speccheck.json"))
def test_speccheck_vectors_are_answered_as_libsodium_answers(vector: dict[str, Any]) -> None:
    assert verified(vector) is vector["good"]


@pytest.mark.parametrize("vector", vectors_of("wycheproof.json"))
def test_wycheproof_vectors_are_answered_as_expected(vector: dict[str, Any]) -> None:
    if vector["result"] == "acceptable":
        assert verified(vector) is (vector["flags"] == ["MixedOrderPublicKey"])
        with pytest.raises(Malformed):
            check_public_key(bytes.fromhex(vector["public_key"]))
    else:
        assert verified(vector) is (vector["result"] == "valid")


def test_the_vector_files_are_whole() -> None:
    speccheck = json.loads((VECTORS / "speccheck.json").read_text())
    wycheproof = json.loads((VECTORS / "wycheproof.json").read_text())

    assert [vector["good"] for vector in speccheck] == [n == 3 for n in range(12)]
    results = [vector["result"] for vector in wycheproof]
    assert {name: results.count(name) for name in set(results)} == {
        "valid": 117, "invalid": 64, "acceptable": 29,
    }  # fmt: skip


def point(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


# The y of the points of order 8 (the other one is P minus it), from RFC 7748's curve.
Y8 = 2707385501144840649318225287225658788936804267575313519463743609750303021425
GOOD = SigningKey.from_seed(RFC_SEED).public_key


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(GOOD, None, id="a good key"),
        pytest.param(b"", "key.size", id="empty"),
        pytest.param(GOOD[:31], "key.size", id="31 bytes"),
        pytest.param(GOOD + b"\0", "key.size", id="33 bytes"),
        pytest.param(bytes(32), "key.point", id="all zero (order 4)"),
        pytest.param(point(0, 1), "key.point", id="order 4, other sign"),
        pytest.param(point(1), "key.point", id="the identity"),
        pytest.param(point(1, 1), "key.point", id="the identity, sign bit set"),
        pytest.param(point(P - 1), "key.point", id="order 2"),
        pytest.param(point(P - 1, 1), "key.point", id="order 2, sign bit set"),
        pytest.param(point(Y8), "key.point", id="order 8"),
        pytest.param(point(Y8, 1), "key.point", id="order 8, other sign"),
        pytest.param(point(P - Y8), "key.point", id="order 8, other y"),
        pytest.param(point(P - Y8, 1), "key.point", id="order 8, other y and sign"),
        pytest.param(point(P), "key.point", id="zero written as P"),
        pytest.param(point(P + 1), "key.point", id="one written as P + 1"),
        pytest.param(point(P + 3), "key.point", id="three written as P + 3"),
        pytest.param(point(P + 18), "key.point", id="eighteen written as P + 18"),
        pytest.param(b"\xff" * 32, "key.point", id="all ones"),
        pytest.param(point(2), "key.point", id="not on the curve"),
        pytest.param(
            bytes.fromhex("cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d"),
            "key.point",
            id="mixed order",
        ),
    ],
)
def test_only_canonical_points_of_the_prime_order_group_may_be_registered(
    raw: bytes, code: str | None
) -> None:
    assert code_of(lambda: check_public_key(raw)) == code


@pytest.mark.parametrize(
    ("jwk", "code"),
    [
        pytest.param(RFC_JWK, None, id="a good key"),
        pytest.param({**RFC_JWK, "x": RFC_JWK["x"] + "="}, "key.base64", id="padded"),
        pytest.param({**RFC_JWK, "x": RFC_JWK["x"].replace("_", "/")}, "key.base64", id="slash"),
        pytest.param({**RFC_JWK, "x": RFC_JWK["x"][:-1] + "p"}, "key.base64", id="an unused bit"),
        pytest.param({**RFC_JWK, "x": RFC_JWK["x"] + "\n"}, "key.base64", id="a newline"),
        pytest.param({**RFC_JWK, "x": " " + RFC_JWK["x"]}, "key.base64", id="a space"),
        pytest.param({**RFC_JWK, "x": "é"}, "key.base64", id="not ASCII"),
        pytest.param({**RFC_JWK, "x": b64(GOOD[:31])}, "key.size", id="31 bytes"),
        pytest.param({**RFC_JWK, "x": b64(GOOD + b"x")}, "key.size", id="33 bytes"),
        pytest.param({**RFC_JWK, "x": ""}, "key.size", id="empty"),
        pytest.param({**RFC_JWK, "x": 7}, "key.jwk", id="x is a number"),
        pytest.param({**RFC_JWK, "x": None}, "key.jwk", id="x is null"),
        pytest.param({**RFC_JWK, "x": b64(bytes(32))}, "key.point", id="small order"),
        pytest.param({**RFC_JWK, "x": b64(point(P + 3))}, "key.point", id="not canonical"),
        pytest.param({**RFC_JWK, "crv": "X25519"}, "key.jwk", id="another curve"),
        pytest.param({**RFC_JWK, "crv": "ed25519"}, "key.jwk", id="the curve in small letters"),
        pytest.param({**RFC_JWK, "kty": "EC"}, "key.jwk", id="another type"),
        pytest.param({"kty": "OKP", "crv": "Ed25519"}, "key.jwk", id="no x"),
        pytest.param({}, "key.jwk", id="nothing"),
        pytest.param({**RFC_JWK, "use": "sig"}, "key.jwk", id="one member too many"),
        pytest.param({**RFC_JWK, "d": b64(RFC_SEED)}, "key.private", id="the private key"),
    ],
)
def test_a_key_has_one_form_as_text(jwk: dict[str, Any], code: str | None) -> None:
    assert code_of(lambda: public_key_from_jwk(jwk)) == code


def test_a_key_is_named_by_its_thumbprint() -> None:
    key = SigningKey.from_seed(RFC_SEED)

    assert public_key_to_jwk(key.public_key) == RFC_JWK
    assert public_key_from_jwk(RFC_JWK) == key.public_key
    assert key.kid == kid_of(key.public_key) == RFC_KID


def test_a_key_comes_back_from_each_of_its_forms() -> None:
    key = SigningKey.generate()

    for again in (
        SigningKey.from_seed(key.seed),
        SigningKey.from_jwk(key.to_jwk()),
        SigningKey.from_jwk(json.loads(key.to_jwk_text())),
        SigningKey.from_pem(key.to_pem()),
        SigningKey.from_pem(key.to_pem().encode()),
    ):
        assert (again.kid, again.sign(b"x")) == (key.kid, key.sign(b"x"))
    check_public_key(key.public_key)
    assert verify(key.public_key, b"x", key.sign(b"x"))


def test_a_key_shows_its_id_and_never_its_secret() -> None:
    key = SigningKey.from_seed(RFC_SEED)

    assert repr(key) == str(key) == f"<SigningKey {RFC_KID}>"


PRIVATE_JWK = {**RFC_JWK, "d": b64(RFC_SEED)}


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda: SigningKey.from_seed(bytes(31)), "key.seed", id="a short seed"),
        pytest.param(lambda: SigningKey.from_jwk(RFC_JWK), "key.jwk", id="a public JWK"),
        pytest.param(
            lambda: SigningKey.from_jwk(
                {**PRIVATE_JWK, "x": b64(SigningKey.generate().public_key)}
            ),
            "key.pair",
            id="x of another key",
        ),
        pytest.param(
            lambda: SigningKey.from_jwk({**PRIVATE_JWK, "d": b64(bytes(31))}),
            "key.size",
            id="a short d",
        ),
        pytest.param(lambda: SigningKey.from_pem("no PEM"), "key.pem", id="no PEM"),
        pytest.param(lambda: SigningKey.from_pem("\ud800"), "key.pem", id="half a character"),
        pytest.param(
            lambda: SigningKey.from_pem(
                generate_private_key(SECP256R1()).private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
                )
            ),
            "key.pem",
            id="a PEM of another kind of key",
        ),
        pytest.param(
            lambda: SigningKey.from_pem(
                load_pem_private_key(SigningKey.generate().to_pem().encode(), None).private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
                )
            ),
            "key.pem",
            id="an encrypted PEM",
        ),
    ],
)
def test_what_is_no_private_key_of_ours_is_refused(
    make: Callable[[], SigningKey], code: str
) -> None:
    assert code_of(make) == code


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=130))
def test_verifying_arbitrary_bytes_says_no_and_never_raises(
    key: bytes, message: bytes, signature: bytes
) -> None:
    assert verify(key, message, signature) is False
    assert verify(key[:32].ljust(32, b"\1"), message, signature[:64].ljust(64, b"\1")) is False


# C3: one signed transaction, and every way to bend it.

KEY = SigningKey.from_seed(bytes(range(32)))
PAYLOAD = b'{"ledger":"AAAAAAAAAAAAAAAAAAAAAA","kind":"transfer/1","nonce":"1","not_after":1}'
SEALED = open_envelope(seal(PAYLOAD, kid=KEY.kid, typ="tenge-tx", sign=KEY.sign), typ="tenge-tx")


def test_all_512_flipped_bits_of_a_signature_are_noticed() -> None:
    assert verify(KEY.public_key, SEALED.signing_input, SEALED.signature)
    for bit in range(512):
        bent = bytearray(SEALED.signature)
        bent[bit // 8] ^= 1 << bit % 8
        assert not verify(KEY.public_key, SEALED.signing_input, bytes(bent)), bit


def test_every_flipped_bit_of_the_signed_bytes_is_noticed() -> None:
    for bit in range(8 * len(SEALED.signing_input)):
        bent = bytearray(SEALED.signing_input)
        bent[bit // 8] ^= 1 << bit % 8
        assert not verify(KEY.public_key, bytes(bent), SEALED.signature), bit


@pytest.mark.parametrize("times", range(1, 16))
def test_s_plus_multiples_of_l_is_refused(times: int) -> None:
    s = int.from_bytes(SEALED.signature[32:], "little") + times * L
    if s >= 1 << 256:
        pytest.fail(f"{times} L does not fit: shorten the table")
    bent = SEALED.signature[:32] + s.to_bytes(32, "little")

    assert not verify(KEY.public_key, SEALED.signing_input, bent)


def test_halves_of_two_good_signatures_do_not_make_a_third() -> None:
    other = KEY.sign(b"another message")

    assert not verify(KEY.public_key, SEALED.signing_input, other[:32] + SEALED.signature[32:])
    assert not verify(KEY.public_key, SEALED.signing_input, SEALED.signature[:32] + other[32:])


@pytest.mark.parametrize("typ", ["tenge-request", "tenge-quote", "tenge-event", "tenge-attest"])
def test_a_signature_given_for_one_typ_is_not_good_for_another(typ: str) -> None:
    given_for = seal(PAYLOAD, kid=KEY.kid, typ=typ, sign=KEY.sign)
    wanted = seal(PAYLOAD, kid=KEY.kid, typ="tenge-tx", sign=lambda _: bytes(64))

    spliced = ".".join((*wanted.split(".")[:2], given_for.split(".")[2]))
    found = open_envelope(spliced, typ="tenge-tx")

    assert not verify(KEY.public_key, found.signing_input, found.signature)
    assert code_of(lambda: open_envelope(given_for, typ="tenge-tx")) == "envelope.typ"


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(PAYLOAD.replace(b"AAAA", b"BBBB", 1), id="another ledger"),
        pytest.param(PAYLOAD.replace(b"/1", b"/2", 1), id="another version"),
        pytest.param(PAYLOAD.replace(b'"nonce":"1"', b'"nonce": "1"'), id="a space"),
        pytest.param(PAYLOAD.replace(b'"nonce"', b'"n\\u006fnce"'), id="an escape"),
        pytest.param(PAYLOAD + b" ", id="a space at the end"),
    ],
)
def test_another_spelling_is_not_good_under_the_old_signature(payload: bytes) -> None:
    spelt = seal(payload, kid=KEY.kid, typ="tenge-tx", sign=lambda _: SEALED.signature)

    found = open_envelope(spelt, typ="tenge-tx")

    assert found.digest != SEALED.digest
    assert not verify(KEY.public_key, found.signing_input, found.signature)


def test_another_header_of_the_same_payload_has_the_same_digest() -> None:
    """So that whoever holds the key cannot make two ids, and two payments, of one payload."""
    named = seal(PAYLOAD, kid=KEY.kid, typ="tenge-tx", sign=KEY.sign)
    header = f'{{"typ":"tenge-tx","kid":"{KEY.kid}","alg":"Ed25519"}}'.encode()
    signed = f"{b64(header)}.{named.split('.')[1]}"
    other = open_envelope(f"{signed}.{b64(KEY.sign(signed.encode()))}", typ="tenge-tx")

    assert verify(KEY.public_key, other.signing_input, other.signature)
    assert other.signature != SEALED.signature
    assert other.digest == SEALED.digest


def test_a_wrapped_secret_opens_only_as_it_was_wrapped() -> None:
    kek = bytes(range(32))
    wrapped = wrap(b"secret", kek=kek, context=b"here")

    assert unwrap(wrapped, kek=kek, context=b"here") == b"secret"
    assert unwrap(wrapped, kek=kek, context=b"there") is None
    assert unwrap(wrapped, kek=bytes(32), context=b"here") is None
    for bit in range(8 * len(wrapped)):
        bent = bytearray(wrapped)
        bent[bit // 8] ^= 1 << bit % 8
        assert unwrap(bytes(bent), kek=kek, context=b"here") is None
    for size in range(len(wrapped)):
        assert unwrap(wrapped[:size], kek=kek, context=b"here") is None
    assert wrap(b"secret", kek=kek, context=b"here") != wrapped


def test_a_derived_secret_is_that_of_rfc_5869_without_salt() -> None:
    # RFC 5869 appendix A.3 (no salt, no info), first 32 bytes.
    okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"

    assert derive_secret(b"\x0b" * 22, context=b"").hex() == okm


def code_of(read: Callable[[], object]) -> str | None:
    try:
        read()
    except Malformed as refusal:
        return refusal.code
    return None
