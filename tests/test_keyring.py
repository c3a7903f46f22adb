"""The keyring: what it keeps, what it survives, and what it refuses with a sentence."""

from __future__ import annotations

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.core.ids import b64
from ledger.errors import StoreProblem
from ledger.keyring import KEK_VARIABLE, Keyring, derive_seed
from ledger.keys import SigningKey

NO_ENVIRONMENT: dict[str, str] = {}
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.keyring"


def opened(path: Path, **environ: str) -> Keyring:
    return Keyring.open_or_create(path, environ=environ)


def test_secrets_are_there_again_after_opening(path: Path) -> None:
    first = opened(path)
    operator, root = first.key("operator"), first.secret("persona-root", create=True)

    again = opened(path)

    assert again.names() == ("operator", "persona-root")
    assert again.key("operator", create=False).kid == operator.kid
    assert again.secret("persona-root") == root
    assert len(root) == 32


def test_a_name_always_means_the_same_key(path: Path) -> None:
    keyring = opened(path)

    assert keyring.key("log").kid == keyring.key("log").kid != keyring.key("operator").kid


def test_an_absent_secret_is_refused_unless_it_may_be_made(path: Path) -> None:
    keyring = opened(path)

    with pytest.raises(StoreProblem, match="holds no secret named log"):
        keyring.key("log", create=False)
    with pytest.raises(StoreProblem, match="holds no secret named log"):
        keyring.secret("log")
    assert keyring.names() == ()


def test_a_secret_made_elsewhere_is_kept_and_never_replaced(path: Path) -> None:
    keyring, key = opened(path), SigningKey.generate()
    keyring.put("issuer", key.seed)
    keyring.put("issuer", key.seed)

    with pytest.raises(StoreProblem, match="holds another secret named issuer"):
        keyring.put("issuer", bytes(32))

    assert opened(path).key("issuer").kid == key.kid


@posix_only
def test_every_file_is_for_its_owner_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        opened(path).key("log")
    finally:
        os.umask(before)

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {
        "ledger.keyring": 0o600,
        "ledger.keyring.kek": 0o600,
        "ledger.keyring.lock": 0o600,
    }


def test_the_file_shows_neither_names_nor_secrets(path: Path) -> None:
    key = opened(path).key("operator-of-the-log")

    content = path.read_bytes()

    assert b"operator" not in content
    for secret in (key.seed, b64(key.seed).encode()):
        assert secret not in content


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
@pytest.mark.parametrize("which", ["ledger.keyring", "ledger.keyring.kek"])
def test_a_file_that_others_may_touch_is_refused(path: Path, mode: int, which: str) -> None:
    opened(path).key("log")
    file = path.with_name(which)
    file.chmod(mode)

    with pytest.raises(StoreProblem, match=f"chmod 600 {file}"):
        opened(path)


def test_the_environment_may_hold_the_key_encryption_key(path: Path) -> None:
    kek = b64(os.urandom(32))

    kid = opened(path, **{KEK_VARIABLE: kek}).key("log").kid

    assert not path.with_name("ledger.keyring.kek").exists()
    assert opened(path, **{KEK_VARIABLE: kek}).key("log", create=False).kid == kid
    with pytest.raises(StoreProblem, match="needs its key-encryption key"):
        opened(path)


def test_another_key_encryption_key_is_named_as_such(path: Path) -> None:
    opened(path).key("log")

    with pytest.raises(StoreProblem, match="under another key-encryption key"):
        opened(path, **{KEK_VARIABLE: b64(bytes(32))})


@pytest.mark.parametrize("text", ["short", b64(bytes(31)), b64(bytes(32)) + "=", "é" * 43])
def test_an_unreadable_key_encryption_key_is_named(path: Path, text: str) -> None:
    with pytest.raises(StoreProblem, match=f"{KEK_VARIABLE} must be 32 bytes"):
        opened(path, **{KEK_VARIABLE: text})


def test_a_lost_key_encryption_key_is_not_replaced_by_a_new_one(path: Path) -> None:
    opened(path).key("log")
    kek_path = path.with_name("ledger.keyring.kek")
    kek_path.unlink()

    with pytest.raises(StoreProblem, match="put back"):
        opened(path)

    assert not kek_path.exists()


