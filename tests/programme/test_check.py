"""What is wrong with a programme's file is told all at once: line, column, code, sentence, mend.

Each row spoils a sound file in one place and names the one fault that it must have, with the text
that stands where the fault is told.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.transaction import GoodsCode, Label
from ledger.kinds.mark import PutMark
from sandbox_api.programme.explain import explain
from sandbox_api.programme.fault import CODES, Fault
from sandbox_api.programme.read import (
    CODES_MAX,
    CONDITIONS_MAX,
    PAYEES_MAX,
    ROLES_MAX,
    TEXT_MAX,
    read_programme,
)
from sandbox_api.sentences import LANGUAGES
from sandbox_api.world import roles
from tests.processes.running import command

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "docs" / "programmes").glob("*.toml"))
NOW = 1_795_000_000_000
"""November 2026."""

MEALS, ROAD, RETURNS, SHARES = (
    (ROOT / "docs" / "programmes" / f"{name}.toml").read_text("utf-8")
    for name in ("school-meals", "road", "return", "shares")
)
ID = "AAAAAAAAAAAAAAAAAAAAAA"


def found(text: str | bytes) -> tuple[Fault, ...]:
    content = text.encode() if isinstance(text, str) else text
    return read_programme(content, roles(), NOW).faults


def at(text: str, fault: Fault) -> str:
    return text.split("\n")[fault.line - 1][fault.column - 1 :]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_sound(path: Path) -> None:
    read = read_programme(path.read_bytes(), roles(), NOW)

    assert read.faults == ()
    assert read.programme.name


def _deep() -> str:
    """The road with four sub-contracts one under the other."""
    text = ROAD
    for depth in (2, 3, 4):
        name = ".".join(["sub"] * depth)
        holder = "".join(f'[[{name}.holder]]\nparty = "daniyar"\nsupplier = true\n')
        row = re.search(r"\[\[sub\]\]\n(.*?)\n\n", ROAD, re.S)
        assert row is not None
        policy = row[1].replace('by = "market"', 'by = "daniyar"')
        policy = policy.replace("2030-10-31", f"2030-0{9 - depth}-01")
        text += f"\n[[{name}]]\n{policy}\n\n{holder}"
    return text.replace(
        'party = "daniyar"                # the', 'supplier = true\nparty = "daniyar" #'
    )


SPLIT = "shares = { cafe = 70, aigerim = 20, market = 10 }"
MANY = ", ".join(f'"{number:022}"' for number in range(65))
PAYEES_33 = ", ".join(f'{number:022} = "1.00"' for number in range(33))

ROWS: list[tuple[str, str, str, str, str]] = [
    # text, what is replaced, by what, the code, what stands where it is told
    (MEALS, 'name = "School meals"', 'name = "School meals', "text.toml", ""),
    (MEALS, "2030-06-30", "2030-02-30", "text.toml", "2030-02-30"),
    (MEALS, 'name = "School meals"', 'name = "x"\nname = "y"', "text.toml", ""),
    (MEALS, "budget_line", "budget_lin", "member.unknown", "budget_lin"),
    (MEALS, 'oracle = "bank"', 'orakle = "bank"', "member.unknown", "orakle"),
    (MEALS, 'name = "School meals"', "", "member.missing", "# School"),
    (MEALS, "valid_until = 2030-06-30", "", "member.missing", "[mark]"),
    (MEALS, 'event = "meal-served"', "", "member.missing", "[[condition]]"),
    (MEALS, 'payee_max = "500000.00"', "payee_max = 500000", "member.type", "500000"),
    (MEALS, 'roles = ["merchant"]', 'roles = "merchant"', "member.type", '"merchant"'),
    (RETURNS, "supplier = true", 'supplier = "yes"', "member.type", '"yes"'),
    (MEALS, '"School meals"', '"Школа"', "label.form", '"Школа"'),
    (MEALS, '"MEALS-2029"', '" MEALS"', "label.form", '" MEALS"'),
    (MEALS, '"EDU-042"', f'"{"E" * 65}"', "label.long", '"EEE'),
    (MEALS, '"unmark"', '"unmrak"', "choice.unknown", '"unmrak"'),
    (MEALS, '["merchant"]', '["merchnat"]', "choice.unknown", '"merchnat"'),
    (SHARES, '"down"', '"up"', "choice.unknown", '"up"'),
    (MEALS, '["CANTEEN"]', '["canteen"]', "code.form", '"canteen"'),
    (MEALS, '["MEAL"]', '["MEAL", "A-VERY-LONG-ONE"]', "code.form", '"A-VERY'),
    (MEALS, '"500000.00"', '"500000"', "amount.form", '"500000"'),
    (MEALS, '"500000.00"', '"500,000.00"', "amount.form", '"500,000.00"'),
    (MEALS, '"12000.00"\n\n', '"0.00"\n\n', "amount.zero", '"0.00"'),
    (MEALS, '"500000.00"', '"99999999999999999.00"', "amount.range", '"999'),
    (MEALS, "2030-06-30", '"2030-06-30"', "date.form", '"2030-06-30"'),
    (MEALS, "2030-06-30", "12:00:00", "date.form", "12:00:00"),
    (MEALS, "2030-06-30", "2026-11-17", "date.past", "2026-11-17"),
    (MEALS, "2030-06-30", "2031-11-30", "date.far", "2031-11-30"),
    (ROAD, "2030-10-31", "2030-12-31", "date.above", "2030-12-31"),
    (MEALS, 'roles = ["merchant"]', f"payees = [{MANY}]", "list.long", "["),
    (MEALS, '["MEAL"]', '["MEAL", "MEAL"]', "list.twice", '"MEAL"]'),
    (MEALS, '"treasury"', '"tresury"', "party.unknown", '"tresury"'),
    (MEALS, '"aigerim"', f'"{ID}A"', "party.unknown", f'"{ID}A"'),
    (SHARES, "aigerim = 20", "aigerin = 20", "party.unknown", "20"),
    (ROAD, '["market", "cafe"]', '["market", "cafe", "operator"]', "party.operator", '"operator"'),
    (MEALS, '"aigerim"', '"operator"', "party.operator", '"operator"'),
    (MEALS, '["merchant"]', '["merchant", "operator"]', "role.operator", '"operator"'),
    (MEALS, 'oracle = "bank"', "", "oracle.missing", "[[condition]]"),
    (MEALS, '"treasury"', '"market"', "budget.role", '"market"'),
    (MEALS, "[[condition]]", '[[condition]]\noracle = "bank"\nevent = "meal-served"\n[[condition]]',
     "condition.twice", "[[condition]]"),
    (SHARES, "[split", '[mark]\nbudget = "bank"\ncontract = "A"\nbudget_line = "B"\n'
     'valid_until = 2030-01-01\non_final = "unmark"\nroles = ["person"]\n[split',
     "holder.none", "[mark]"),
    (MEALS, '"daniyar"', '"aigerim"', "holder.twice", '"aigerim"'),
    (MEALS, '"30000.00"', '"23999.99"', "allocation.over", '"23999.99"'),
    (ROAD, '"20000000.00"', '"90000000.01"', "allocation.over", "[[sub]]"),
    (MEALS, 'roles = ["merchant"]', 'roles = ["person"]', "policy.nobody", "[mark]"),
    (ROAD, 'payees = ["market", "cafe"]', "", "policy.nobody", "[mark]"),
    (RETURNS, "supplier = true", "", "policy.supplier", "[mark]"),
    (RETURNS, '"return"', '"return"\npayees = ["cafe"]', "policy.return", '["cafe"]'),
    (RETURNS, '"return"', '"return"\ngoods = ["COAL"]', "goods.unreachable", '["COAL"]'),
    (ROAD, 'payees = ["cafe"]', 'payees = ["daniyar"]\ngoods = ["A"]', "goods.unreachable",
     '["A"]'),
    (ROAD, "supplier = true", "supplier = false", "sub.supplier", '"market"'),
    (ROAD, 'by = "market"', 'by = "cafe"', "sub.supplier", '"cafe"'),
    (ROAD, 'payees = ["cafe"]', 'payees = ["bank"]', "sub.beyond", '["bank"]'),
    (ROAD, 'payees = ["cafe"]', 'roles = ["person"]', "sub.beyond", '["person"]'),
    (ROAD, 'payees = ["market", "cafe"]', 'roles = ["person"]', "sub.beyond", '["cafe"]'),
    (SHARES, SPLIT, "shares = {}", "split.few", "{}"),
    (SHARES, "aigerim = 20", "aigerim = 20.5", "split.fraction", "20.5"),
    (SHARES, "aigerim = 20", "daniyar = 0", "split.zero", "0"),
    (SHARES, "aigerim = 20", "daniyar = 21", "split.sum", "{ cafe"),
    (SHARES, "treasury =", "aigerim =", "split.twice", '"500.00"'),
    (SHARES, '"cafe"', '"bank"', "split.remainder", '"bank"'),
    (SHARES, '{ treasury = "500.00" }', f"{{ {PAYEES_33} }}", "split.many", "{ cafe"),
    ('name = "Nothing"', "Nothing", "Nothing yet", "programme.empty", "name"),
]  # fmt: skip

ALSO = {'payees = ["daniyar"]\ngoods': ["sub.beyond"]}
"""Further faults that a row cannot help to have."""


@pytest.mark.parametrize(
    ("text", "old", "new", "code", "there"),
    [pytest.param(*row, id=f"{row[3]}: {row[2][:30]!a}") for row in ROWS],
)
def test_a_fault_is_told_where_it_stands(
    text: str, old: str, new: str, code: str, there: str
) -> None:
    assert old in text
    spoiled = text.replace(old, new, 1)

    faults = found(spoiled)

    also = next((codes for part, codes in ALSO.items() if part in new), [])
    assert sorted(one.code for one in faults) == sorted([code, *also])
    fault = next(one for one in faults if one.code == code)
    assert at(spoiled, fault).startswith(there), at(spoiled, fault)


def test_marks_one_under_the_other_are_four_at_most() -> None:
    text = _deep()

    faults = found(text)

    assert [one.code for one in faults] == ["sub.deep"]
    assert at(text, faults[0]) == "[[sub.sub.sub.sub]]"


def test_what_is_no_text_is_told_where_it_begins() -> None:
    assert [(one.code, one.line, one.column) for one in found(b"a = 1\nb\xff")] == [
        ("text.bytes", 2, 2)
    ]
    assert [one.code for one in found(b"#" * (TEXT_MAX + 1))] == ["text.long"]
    assert found(b"\xef\xbb\xbf" + MEALS.replace("\n", "\r\n").encode()) == ()


def test_every_code_is_tried_here() -> None:
    assert {row[3] for row in ROWS} | {"sub.deep", "text.bytes", "text.long"} == CODES


def test_many_faults_are_told_at_once_in_the_order_of_the_text() -> None:
    text = MEALS.replace('"treasury"', '"tresury"').replace('["MEAL"]', '["meal"]')
    text = text.replace('"12000.00"', '"12000"').replace("2030-06-30", "2020-06-30")

    faults = found(text)

    assert [one.code for one in faults] == [
        "party.unknown", "date.past", "code.form", "amount.form", "amount.form",
    ]  # fmt: skip
    assert [one.line for one in faults] == sorted(one.line for one in faults)


def test_a_misspelt_word_is_answered_with_the_one_that_was_meant() -> None:
    (fault,) = found(MEALS.replace('"treasury"', '"tresury"'))

    assert "Did you mean “treasury”?" in fault.mend("en")
    assert "«treasury»" in fault.mend("ru")
    assert "«treasury»" in fault.mend("kk")


WORDS = st.sampled_from([
    "mark", "budget", "holder", "party", "sub", "split", "shares", "treasury", "valid_until", "a",
])  # fmt: skip
SCALARS = st.one_of(
    st.integers(), st.booleans(), WORDS, st.floats(), st.dates(),
    st.text(max_size=5), st.sampled_from(["12000.00", "CANTEEN", ID]),
)  # fmt: skip
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)


def _written(value: Any) -> str:
    """A value as TOML, in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_written(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, str) else str(value)


