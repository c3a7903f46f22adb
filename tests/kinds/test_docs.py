"""docs/kinds.md against the code: every kind, its payload's members, who signs, every code."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from ledger.core.decision import Code
from ledger.core.transaction import Payload
from ledger.kinds import KINDS
from ledger.kinds.kind import ANYONE
from tests.kinds.test_refusals import TABLE

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "kinds.md").read_text("utf-8")
PAGES = ["kinds.md", *(f"kinds/{path.name}" for path in sorted((DOCS / "kinds").glob("[a-z]*.md")))]
SECTIONS = {
    part.split("\n", 1)[0]: part
    for page in PAGES
    for part in (DOCS / page).read_text("utf-8").split("\n### ")[1:]
}
SHARED = TEXT.split("\n## ")[1]
BY_NAME = {kind.name: kind for kind in KINDS.values()}


def test_every_kind_has_its_section_and_no_other():
    assert sorted(SECTIONS) == sorted(BY_NAME)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_section_names_payload_and_signers(name):
    kind, section = BY_NAME[name], SECTIONS[name]
    own = {field.encode_name for field in msgspec.structs.fields(kind.payload)} - {
        field.encode_name for field in msgspec.structs.fields(Payload)
    }
    payload = section.split("Payload:")[1].split("Signed by:")[0]
    signers = section.split("Signed by:")[1].split("Does:")[0]

    assert own <= set(re.findall(r"`(\w+)`", payload))
    if kind.roles == ANYONE:
        assert "any role" in signers
    else:
        roles = {role.value for role in kind.roles}
        assert roles <= set(re.findall(r"\w+", signers))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_section_names_every_code_that_the_table_of_refusals_finds(name):
    told = set(re.findall(r"[A-Z][A-Z_]+", SHARED + SECTIONS[name]))
    codes = {row.values[0] for row in TABLE[name] if row.values[0] in set(Code)}

    assert {code.value for code in codes} <= told


@pytest.mark.parametrize("page", [*PAGES, "adding-a-kind.md", "adding-a-rule.md"])
def test_a_page_names_only_codes_and_files_that_are_there(page):
    text = (DOCS / page).read_text("utf-8")
    known = {code.value for code in Code} | {
        "LAW", "PILOT", "DRAFT", "HYPOTHETICAL", "PARTIES", "SUPERVISOR", "UTC", "JWS", "TOML",
        "KYC", "SQL", "ANYONE", "KIND", "RULE", "MOVES", "STILL", "BODIES", "REFERENCE_TYPES",
        "TENGE_SCALE", "CENTRAL_BANK", "BANK", "SHA", "JSON", "SAMPLES", "REFUSALS", "TRIES",
        "ACTS", "WEIGHTS", "FAMILIES", "GET", "VAT",
    }  # fmt: skip

    assert set(re.findall(r"\b[A-Z][A-Z]+(?:_[A-Z]+)*\b", text)) <= known
    for path in re.findall(r"`((?:ledger|tests|docs)/[\w./-]+)`", text):
        assert (DOCS.parent / path).exists() or path == "docs/refusal-codes.md", path


def test_the_examples_are_the_code():
    for page, module in (
        ("adding-a-kind.md", "kinds/tier.py"),
        ("adding-a-rule.md", "rules/cap_payment.py"),
    ):
        source = (DOCS.parent / "ledger" / module).read_text("utf-8")
        for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.S):
            assert block in source