@pytest.mark.parametrize("content", [b"", b"?", b"\xff\xfe", b"A" * 42, b"A" * 60])
def test_a_damaged_key_encryption_key_is_named(path: Path, content: bytes) -> None:
    opened(path)
    path.with_name("ledger.keyring.kek").write_bytes(content)

    with pytest.raises(StoreProblem, match=r"kek is damaged"):
        opened(path)


def test_any_changed_bit_of_the_keyring_is_refused(path: Path) -> None:
    opened(path).key("log")
    content = path.read_bytes()

    for bit in range(8 * (len(content) - 1)):  # the last byte is a newline
        bent = bytearray(content)
        bent[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(bent))
        with pytest.raises(StoreProblem, match=r"damaged|format|another key-encryption key"):
            opened(path)


def test_any_shortened_keyring_is_refused(path: Path) -> None:
    opened(path).key("log")
    content = path.read_bytes()

    for size in range(len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(StoreProblem, match="damaged"):
            opened(path)


def test_a_keyring_of_another_format_is_named(path: Path) -> None:
    opened(path)
    path.write_bytes(path.read_bytes().replace(b'"keyring":1', b'"keyring":2'))

    with pytest.raises(StoreProblem, match="format 2"):
        opened(path)


def test_a_keyring_in_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreProblem, match="cannot be opened"):
        opened(tmp_path / "absent" / "keyring")


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir()

    with pytest.raises(StoreProblem, match="cannot be read"):
        opened(path)


def test_a_draft_left_by_a_crash_is_in_nobodys_way(path: Path) -> None:
    kid = opened(path).key("log").kid
    path.with_name("ledger.keyring.new").write_bytes(b"half a keyr")

    again = opened(path)
    again.key("operator")

    assert opened(path).key("log").kid == kid
    assert not path.with_name("ledger.keyring.new").exists()


def test_a_failed_write_leaves_the_old_keyring(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = opened(path)
    kid = keyring.key("log").kid

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreProblem, match="No space left"):
        keyring.key("operator")
    monkeypatch.undo()

    assert keyring.names() == opened(path).names() == ("log",)
    assert opened(path).key("log").kid == kid
    keyring.key("operator")
    assert opened(path).names() == ("log", "operator")


def test_a_keyring_that_vanished_is_not_written_anew(path: Path) -> None:
    keyring = opened(path)
    path.unlink()

    with pytest.raises(StoreProblem, match="is gone"):
        keyring.key("log")


@pytest.mark.parametrize("name", ["", "a b", "../x", "é", "a\n", "x" * 65, "-x"])
def test_odd_names_are_refused(path: Path, name: str) -> None:
    with pytest.raises(StoreProblem, match="cannot name a secret"):
        opened(path).key(name)


def test_several_holders_lose_nothing_of_one_another(path: Path) -> None:
    opened(path)

    def add(number: int) -> str:
        return opened(path).key(f"key-{number % 10}").kid

    with ThreadPoolExecutor(8) as threads:
        kids = list(threads.map(add, range(40)))

    final = opened(path)
    assert final.names() == tuple(f"key-{number}" for number in range(10))
    for number, kid in enumerate(kids):
        assert final.key(f"key-{number % 10}", create=False).kid == kid


def test_two_holders_that_make_one_secret_get_the_same(path: Path) -> None:
    one, two = opened(path), opened(path)

    assert one.key("log").kid == two.key("log").kid


def test_personas_follow_from_their_root_and_name() -> None:
    root = bytes(range(32))

    assert derive_seed(root, "aigerim") == derive_seed(root, "aigerim")
    assert len({derive_seed(root, "aigerim"), derive_seed(root, "daniyar"),
                derive_seed(bytes(32), "aigerim")}) == 3  # fmt: skip
    # Known answer: HKDF-SHA256, no salt, info "tenge-persona/1:aigerim".
    assert derive_seed(root, "aigerim").hex() == (
        "d13a0fbb57d8ab87f645218a08295fda462a8ba8364e4b45857e3b1510698254"
    )
