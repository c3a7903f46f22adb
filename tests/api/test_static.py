"""Files of the browser: what the package holds is served, with the type that `nosniff` asks for."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from tests.api.sandbox import Sandbox

ROOT = Path(str(files("sandbox_api") / "static"))
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
         ".html": "text/html", ".json": "application/json", ".txt": "text/plain"}  # fmt: skip
FILES = sorted(
    path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.suffix in TYPES
)


@pytest.mark.parametrize("name", FILES)
def test_a_packaged_file_is_served_as_it_is(sandbox: Sandbox, name: str) -> None:
    answer = sandbox.get(f"/static/{name}", key=None)

    assert answer.status_code == 200
    assert answer.get_data() == (ROOT / name).read_bytes()
    assert answer.content_type.split(";")[0] == TYPES[Path(name).suffix]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "max-age" in answer.headers["Cache-Control"]


def test_a_head_request_has_no_body(sandbox: Sandbox) -> None:
    answer = sandbox.client.head("/docs")

    assert (answer.status_code, answer.get_data()) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 100
