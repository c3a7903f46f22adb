"""The browser's files without a browser: modules under node, vendored files, sizes, the shell."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import re
import subprocess
from functools import cache
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from ledger.core.ids import b64
from ledger.keys import SigningKey
from ledger.log.checkpoint import LogKey, encode_vkey, sign_checkpoint
from ledger.log.leaf import Leaf, LeafPosting, encode_leaf
from ledger.log.merkle import frontier_of, inclusion_proof, leaf_hash, node_hash, root
from ledger.log.proof import Receipt, encode_receipt
from merchant_demo.app import IMPORT_MAP, LANGUAGES, create_app
from sandbox_api import sentences

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "sandbox_api" / "static"
DEMO = ROOT / "merchant_demo" / "static"
PAGE_BYTES_MAX = 80_000
"""JavaScript and styles of a page, compressed."""

KEPT_BYTES_MAX = 105_000
"""The same of the page that a browser keeps, and so fetches once a version: it draws QR codes."""

PAGES = {
    "/": "start.js", "/till/market": "till.js", "/till/cafe": "till.js", "/wallet": "wallet.js",
    "/wallet/send": "people.js", "/wallet/offline": "offline.js",
    "/p/AaHuVl4DRid74ArCQA9lHw": "paying.js",
}  # fmt: skip


class _Sandbox:
    publishable_key = "tpk_public"
    stream_url = "ws://127.0.0.1:8081/v1/stream"


@pytest.fixture(scope="module")
def pages() -> Any:
    return create_app(_Sandbox()).test_client()


def test_the_modules_under_node() -> None:
    node = which("node")
    if node is None:
        pytest.skip("node is not installed")
    receipts = [_receipt(index, size) for index, size in ((0, 1), (0, 2), (4, 5), (6, 7), (70, 97))]

    run = subprocess.run(
        [node, "--test", "--test-reporter=tap", "modules.test.js"],
        cwd=Path(__file__).parent,
        env={**os.environ, "RECEIPTS": json.dumps(receipts)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    failed = [line for line in run.stdout.splitlines() if line.lstrip().startswith("not ok")]
    assert run.returncode == 0, "\n".join([*failed, run.stdout[-6000:], run.stderr[-2000:]])
    passed = re.search(r"^# pass (\d+)$", run.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 40


@pytest.mark.parametrize("folder", [STATIC / "vendor", Path(__file__).parent / "vendor"], ids=str)
def test_vendored_files_are_those_of_the_manifest_and_bring_their_licence(folder: Path) -> None:
    packages = json.loads((folder / "MANIFEST.json").read_text())

    listed = {file["path"]: file["sha256"] for package in packages for file in package["files"]}
    found = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "MANIFEST.json"
    }

    assert found == listed
    for package in packages:
        assert package["licence"] in ("MIT", "Apache-2.0", "MPL-2.0")
        assert any(file["path"].endswith("/LICENSE") for file in package["files"])


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_small(path: str) -> None:
    loaded = _loaded(DEMO / PAGES[path]) | {DEMO / "look.css", DEMO / "screens.css"}
    size = sum(len(gzip.compress(file.read_bytes(), 6)) for file in loaded)

    print(f"{path}: {size:,} bytes in {len(loaded)} files")
    assert size < (KEPT_BYTES_MAX if path == "/wallet/offline" else PAGE_BYTES_MAX)


def test_the_worker_keeps_just_what_the_offline_page_loads(pages: Any) -> None:
    with pages.get("/wallet/offline.worker.js") as answer:
        listed = re.search(r"const FILES = (\[.*?\]);", answer.get_data(as_text=True), re.DOTALL)
    html = pages.get("/wallet/offline").get_data(as_text=True)
    drawn = re.findall(r'url\("(/[^"]+)"\)', (DEMO / "screens.css").read_text())

    assert answer.mimetype == "text/javascript"
    assert "'unsafe" not in answer.headers["Content-Security-Policy"]
    assert listed is not None
    kept = re.findall(r'"(/[^"]+)"', listed[1])
    loaded = {
        f"/demo/{file.name}" if DEMO in file.parents else f"/static/{file.relative_to(STATIC)}"
        for file in _loaded(DEMO / "offline.js")
    }
    named = set(re.findall(r'(?:href|src)="(/[^"]+)"', html))
    words = {f"/static/i18n/{lang}.json" for lang in LANGUAGES}
    assert set(kept) == loaded | named | words | set(drawn)
    assert len(kept) == len(set(kept))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_refusal_of_a_device_has_its_words(lang: str) -> None:
    source = (STATIC / "client" / "purse.js").read_text()
    codes = {*re.findall(r'new Refused\("(\w+)"', source), "unreadable"}

    assert len(codes) > 15
    missing = [code for code in codes if sentences.text(key := f"purse.no.{code}", lang) == key]
    assert missing == []


def test_browser_files_name_no_other_origin() -> None:
    own = [*DEMO.rglob("*.js"), *DEMO.rglob("*.css"), *(STATIC / "client").rglob("*.js")]

    for file in own:
        found = re.findall(r"""["'(`](?:https?:)?//[^"'`)]+""", file.read_text())
        assert found == [], file.name


@pytest.mark.parametrize("path", PAGES)
def test_a_page_runs_only_what_its_policy_admits(pages: Any, path: str) -> None:
    answer = pages.get(path, headers={"Accept-Language": "ru"})
    html, policy = answer.get_data(as_text=True), answer.headers["Content-Security-Policy"]

    assert answer.status_code == 200
    assert '<html lang="ru">' in html
    inline = re.findall(r"<script(?![^>]*src=)[^>]*>(.*?)</script>", html, re.DOTALL)
    assert inline == [IMPORT_MAP]
    digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "ws://localhost:8081" in policy, "the stream, under the name the page was opened with"
    assert re.search(r"<style|\sstyle=|\son\w+=", html) is None


@pytest.mark.parametrize("path", ["/till/bank", "/p/short", "/p/" + "%3C" * 22, "/nothing"])
def test_an_address_that_leads_nowhere_is_said_to(pages: Any, path: str) -> None:
    answer = pages.get(path)

    assert answer.status_code == 404
    assert "lost.js" in answer.get_data(as_text=True)


def _loaded(file: Path) -> set[Path]:
    """A module with all that it imports, the fallback for insecure pages included."""
    bare = {
        name: STATIC / path.removeprefix("/static/")
        for name, path in json.loads(IMPORT_MAP)["imports"].items()
    }
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        source = re.sub(r"/\*.*?\*/", "", module.read_text(), flags=re.DOTALL)
        for name in re.findall(r"""(?:from|import)\s*\(?["']([^"']+)["']""", source):
            if name in bare:
                waiting.append(bare[name])
            elif name.startswith("/static/"):
                waiting.append(STATIC / name.removeprefix("/static/"))
            elif name.startswith("."):
                waiting.append((module.parent / name).resolve())
    return found


def _receipt(index: int, size: int) -> dict[str, str | int]:
    """A receipt that the ledger's own code makes, with its leaf and the log's key."""
    key = SigningKey.from_seed(bytes(range(32)))
    name = "tenge.sandbox/AAECAwQFBgcICQoLDA0ODw"
    leaves = [_leaf(at) for at in range(size)]

    @cache
    def node(level: int, at: int) -> bytes:
        if level == 0:
            return leaf_hash(leaves[at])
        return node_hash(node(level - 1, 2 * at), node(level - 1, 2 * at + 1))

    top = root(size, frontier_of(size, node))
    checkpoint = sign_checkpoint(name, size, top, key.sign, key.public_key)
    receipt = Receipt(index, inclusion_proof(index, size, node), checkpoint)
    stranger = SigningKey.from_seed(bytes(32)).public_key
    return {
        "index": index,
        "size": size,
        "leaf": leaves[index].hex(),
        "text": encode_receipt(receipt),
        "vkey": encode_vkey(LogKey(name, key.public_key)),
        "other": encode_vkey(LogKey(name, stranger)),
    }


def _leaf(index: int) -> bytes:
    posting = LeafPosting(b64(bytes(16)), b64(bytes(15) + b"\x01"), "KZTD", str(index + 1))
    facts = {"zone": "Алатау", "value": 129_000}
    return encode_leaf(Leaf(1, index, 1_790_000_000_000, "", "aa.bb.cc", (posting,), facts))
