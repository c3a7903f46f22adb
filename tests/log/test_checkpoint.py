"""Checkpoints: Go's note package wrote the known answers; hostile notes are refused."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadSignature, Malformed
from ledger.keys import SigningKey, verify
from ledger.log.checkpoint import (
    Checkpoint,
    LogKey,
    decode_checkpoint,
    decode_vkey,
    encode_checkpoint,
    encode_vkey,
    open_checkpoint,
    sign_checkpoint,
)

ROOT = bytes(range(32))
OTHER = SigningKey.from_seed(b"o" * 32)


def test_notes_and_keys_are_the_known_ones(tree_vectors, log):
    for vector in tree_vectors["checkpoints"]:
        signing = SigningKey.from_seed(bytes.fromhex(vector["seed"]))
        public, root = bytes.fromhex(vector["public_key"]), bytes.fromhex(vector["root"])
        origin, size = vector["origin"], vector["size"]

        assert sign_checkpoint(origin, size, root, signing.sign, public) == vector["note"]
        assert encode_vkey(LogKey(origin, public)) == vector["vkey"]
        key = decode_vkey(vector["vkey"])
        assert open_checkpoint(vector["note"], verify, [key]) == Checkpoint(origin, size, root)


def test_the_example_in_the_format_document_is_a_known_answer(tree_vectors):
    document = Path(__file__).parents[2] / "docs" / "log-format.md"
    vector = tree_vectors["checkpoints"][1]

    text = document.read_text(encoding="utf-8")

    assert vector["note"] in text
    assert vector["vkey"] in text


@pytest.fixture
def note(log):
    return sign_checkpoint(log.origin, 20, ROOT, log.signing_key.sign, log.key.public_key)


def line_of(name, signing, text, key=None):
    """A signature line by `signing`, under the id of `key` where given."""
    key = key or LogKey(name, signing.public_key)
    signature = signing.sign(text.encode())
    return f"— {name} {base64.b64encode(key.id + signature).decode()}\n"


def test_other_peoples_signatures_are_ignored_before_and_after_ours(log, note):
    body, ours = note.split("\n\n")
    witness = line_of("witness.example", OTHER, "whatever")
    namesake = line_of(log.origin, OTHER, "whatever")
    opened = open_checkpoint(f"{body}\n\n{witness}{namesake}{ours}{witness}", verify, [log.key])

    assert opened.size == 20


def test_a_known_witness_is_checked_but_does_not_stand_in_for_the_log(log, note):
    body = note.split("\n\n")[0] + "\n"
    witness = LogKey("witness.example", OTHER.public_key)
    good = line_of(witness.name, OTHER, body)

    assert open_checkpoint(note + good, verify, [log.key, witness]).size == 20
    with pytest.raises(BadSignature, match="no known key"):
        open_checkpoint(f"{body}\n{good}", verify, [log.key, witness])
    wrong = line_of(witness.name, OTHER, "something else")
    with pytest.raises(BadSignature, match=r"witness\.example"):
        open_checkpoint(note + wrong, verify, [log.key, witness])


def test_either_key_of_a_log_that_changed_its_key_is_enough(log, note):
    new = LogKey(log.origin, OTHER.public_key)
    body = note.split("\n\n")[0] + "\n"
    renewed = f"{body}\n{line_of(log.origin, OTHER, body)}"

    for text in (note, renewed):
        assert open_checkpoint(text, verify, [log.key, new]).size == 20
    with pytest.raises(BadSignature, match="no known key"):
        open_checkpoint(renewed, verify, [log.key])


def test_a_forged_signature_under_our_name_and_id_is_refused(log, note):
    body = note.split("\n\n")[0] + "\n"
    forged = line_of(log.origin, OTHER, body, log.key)

    with pytest.raises(BadSignature, match="is wrong"):
        open_checkpoint(f"{body}\n{forged}", verify, [log.key])
    short = base64.b64encode(log.key.id + b"s" * 63).decode()
    with pytest.raises(BadSignature, match="is wrong"):
        open_checkpoint(f"{body}\n— {log.origin} {short}\n", verify, [log.key])


def test_sixteen_foreign_signatures_of_five_thousand_bytes_are_read(log, note):
    large = base64.b64encode(b"k" * 5000).decode()
    crowd = "".join(f"— witness{n}.example {large}\n" for n in range(16))

    assert open_checkpoint(note + crowd, verify, [log.key]).size == 20


def test_any_changed_byte_of_a_note_is_noticed(log, note):
    raw = note.encode()
    for place in range(len(raw)):
        for mask in (1, 0x20, 0x80):
            bent = bytearray(raw)
            bent[place] ^= mask
            with pytest.raises((BadSignature, Malformed, UnicodeDecodeError)):
                open_checkpoint(bytes(bent).decode(), verify, [log.key])


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda note: "", id="nothing"),
        pytest.param(lambda note: note[:-1], id="no newline at the end"),
        pytest.param(lambda note: note + "\n", id="an empty line at the end"),
        pytest.param(lambda note: note.replace("\n", "\r\n"), id="carriage returns"),
        pytest.param(lambda note: note.replace("\n\n", "\n"), id="no empty line"),
        pytest.param(lambda note: note.replace("— ", "- "), id="another dash"),
        pytest.param(lambda note: note.replace("\n20\n", "\n020\n"), id="a leading zero"),
        pytest.param(lambda note: note.replace("\n20\n", "\n+20\n"), id="a sign"),
        pytest.param(lambda note: note.replace("\n20\n", "\n٢٠\n"), id="other digits"),
        pytest.param(lambda note: note.replace("\n20\n", f"\n{2**63}\n"), id="a size of 2**63"),
        pytest.param(lambda note: note.replace("\n20\n", f"\n{'9' * 5000}\n"), id="no end of size"),
        pytest.param(lambda note: note.replace("\n20\n", "\n20\nAAAA\n"), id="a short root"),
        pytest.param(lambda note: note.replace("AAEC", "AAE\ud800"), id="half a character"),
        pytest.param(lambda note: note + "— x AAAA\n", id="a signature without bytes"),
        pytest.param(lambda note: note + "— x AAAAAAA\n", id="unpadded base64"),
        pytest.param(lambda note: note + "— x AAAAAB==\n", id="base64 with stray bits"),
        pytest.param(lambda note: note + "— x+y AAAAAAAA\n", id="a name with a plus"),
        pytest.param(lambda note: note + "— x y AAAAAAAA\n", id="a name with a space"),
        pytest.param(lambda note: note + "— x\u2003y AAAAAAAA\n", id="a name with a wide space"),
        pytest.param(lambda note: note + "—  AAAAAAAA\n", id="no name"),
        pytest.param(lambda note: note + "— x AAAAAAAA\n" * 64, id="too many signatures"),
        pytest.param(lambda note: note + f"— x {'A' * 400_000}\n", id="too long"),
    ],
)
def test_what_is_no_checkpoint_is_refused(log, note, bend):
    with pytest.raises(Malformed):
        open_checkpoint(bend(note), verify, [log.key])


def test_extension_lines_are_carried_and_signed(log):
    body = encode_checkpoint(Checkpoint(log.origin, 20, ROOT, ("extension", "another")))
    note = f"{body}\n{line_of(log.origin, log.signing_key, body)}"

    assert open_checkpoint(note, verify, [log.key]).extensions == ("extension", "another")


@pytest.mark.parametrize(
    "checkpoint",
    [
        pytest.param(Checkpoint("", 1, ROOT), id="no origin"),
        pytest.param(Checkpoint("a\nb", 1, ROOT), id="an origin of two lines"),
        pytest.param(Checkpoint("a", -1, ROOT), id="a size below 0"),
        pytest.param(Checkpoint("a", 1, ROOT[:31]), id="a short root"),
        pytest.param(Checkpoint("a", 1, ROOT, ("",)), id="an empty extension"),
    ],
)
def test_what_nobody_could_read_is_not_written(checkpoint):
    with pytest.raises(Malformed):
        encode_checkpoint(checkpoint)


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(lambda vkey: vkey + "A", id="longer"),
        pytest.param(lambda vkey: vkey[:-1], id="shorter"),
        pytest.param(lambda vkey: vkey.replace("+", " "), id="spaces for plus"),
        pytest.param(lambda vkey: vkey.replace("tenge", "other"), id="another name, the old id"),
        pytest.param(lambda vkey: vkey.replace("+A", "+B", 1), id="another algorithm"),
        pytest.param(lambda vkey: "", id="nothing"),
        pytest.param(lambda vkey: "a+b+c", id="not base64"),
    ],
)
def test_a_key_that_is_not_whole_is_refused(log, bend):
    vkey = encode_vkey(log.key)
    assert decode_vkey(vkey) == log.key

    with pytest.raises(Malformed):
        decode_vkey(bend(vkey))


@given(st.text())
def test_no_text_does_worse_than_being_refused(log, text):
    for read in (
        decode_checkpoint,
        decode_vkey,
        lambda note: open_checkpoint(note, verify, [log.key]),
    ):
        with pytest.raises((Malformed, BadSignature)):
            read(text)