@given(
    st.one_of(
        st.binary(max_size=80),
        st.text(max_size=80).map(str.encode),
        st.text("[]{}\"'=.,#\n a1\\", max_size=60).map(str.encode),
        st.dictionaries(WORDS, TREES, max_size=6).map(
            lambda tree: "\n".join(f"{k} = {_written(v)}" for k, v in tree.items()).encode()
        ),
        st.sampled_from([b"a=" + b"[" * 5_000, b"a=" + b"9" * 5_000, b"a={b=" * 3_000]),
    )
)
def test_no_text_whatever_ends_in_a_traceback(content: bytes) -> None:
    faults = found(content)

    lines = content.count(b"\n") + 1
    for one in faults:
        assert one.code in CODES
        assert 1 <= one.line <= lines
        assert one.column >= 1
        assert one.what("en").endswith(".")
    assert faults, "none of these is a programme"


@given(st.integers(0, len(MEALS)), st.integers(0, 40), st.text("[]{}\"'=.,#\n a1\\", max_size=8))
def test_a_file_that_somebody_is_writing_never_ends_in_a_traceback(
    begin: int, cut: int, put: str
) -> None:
    found(MEALS[:begin] + put + MEALS[begin + cut :])


# What is sound can be signed ---------------------------------------------------------------------


