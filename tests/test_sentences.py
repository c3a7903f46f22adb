"""The catalogue: nothing is missing in any language; sentences read well without parameters."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path
from shutil import which

import pytest

from ledger.core.asset import AssetClass
from ledger.core.decision import Code, Reason
from ledger.core.party import Role
from sandbox_api import sentences
from sandbox_api.sentences import LANGUAGES

ROOT = Path(__file__).parent.parent
MESSAGES = {lang: sentences.catalogue_json(lang)["messages"] for lang in LANGUAGES}
KEYS = sorted(MESSAGES["en"])
PLACE = re.compile(r"\{\w+(?::\w+)?\}")
EVERYTHING: dict[str, str | int | list[str]] = {
    "asset": "tUSDT", "other": "tBTC", "zone": "Alatau", "class": "stablecoin", "role": "person",
    "admitted": ["crypto", "stablecoin"], "listed": ["tUSDT", "tBTC"], "kind": "pay/1",
    "amount": "2.482000", "available": "1.000000", "total": "1290.00", "value": "1290.00",
    "limit": "100000.00", "left": "12.50", "tier": 1, "tier_min": 2,
    "not_after": 1_790_000_000_000, "opens_at": 1_790_000_000_000, "ends_at": 1_790_000_000_000,
    "valid_from": 1_790_000_000_000, "valid_until": 1_790_000_000_000,
    "fresh_until": 1_790_000_000_000,
}  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_string_is_missing(lang: str) -> None:
    assert sorted(MESSAGES[lang]) == KEYS
    assert [key for key in KEYS if not MESSAGES[lang][key].strip()] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_placeholders_agree_with_the_english_ones(lang: str) -> None:
    def places(of: str, key: str) -> list[str]:
        return sorted(PLACE.findall(MESSAGES[of][key]))

    assert [key for key in KEYS if places(lang, key) != places("en", key)] == []


@pytest.mark.parametrize("lang", ["kk", "ru"])
def test_sentences_are_written_in_their_own_letters(lang: str) -> None:
    prose = [key for key in KEYS if re.search("[a-z]{3}", PLACE.sub("", MESSAGES["en"][key]))]

    assert [key for key in prose if not re.search("[а-яё]", MESSAGES[lang][key].lower())] == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", list(Code))
@pytest.mark.parametrize(
    "params", [pytest.param({}, id="bare"), pytest.param(EVERYTHING, id="with all parameters")]
)
def test_every_refusal_says_what_happened_and_what_would_make_it_pass(
    lang: str, code: Code, params: dict[str, str | int | list[str]]
) -> None:
    sentence = sentences.render(Reason(code, "rule/1", params), lang)

    assert code.value not in sentence
    assert re.search(r"[\[\]{}]|\s\s|\s[,.]|\(\)|«»|“”|[:,]\.|\.\.", sentence) is None, sentence
    assert sentence.lstrip("«“")[0].isupper()
    assert sentence.endswith(".")
    assert sentence.count(".") >= 2, "two sentences: what happened, and what would make it pass"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "name", [*(f"role.{role}" for role in Role), *(f"class.{one}" for one in AssetClass)]
)
def test_roles_and_classes_have_names(lang: str, name: str) -> None:
    assert name in MESSAGES[lang]


def test_a_refusal_uses_only_parameters_that_some_rule_or_kind_gives() -> None:
    given = _given_parameters()
    used = {
        code: {place.strip("{}").partition(":")[0] for key in _keys(code) for place in
               PLACE.findall(MESSAGES["en"][key])}
        for code in Code
    }  # fmt: skip

    assert {
        code: missing for code in Code if (missing := used[code] - given.get(code.value, set()))
    } == {}


@pytest.mark.parametrize(
    ("code", "beginning"),
    [
        pytest.param("auth.missing", "An API key is needed", id="its own sentence"),
        pytest.param("envelope.typ", "The signed envelope", id="the sentence of its family"),
        pytest.param("no.such.code", "That did not work", id="the general sentence"),
    ],
)
def test_a_problem_has_a_sentence_by_its_longest_known_prefix(code: str, beginning: str) -> None:
    assert sentences.problem(code, "en").startswith(beginning)


def _codes_of_what_cannot_be_read() -> list[str]:
    """Codes that the ledger and the API raise Malformed with, as their sources write them."""
    written = re.compile(r'(?:Malformed|_malformed|_bad)\(\s*f?"([a-z_]+\.[a-z_.]+)"')
    sources = [*(ROOT / "ledger").rglob("*.py"), *(ROOT / "sandbox_api").rglob("*.py")]
    found = {code for path in sources for code in written.findall(path.read_text("utf-8"))}
    return sorted(found - {"custody.question"})  # between two processes of ours


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", _codes_of_what_cannot_be_read())
def test_what_cannot_be_read_is_not_answered_with_try_again(code: str, lang: str) -> None:
    """Sending the same again helps nobody; nor does a heading that a page uses."""
    sentence = sentences.problem(code, lang)

    assert sentence != sentences.problem("other", lang)
    assert sentence.endswith(".")


def test_what_a_problem_says_beyond_its_family_is_kept_in_every_language() -> None:
    detail = "Expected `int`, got `str`"

    assert sentences.problem("payload.member", "en", detail) == detail
    assert sentences.problem("payload.member", "ru", detail).endswith(f"({detail})")
    assert sentences.problem("payload.member", "ru", detail).startswith("У подписанного")


def test_a_parameter_cannot_smuggle_in_another_one() -> None:
    reason = Reason(Code.ZONE_NOT_ACTIVE, "rule/1", {"zone": "{asset}[x]", "asset": "tUSDT"})

    assert "{asset}[x]" in sentences.render(reason, "en")


@pytest.mark.parametrize(
    ("written", "lang", "shown"),
    [
        ("1290.00", "kk", "1 290 ₸"),
        ("1290.50", "ru", "1 290,50 ₸"),
        ("-1234567.05", "en", "−₸1,234,567.05"),
        ("0.00", "en", "₸0"),
        ("92233720368547758.07", "ru", "92 233 720 368 547 758,07 ₸"),
    ],
)
def test_money_is_written_as_people_write_it(written: str, lang: str, shown: str) -> None:
    assert sentences.money(written, lang).replace("\xa0", " ") == shown


_SAMPLES = [
    ["money", "0.00"], ["money", "1290.00"], ["money", "-1290.50"], ["money", "9999999.99"],
    ["amount", "2.482000"], ["amount", "-0.00002674"], ["amount", "123456.000000"],
    ["stamp", 1_790_000_000_000], ["stamp", 1_767_225_599_000], ["clock", 1_772_323_199_000],
]  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
def test_browsers_write_words_amounts_and_times_as_the_server_does(lang: str) -> None:
    node = which("node")
    if node is None:
        pytest.skip("node is not installed")
    reasons: list[list[object]] = [
        [code.value, params] for code in Code for params in ({}, EVERYTHING)
    ]
    script = """
        import { readFileSync } from "node:fs";
        import { openWords } from "./sandbox_api/static/client/words.js";
        const { catalogue, samples, reasons } = JSON.parse(readFileSync(0, "utf8"));
        const words = openWords(catalogue);
        const form = { money: words.money, amount: (text) => words.amount(text, "tX"),
                       stamp: words.stamp, clock: words.time };
        console.log(JSON.stringify({
          samples: samples.map(([name, value]) => form[name](value)),
          reasons: reasons.map(([code, params]) => {
            const { what, mend } = words.reason({ code, params });
            return `${what} ${mend}`;
          }),
        }));
    """
    given = {"catalogue": sentences.catalogue_json(lang), "samples": _SAMPLES, "reasons": reasons}

    run = subprocess.run(
        [node, "--input-type=module", "-e", script],
        cwd=ROOT, capture_output=True, text=True, check=True, input=json.dumps(given),
    )  # fmt: skip

    said = json.loads(run.stdout)
    forms = {
        "money": sentences.money, "stamp": sentences.stamp, "clock": sentences.clock,
        "amount": lambda value, lang: sentences.amount(value, "tX", lang),
    }  # fmt: skip
    assert said["samples"] == [forms[name](value, lang) for name, value in _SAMPLES]
    assert said["reasons"] == [
        sentences.render(Reason(code, "rule/1", params), lang)
        for code in Code
        for params in ({}, EVERYTHING)
    ]


def test_screens_ask_for_no_string_that_the_catalogue_lacks() -> None:
    asked: set[str] = set()
    for path in sorted((ROOT / "merchant_demo" / "static").glob("*.js")):
        asked |= set(re.findall(r"""words\.t\(\s*"([\w.]+)\"""", path.read_text()))

    assert len(asked) > 60
    assert sorted(asked - set(KEYS)) == []


def _keys(code: Code) -> tuple[str, str]:
    return f"refusal.{code}.what", f"refusal.{code}.mend"


def _given_parameters() -> dict[str, set[str]]:
    """Parameters by code, as rules, kinds and the deciding write them down."""
    given: dict[str, set[str]] = {}
    for folder in ("ledger", "sandbox_api"):
        for path in (ROOT / folder).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text())):
                if not isinstance(call, ast.Call):
                    continue
                codes = [
                    argument.attr
                    for argument in call.args
                    if isinstance(argument, ast.Attribute)
                    and isinstance(argument.value, ast.Name)
                    and argument.value.id == "Code"
                ]
                names = {word.arg for word in call.keywords if word.arg}
                for argument in call.args:
                    if isinstance(argument, ast.Dict):
                        names |= {k.value for k in argument.keys if isinstance(k, ast.Constant)}
                for code in codes:
                    given.setdefault(code, set()).update(names)
    money = {"asset", "amount", "available"}  # ledger.decide puts these together step by step
    given.setdefault("FUNDS", set()).update(money)
    given.setdefault("BALANCE_RANGE", set()).update(money - {"available"})
    return given
