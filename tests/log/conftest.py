"""What the tests of the log share: a log key, made-up leaves, known answers, the Go judge."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.export import FORMAT, Manifest, write_export
from ledger.keys import SigningKey
from ledger.log import merkle
from ledger.log.checkpoint import LogKey, encode_vkey, sign_checkpoint
from ledger.log.leaf import Leaf, LeafPosting, encode_leaf

VECTORS = Path(__file__).parent.parent / "vectors" / "log"
JUDGE = Path(__file__).parent / "judge"
LEDGER_ID = "AAECAwQFBgcICQoLDA0ODw"
PACK_TEXT = b"# an empty pack\n"


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class Log:
    """A log's key, and logs made with it."""

    origin: str
    signing_key: SigningKey
    pack_text: bytes = PACK_TEXT

    @property
    def key(self) -> LogKey:
        return LogKey(self.origin, self.signing_key.public_key)

    def leaf(self, index: int) -> bytes:
        """A leaf of some 400 bytes, another for each index."""
        seed = hashlib.sha256(b"leaf %d" % index).digest()
        payer, payee = base64url(seed[:16]), base64url(seed[16:])
        tx = f"{base64url(seed * 2)}.{base64url(seed * 3)}.{base64url(seed * 2)}"
        pack = base64url(hashlib.sha256(PACK_TEXT).digest()) if index else ""
        postings = (LeafPosting(payer, payee, "KZT", str(index + 1)),)
        return encode_leaf(Leaf(1, index, 1_764_000_000_000 + index, pack, tx, postings, {}))

    def leaves(self, size: int) -> list[bytes]:
        return [self.leaf(index) for index in range(size)]

    def checkpoint(self, leaves: Sequence[bytes]) -> str:
        frontier = merkle.extend(0, (), map(merkle.leaf_hash, leaves))
        root = merkle.root(len(leaves), frontier)
        return sign_checkpoint(
            self.origin, len(leaves), root, self.signing_key.sign, self.key.public_key
        )

    def manifest(self, size: int) -> Manifest:
        vkey = encode_vkey(self.key)
        return Manifest(FORMAT, LEDGER_ID, size, self.origin, vkey, 1_764_000_000_000)

    def export(self, path: Path, leaves: Sequence[bytes]) -> Path:
        manifest = self.manifest(len(leaves))
        write_export(path, manifest, self.checkpoint(leaves), leaves, [PACK_TEXT])
        return path


@pytest.fixture(scope="session")
def log() -> Log:
    return Log(f"tenge.sandbox/{LEDGER_ID}", SigningKey.from_seed(bytes(range(32))))


@pytest.fixture(scope="session")
def tree_vectors() -> dict[str, Any]:
    return json.loads((VECTORS / "tree.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def leaf_vectors() -> dict[str, Any]:
    return json.loads((VECTORS / "leaf.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def vector_nodes() -> merkle.NodeReader:
    """Nodes of the vectors' tree of 70,000 leaves, each hashed straight from RFC 6962's words."""
    levels = [[hashlib.sha256(b"\0leaf %d" % i).digest() for i in range(70_000)]]
    while len(levels[-1]) > 1:
        below = levels[-1]
        pairs = zip(below[::2], below[1::2], strict=False)
        levels.append([hashlib.sha256(b"\1" + left + right).digest() for left, right in pairs])
    return lambda level, index: levels[level][index]


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run the Go judge; skips where Go or its sumdb packages are not installed, never in CI."""
    packages = Path("/usr/share/gocode")
    here = shutil.which("go") and (packages / "src/golang.org/x/mod/sumdb/tlog").is_dir()
    if not here and not os.environ.get("CI"):
        pytest.skip("needs golang-go and golang-golang-x-mod-dev (Debian)")
    folder = tmp_path_factory.mktemp("judge")
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOFLAGS": "",
        "GOPATH": f"{folder}:{packages}",
        "GOCACHE": str(folder / "cache"),
    }
    program = folder / "program"
    build = ["go", "build", "-o", str(program), "."]
    subprocess.run(build, cwd=JUDGE, env=environment, check=True)

    def run(*arguments: str, stdin: str = "") -> str:
        command = [str(program), *arguments]
        ran = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert "panic" not in ran.stderr, ran.stderr
        return ran.stdout

    return run