def _policy(**members: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {
        "kind": "mark/1", "ledger": ID, "nonce": ID, "not_after": NOW, "budget": ID,
        "contract": "A", "budget_line": "B", "valid_until": NOW, "on_final": "unmark",
        "payees": [], "roles": [], "categories": [], "goods": [], "payee_max": None,
        "conditions": [],
    }  # fmt: skip
    return {**empty, **members}


@pytest.mark.parametrize(
    ("member", "one", "most"),
    [
        ("payees", ID, PAYEES_MAX),
        ("roles", "merchant", ROLES_MAX),
        ("categories", "A", CODES_MAX),
        ("goods", "A", CODES_MAX),
        ("conditions", {"oracle": ID, "event": "a"}, CONDITIONS_MAX),
    ],
)
def test_a_file_may_hold_as_many_as_a_mark(member: str, one: object, most: int) -> None:
    assert msgspec.convert(_policy(**{member: [one] * most}), PutMark)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(_policy(**{member: [one] * (most + 1)}), PutMark)


@given(st.one_of(st.text(max_size=70), st.text("Aa0 ._-\n", max_size=70)))
def test_a_word_is_judged_as_the_ledger_does(word: str) -> None:
    escaped = json.dumps(word, ensure_ascii=False).replace("\x7f", "\\u007f")
    text = MEALS.replace('"MEALS-2029"', escaped).replace('"MEAL"', escaped)

    codes = [one.code for one in found(text)]

    assert _fits(word, Label) == ("label.form" not in codes and "label.long" not in codes)
    assert _fits(word, GoodsCode) == ("code.form" not in codes)


def _fits(word: str, wanted: Any) -> bool:
    try:
        msgspec.convert(word, wanted)
    except msgspec.ValidationError:
        return False
    return True


# The catalogue ------------------------------------------------------------------------------------


def _messages(lang: str) -> dict[str, str]:
    path = ROOT / "sandbox_api" / "locale" / lang / "LC_MESSAGES" / "programmes.po"
    with path.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale=lang) if one.id}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_fault_has_its_sentences_in_every_language(lang: str) -> None:
    messages, english = _messages(lang), _messages("en")
    places = re.compile(r"\{\w+(?::\w+)?\}")

    assert messages.keys() == english.keys()
    assert {f"programme.{code}.{part}" for code in CODES for part in ("what", "mend")} <= {*english}
    for key, message in messages.items():
        assert sorted(places.findall(message)) == sorted(places.findall(english[key])), key
        assert lang == "en" or re.search("[а-яё]", message.lower()) or ":" in message, key


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[3])
def test_a_sentence_reads_well(lang: str, row: tuple[str, str, str, str, str]) -> None:
    text, old, new, *_ = row

    for fault in found(text.replace(old, new, 1)):
        for sentence in (fault.what(lang), fault.mend(lang)):
            assert re.search(r"programme\.\w|\{\w|\s\s|\s[,.]\s|\.\.$", sentence) is None, sentence
            assert sentence.endswith(".")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_programme_is_said_in_words(lang: str, path: Path) -> None:
    programme = read_programme(path.read_bytes(), roles(), NOW).programme

    name, *lines = explain(programme, lang)

    assert name == programme.name
    for line in lines:
        assert re.search(r"programme\.\w|[{}\[\]]|\.\.$|None", line) is None, line
        assert lang == "en" or re.search("[а-яё]", line), line


