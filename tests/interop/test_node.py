"""`jose` and WebCrypto under node sign what we open, and read what we seal (D2).

`jose` is installed from npm into a folder of this run's own. A newcomer's machine without node or
npm skips this; CI (the variable CI is set) never does.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ledger.core.envelope import open_envelope, seal
from ledger.core.ids import b64
from ledger.keys import SigningKey, kid_of, public_key_from_jwk, public_key_to_jwk, verify

JOSE = "jose@6.2.17"
SCRIPT = Path(__file__).with_name("sign_and_verify.mjs")
VECTORS = [
    json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[1] / "vectors" / "envelope").glob("*.json"))
]

KEY = SigningKey.from_seed(bytes(range(32)))
TEXTS = ["{}", '{"note":"Әлі, ¥, 😀","not_after":1}', "[" * 500, " \n"]
HEADERS = [
    {"alg": alg, "typ": typ}
    for alg in ("EdDSA", "Ed25519")
    for typ in ("tenge-tx", "tenge-request", "tenge-attest")
]


def unable(reason: str) -> None:
    """Skip, with the reason; in CI the reason is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def run(*command: str, folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What node answered to everything below, asked in one run."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        unable("node and npm are not installed")
    folder = tmp_path_factory.mktemp("node")
    install = run(
        str(npm), "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit",
        "--no-fund", JOSE, folder=folder,
    )  # fmt: skip
    if install.returncode != 0:
        unable(f"npm cannot install {JOSE}: {install.stderr[-300:]}")
    shutil.copy(SCRIPT, folder)

    question = {
        "sign": [{"payload": text, "header": header} for text in TEXTS for header in HEADERS],
        "verify": [{"jws": jws, "jwk": jwk} for jws, jwk, _ in to_verify()],
    }
    answer = run(str(node), SCRIPT.name, folder=folder, given=json.dumps(question))
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def to_verify() -> list[tuple[str, dict[str, str], str | None]]:
    """Envelopes, the keys to try them with, and what node must read (None: refused)."""
    sealed = [(seal(t.encode(), kid=KEY.kid, typ="tenge-tx", sign=KEY.sign), t) for t in TEXTS]
    ours, others = (
        public_key_to_jwk(KEY.public_key),
        public_key_to_jwk(SigningKey.from_seed(bytes(32)).public_key),
    )
    known = [
        (v["jws"], public_key_to_jwk(bytes.fromhex(v["public_key"])), v["payload"]) for v in VECTORS
    ]
    bent = sealed[0][0].replace("e30", "e31", 1)
    return [
        *((jws, ours, text) for jws, text in sealed),
        *known,
        (sealed[0][0], others, None),
        (bent, ours, None),
    ]


def test_what_node_signs_is_good(answers: dict[str, Any]) -> None:
    assert len(answers["signed"]) == 2 * len(TEXTS) * len(HEADERS)
    for signed in answers["signed"]:
        public_key = public_key_from_jwk(signed["jwk"])
        opened = open_envelope(signed["jws"], typ=signed["header"]["typ"])

        assert verify(public_key, opened.signing_input, opened.signature), signed
        assert b64(opened.kid) == kid_of(public_key) == signed["header"]["kid"]
        assert opened.payload == signed["payload"].encode()


def test_one_payload_under_two_headers_is_one_transaction(answers: dict[str, Any]) -> None:
    """The script lets jose and WebCrypto write the header's members in different orders."""
    by_jose = [s for s in answers["signed"] if s["by"] == "jose"]
    by_webcrypto = [s for s in answers["signed"] if s["by"] == "WebCrypto"]

    for one, two in zip(by_jose, by_webcrypto, strict=True):
        typ = one["header"]["typ"]
        first, second = open_envelope(one["jws"], typ=typ), open_envelope(two["jws"], typ=typ)
        assert first.signing_input != second.signing_input
        assert (first.digest, first.kid) == (second.digest, second.kid)


def test_what_we_seal_is_good_to_node(answers: dict[str, Any]) -> None:
    assert answers["verified"] == [expected for _, _, expected in to_verify()]
