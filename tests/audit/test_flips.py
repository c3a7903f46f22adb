"""R5: one byte changed anywhere in a copy of a ledger is found, and named by its entry.

`TENGE_TEST_SCALE` multiplies the flips. A seed gives the same flip in every run: the ledger itself
is the same bytes every time.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ledger.audit import Finding, Part, Verdict, audit_database
from ledger.audit.database import check_database
from ledger.audit.log import LogAudit
from ledger.audit.verdict import FINDINGS_MAX
from ledger.errors import StoreProblem
from ledger.store import open_reading
from tests.audit.damage import Damage, Expected, one_byte, rows_of, seeds, table
from tests.audit.everything import Everything

LOG = {Part.LEAF, Part.SIGNATURE, Part.AUTHORITY, Part.POSTINGS, Part.FACTS, Part.TIME,
       Part.EXPIRY, Part.REPEATED}  # fmt: skip
FREE = {
    ("ledger", "created"), ("refusal", "at"), ("refusal", "reasons"), ("refusal", "size"),
    ("refusal", "repeats"),
}  # fmt: skip
"""What follows from nothing that is signed: when a ledger was made, how a refusal was put."""


@pytest.fixture(scope="module")
def expected(small: Everything, tmp_path_factory: pytest.TempPathFactory) -> Expected:
    with Damage(small, tmp_path_factory.mktemp("rows") / "l.db") as damage:
        rows = {
            name: damage.rows(table(name))
            for name in ("account", "object", "posting", "event", "lookup")
        }
    return Expected(small, rows)


def audited(damage: Damage) -> Verdict:
    return audit_database(damage.url, workers=1)


def first(verdict: Verdict) -> Finding:
    assert verdict.findings, "nothing was found"
    return verdict.findings[0]


@pytest.mark.parametrize("which", ["small", "large"])
def test_the_undamaged_ledger_is_sound(which: str, request: pytest.FixtureRequest) -> None:
    everything: Everything = request.getfixturevalue(which)

    for decides in (False, True):
        verdict = audit_database(everything.url, workers=1, decides=decides)
        assert verdict.findings == ()
        assert verdict.size == everything.size


def test_a_changed_byte_of_a_leaf_names_that_entry(
    small: Everything, large: Everything, tmp_path: Path
) -> None:
    for seed, drawn in seeds(120):
        everything = drawn.choice((small, large))
        tail = everything.size // 256 * 256
        index = drawn.choice(
            (drawn.randrange(everything.size), drawn.randrange(tail, everything.size))
        )
        with Damage(everything, tmp_path / "l.db") as damage:
            row = damage.rows(table("entry"))[index]
            assert damage.change(table("entry"), row, "leaf", one_byte(row["leaf"], drawn))
            verdict = audited(damage)

        found = first(verdict)
        assert (found.index, found.part in LOG) == (index, True), (seed, verdict.findings)
        assert Part.LEAF in {f.part for f in verdict.findings if f.index == index}, (seed, verdict)


def test_a_changed_check_is_told_from_a_changed_leaf(small: Everything, tmp_path: Path) -> None:
    for seed, drawn in seeds(30):
        index = drawn.randrange(small.size)
        with Damage(small, tmp_path / "l.db") as damage:
            row = damage.rows(table("entry"))[index]
            check = row["leaf_check"] ^ (1 << drawn.randrange(31))
            assert damage.change(table("entry"), row, "leaf_check", check)
            verdict = audited(damage)

        assert [(f.part, f.index) for f in verdict.findings] == [(Part.ENTRY, index)], seed


def test_a_changed_byte_of_a_tile_names_the_entry_below_it(
    small: Everything, large: Everything, tmp_path: Path
) -> None:
    for seed, drawn in seeds(60):
        everything = drawn.choice((small, large))
        with Damage(everything, tmp_path / "l.db") as damage:
            row = drawn.choice(damage.rows(table("tile")))
            hashes = one_byte(row["hashes"], drawn)
            assert damage.change(table("tile"), row, "hashes", hashes)
            verdict = audited(damage)

        at = next(i for i in range(8192) if hashes[i] != row["hashes"][i])
        index = row["number"] * 256 + at // 32
        assert [(f.part, f.index) for f in verdict.findings] == [(Part.TILE, index)], seed


COLUMNS = [
    (name, column.name)
    for name in ("account", "object", "lookup", "counter", "tx", "posting", "posting_span", "event",
                 "head", "tile", "entry", "refusal", "ledger")
    for column in table(name).columns
    if (name, column.name) not in FREE and (name, column.name) != ("tile", "hashes")
]  # fmt: skip


@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_a_changed_byte_of_any_row_names_row_and_entry(
    small: Everything, expected: Expected, tmp_path: Path, name: str, column: str
) -> None:
    for seed, drawn in seeds(4):
        with Damage(small, tmp_path / "l.db") as damage:
            row = drawn.choice(damage.rows(table(name)))
            while not damage.change(table(name), row, column, one_byte(row[column], drawn)):
                pass
            try:
                verdict = audited(damage)
            except StoreProblem:  # which ledger is where can no longer be told
                assert (name, column) == ("ledger", "number"), seed
                continue

        may = {0} if (name, column) == ("ledger", "id") else expected.entries(name, row, column)
        assert first(verdict).index in may, (seed, row, may, verdict.findings)


@pytest.mark.parametrize(
    "name",
    ["account", "object", "lookup", "counter", "tx", "posting", "posting_span", "event", "tile",
     "entry"],
)  # fmt: skip
def test_a_deleted_row_is_missed(
    small: Everything, expected: Expected, tmp_path: Path, name: str
) -> None:
    for seed, drawn in seeds(8):
        with Damage(small, tmp_path / "l.db") as damage:
            row = drawn.choice(damage.rows(table(name)))
            damage.delete(table(name), row)
            verdict = audited(damage)

        may = expected.entries(name, row, "")
        assert first(verdict).index in may, (seed, row, may, verdict.findings)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        pytest.param("account", {"number": 9_999, "id": bytes(16)}, id="account"),
        pytest.param("object", {"key": b"nobody"}, id="object"),
        pytest.param("lookup", {"value": b"elsewhere"}, id="look-up"),
        pytest.param("counter", {"part": "more"}, id="counter"),
        pytest.param("tx", {"hash": bytes(32)}, id="transaction at an entry of another"),
        pytest.param("tx", {"hash": bytes(32), "idx": 5_000}, id="transaction beyond the log"),
        pytest.param("posting", {"place": 7}, id="posting"),
        pytest.param("posting", {"step": 4_000}, id="posting beyond the log"),
        pytest.param("posting_span", {"span": 3}, id="span"),
        pytest.param("event", {"seq": 99_999}, id="event"),
        pytest.param("tile", {"number": 1}, id="tile"),
        pytest.param("tile", {"level": 1}, id="tile above"),
        pytest.param("refusal", {"number": 500, "hash": bytes(32)}, id="refusal"),
        pytest.param("entry", {"idx": 300}, id="entry behind the last"),
        pytest.param("entry", {"idx": 999}, id="entry behind a gap"),
        pytest.param("entry", {"idx": -1}, id="entry before the first"),
    ],
)
def test_a_row_too_much_is_found(
    small: Everything, tmp_path: Path, name: str, changes: dict[str, object]
) -> None:
    with Damage(small, tmp_path / "l.db") as damage:
        row = damage.rows(table(name))[0]
        damage.insert(table(name), row | changes)
        verdict = audited(damage)

    assert not verdict.is_sound
    assert {f.index for f in verdict.findings} <= {None, 300, 299}, verdict.findings


@pytest.mark.parametrize(("seed", "drawn"), list(seeds(100)))
def test_a_changed_byte_of_the_file_is_found_unless_it_says_nothing(
    small: Everything, tmp_path: Path, seed: int, drawn: random.Random
) -> None:
    raw = bytearray(small.path.read_bytes())
    at = drawn.choice((drawn.randrange(len(raw)), drawn.randrange(4096) + 4096 * (seed % 40)))
    raw[at] ^= drawn.randint(1, 255)
    path = tmp_path / "l.db"
    path.write_bytes(raw)

    verdict = audited_or_shut(f"sqlite:///{path}")
    if verdict is not None and verdict.is_sound:
        said, says = rows_of(small.path), rows_of(path)
        assert _without_free(says) == _without_free(said), (at, raw[at])


def _without_free(rows: dict[str, list[tuple[object, ...]]] | None) -> object:
    assert rows is not None
    kept = dict(rows)
    for name in ("ledger", "refusal"):
        names = [column.name for column in table(name).columns]
        kept[name] = [
            tuple(v for c, v in zip(names, row, strict=True) if (name, c) not in FREE)
            for row in rows[name]
        ]
    return kept


@pytest.mark.parametrize("keep", [0, 1, 99, 100, 4096, 4097, 40_000, 0.5, 0.9, 0.99])
def test_a_cut_file_is_one_sentence(small: Everything, tmp_path: Path, keep: float) -> None:
    raw = small.path.read_bytes()
    cut = int(len(raw) * keep) if 0 < keep < 1 else int(keep)
    path = tmp_path / "l.db"
    path.write_bytes(raw[:cut])

    structural(f"sqlite:///{path}")


@pytest.mark.parametrize(
    "name", ["entry", "tx", "account", "posting", "posting_span", "object", "lookup", "counter",
             "event", "refusal", "tile", "head", "ledger", "ledger_version"],
)  # fmt: skip
def test_a_missing_table_is_one_sentence(small: Everything, tmp_path: Path, name: str) -> None:
    with Damage(small, tmp_path / "l.db") as damage:
        damage.run(f"DROP TABLE {name}")

        structural(damage.url)


def test_a_ledger_without_its_head_is_damaged_not_new(small: Everything, tmp_path: Path) -> None:
    with Damage(small, tmp_path / "l.db") as damage:
        damage.run("DELETE FROM head")
        verdict = audited(damage)

    assert [found.part for found in verdict.findings] == [Part.STRUCTURE]
    assert "head" in verdict.findings[0].message


def structural(url: str) -> None:
    """Found as damage of the structure, or the database cannot be opened."""
    verdict = audited_or_shut(url)
    if verdict is not None:
        assert Part.STRUCTURE in {found.part for found in verdict.findings}, verdict.findings


def audited_or_shut(url: str) -> Verdict | None:
    """The verdict; None where the database cannot even be opened, and says so in a sentence."""
    try:
        return audit_database(url, workers=1)
    except StoreProblem as problem:
        sentence = str(problem)
    assert "database" in sentence
    assert "Traceback" not in sentence
    return None


@pytest.mark.parametrize("name", ["posting", "tx", "account", "object", "counter"])
def test_of_very_many_findings_the_first_are_kept(
    small: Everything, expected: Expected, tmp_path: Path, name: str
) -> None:
    with Damage(small, tmp_path / "l.db") as damage:
        rows = damage.rows(table(name))
        damage.run(f"DELETE FROM {name}")
        audit = LogAudit(decides=False, workers=1, progress=lambda done, total: None)
        store = open_reading(damage.url)
        with store.snapshot() as snapshot:
            check_database(audit, snapshot)
        store.close()

    verdict = audit.verdict()
    assert len(verdict.findings) == min(FINDINGS_MAX, len(rows))
    assert len(audit.findings) <= 2 * FINDINGS_MAX
    assert first(verdict).index == min(min(expected.entries(name, row, "")) for row in rows)