def test_words_say_what_binds_the_money() -> None:
    programme = read_programme(MEALS.encode(), roles(), NOW).programme

    said = "\n".join(explain(programme, "en"))

    for part in ("treasury", "MEALS-2029", "EDU-042", "Jun 30, 2030", "merchant", "CANTEEN",
                 "MEAL.", "₸500,000", "bank", "“meal-served”", "aigerim holds"):  # fmt: skip
        assert part in said


# The command --------------------------------------------------------------------------------------


def _check(*args: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        command("programme", "check", *args), capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "meals.toml"
        path.write_text(text, "utf-8")
        return str(path)

    return write


def test_check_says_line_fault_and_mend_and_its_exit_code(written: Callable[[str], str]) -> None:
    assert _check(written(MEALS)) == (0, "meals.toml: sound.\n", "")

    code, said, error = _check(written(MEALS.replace('["MEAL"]', '["meal"]')))

    assert (code, error) == (1, "")
    assert said == (
        "meals.toml:12:10: “meal” is no code of goods or of what a merchant sells. [code.form]\n"
        "    Write 1 to 12 capital Latin letters and digits, as in “CANTEEN”.\n"
        "meals.toml: 1 to mend.\n"
    )


def test_check_speaks_to_programs_and_in_other_languages(written: Callable[[str], str]) -> None:
    code, said, _ = _check(written(MEALS.replace('["MEAL"]', '["meal"]')), "--json", "--lang", "ru")

    (fault,) = json.loads(said)["faults"]
    assert code == 1
    assert (fault["line"], fault["column"], fault["code"]) == (12, 10, "code.form")
    assert fault["what"].startswith("«meal» не код товара")


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    code, said, error = _check(str(tmp_path / "none.toml"))

    assert (code, said) == (2, "")
    assert error.startswith("tenge: ")
    assert "Traceback" not in error
