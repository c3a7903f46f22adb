"""Every recipe in docs/recipes runs as it is printed, and prints what it says there.

A recipe is a page with a block of Python, run as a program against a sandbox of this test, and a
block of text right after it: the output, whole.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes.running import Running

FOLDER = Path(__file__).parents[2] / "docs" / "recipes"
RECIPES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
BLOCKS = re.compile(r"```python\n(.*?)```\n+(?:[^`]*?\n)?```text\n(.*?)```", re.S)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    """One sandbox for all of them, as a newcomer has."""
    running = Running("--ephemeral")
    try:
        yield running
    finally:
        running.end()


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_prints_what_it_says(sandbox: Running, recipe: Path, tmp_path: Path) -> None:
    found = BLOCKS.findall(recipe.read_text("utf-8"))
    assert found, "a block of Python, then a block of text"
    facts = sandbox.facts
    environment = {
        **os.environ, "TENGE_URL": facts["url"], "TENGE_KEY": facts["publishable_key"],
        "TENGE_SECRET_KEY": facts["secret_key"], "TENGE_DATA": facts["data"],
        "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip
    for number, (program, said) in enumerate(found):
        path = tmp_path / f"recipe_{number}.py"
        path.write_text(program, "utf-8")
        ran = subprocess.run(
            [sys.executable, str(path)],
            capture_output=True, text=True, env=environment, check=False, timeout=120,
        )  # fmt: skip
        assert (ran.stderr, ran.stdout, ran.returncode) == ("", said, 0)


def test_every_recipe_is_listed() -> None:
    listed = set(re.findall(r"\]\((\w[\w-]*\.md)\)", (FOLDER / "README.md").read_text("utf-8")))

    assert listed == {path.name for path in RECIPES}
