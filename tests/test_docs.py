"""The pages: links lead somewhere, what they name is there, what is marked as running runs.

A `python` or `console` block whose first line is `# runs` is run, in a folder with an export,
`log.zip`. In a console block lines that begin with `$ ` are commands, `tenge` this very tree's; the
lines below one are in what it prints.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.audit import Part
from tests.audit.everything import build

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "CHANGELOG.md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(python|console)\n# runs\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(
    r"`((?:ledger|sandbox_api|merchant_demo|tests|docs|benchmarks)/[A-Za-z0-9_./-]*)`"
)


def _where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=_where)
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in _anchors(target), f"{link}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=_where)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    for name in CODE.findall(page.read_text("utf-8")):
        assert (ROOT / name).exists(), f"{name} is not there"


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    linked = {(ROOT / "docs" / link).resolve() for link in LINK.findall(index)}
    for folder in ("kinds", "recipes"):  # they have an index of their own
        inner = (ROOT / "docs" / folder / "README.md").read_text("utf-8")
        linked |= {(ROOT / "docs" / folder / link).resolve() for link in LINK.findall(inner)}

    pages = set((ROOT / "docs").rglob("*.md")) - {ROOT / "docs" / "README.md"}

    assert {_where(page) for page in pages - linked} == set()


def test_every_part_of_a_finding_is_explained() -> None:
    page = (ROOT / "docs" / "verify.md").read_text("utf-8")
    for part in Part:
        assert f"`{part.value}`" in page, f"docs/verify.md does not say what {part.value} means"


RUNNING = [
    pytest.param(language, text, id=f"{_where(page)} {place}")
    for page in PAGES
    for place, (language, text) in enumerate(BLOCK.findall(page.read_text("utf-8")))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the export of a ledger, `log.zip`, as the pages call it."""
    made = build(tmp_path_factory.mktemp("ledger"), 300)
    folder = tmp_path_factory.mktemp("docs")
    shutil.copyfile(made.export, folder / "log.zip")
    return folder


def test_some_block_is_run_of_each_language() -> None:
    assert {param.values[0] for param in RUNNING} == {"python", "console"}


@pytest.mark.parametrize(("language", "text"), RUNNING)
def test_what_is_marked_as_running_runs(folder: Path, language: str, text: str) -> None:
    if language == "python":
        said = _run([sys.executable, "-W", "error", "-c", text], folder)
        assert "Traceback" not in said
        return
    for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, expected = command.partition("\n")
        words = line.split()
        if words[0] == "tenge":
            words = [sys.executable, "-m", "sandbox_api", *words[1:]]
        said = _run(words, folder)
        for part in filter(None, expected.strip().split("\n")):
            assert part in said, f"{line} does not print {part!r} but {said}"


def _run(words: list[str], folder: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
