"""docs/programmable-money.md: every command of it runs as it is printed, on a real sandbox, and
says what stands below it but for ids and addresses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from sandbox_api.programme.fault import CODES
from tests.processes.running import Running

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "programmable-money.md").read_text("utf-8")
BLOCK = re.compile(r"```(sh|python|toml|text)\n(.*?)```", re.S)
ELSEWHERE = ("tenge up\n", "export TENGE_KEY=tpk_…\n")
"""What the test itself does: it starts the sandbox and says where it is."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    running = Running("--ephemeral")
    try:
        yield running
    finally:
        running.end()


def alike(said: str) -> str:
    """What was said, with a word for each id and for the address."""
    said = re.sub(r"http://127\.0\.0\.1:\d+", "URL", said)
    return re.sub(r"(?<![\w-])[\w-]{22}(?![\w-])", "ID", said)


def run_page(sandbox: Running, folder: Path) -> Iterator[tuple[str, str, str]]:
    """Each command with what the page says of it and what it said."""
    (folder / "bin").mkdir()
    tenge = folder / "bin" / "tenge"
    tenge.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m sandbox_api "$@"\n', "utf-8")
    tenge.chmod(0o755)
    (folder / "bin" / "python").symlink_to(sys.executable)
    (folder / "docs").symlink_to(ROOT / "docs")
    facts = sandbox.facts
    environment = {
        **os.environ, "TENGE_URL": facts["url"], "TENGE_KEY": facts["publishable_key"],
        "TENGE_DATA": facts["data"], "PYTHONIOENCODING": "utf-8",
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }  # fmt: skip
    blocks = [*BLOCK.findall(PAGE), ("", "")]
    for (kind, text), (after, said) in pairwise(blocks):
        if kind == "python":
            (folder / "lunch.py").write_text(text, "utf-8")
        if kind == "sh" and text not in ELSEWHERE:
            ran = subprocess.run(
                ["/bin/sh", "-e", "-c", text], cwd=folder, env=environment, check=False,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
            )  # fmt: skip
            assert ran.returncode == 0, ran.stdout
            yield text, said if after == "text" else "", ran.stdout


def test_every_command_of_the_page_says_what_the_page_says(
    sandbox: Running, tmp_path: Path
) -> None:
    ran = list(run_page(sandbox, tmp_path))

    assert len(ran) == 9
    for command, written, said in ran:
        assert alike(said) == alike(written), command
    assert (tmp_path / "way.svg").read_text("utf-8").startswith("<svg")


def test_the_page_shows_the_file_and_every_code() -> None:
    (shown,) = [text for kind, text in BLOCK.findall(PAGE) if kind == "toml"]

    assert shown == (ROOT / "docs" / "programmes" / "school-meals.toml").read_text("utf-8")
    table = PAGE.partition("## What `check` may say")[2]
    assert set(re.findall(r"`([a-z]+\.[a-z]+)`", table)) == CODES | {"text.toml"}


def test_the_page_names_every_example() -> None:
    named = set(re.findall(r"\(programmes/([\w-]+\.toml)\)", PAGE))

    assert named == {path.name for path in (ROOT / "docs" / "programmes").glob("*.toml")}
