"""The rules of the house, held by reading the tree: who imports whom, one door a package, purity,
names, and what every module and page must have. `docs/architecture.md` says why."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from ledger.core.decision import Code

ROOT = Path(__file__).parent.parent
PACKAGES = ("ledger", "sandbox_api", "merchant_demo")
PURE = (
    "ledger/core", "ledger/kinds", "ledger/rules", "ledger/log", "ledger/decide.py",
    "ledger/waterfall.py",
    "ledger/marks.py",
    "ledger/vat.py",
)  # fmt: skip

IMPORTS: dict[str, tuple[str, ...]] = {
    "ledger.errors": (),
    "ledger.clock": (),
    "ledger.core": ("ledger.core", "ledger.errors"),
    "ledger.rules": ("ledger.rules", "ledger.core", "ledger.errors"),
    "ledger.kinds": ("ledger.kinds", "ledger.rules", "ledger.core", "ledger.errors"),
    "ledger.log": ("ledger.log", "ledger.core", "ledger.errors"),
    "ledger.waterfall": ("ledger.kinds", "ledger.rules", "ledger.core", "ledger.errors"),
    "ledger.vat": ("ledger.kinds", "ledger.core", "ledger.errors"),
    "ledger.marks": (
        "ledger.vat", "ledger.kinds", "ledger.rules", "ledger.core", "ledger.errors",
    ),
    "ledger.decide": (
        "ledger.marks", "ledger.waterfall", "ledger.kinds", "ledger.rules", "ledger.core",
        "ledger.errors",
    ),
    "ledger.keys": ("ledger.core", "ledger.errors"),
    "ledger.keyring": ("ledger.keys", "ledger.core", "ledger.errors"),
    "ledger.store": ("ledger.store", "ledger.log", "ledger.core", "ledger.errors"),
    "ledger.export": ("ledger.log", "ledger.core", "ledger.errors"),
    "ledger.writer": (
        "ledger.writer", "ledger.store", "ledger.decide", "ledger.kinds", "ledger.log",
        "ledger.keys", "ledger.core", "ledger.errors",
    ),
    "ledger.writer.process": ("ledger",),
    "ledger.ledger": ("ledger",),
    "ledger.audit": ("ledger",),
    "ledger.checking": (
        "ledger.kinds", "ledger.log", "ledger.keys", "ledger.core", "ledger.errors",
    ),
    "sandbox_api": ("ledger", "sandbox_api"),
    "sandbox_api.client": (
        "ledger.core", "ledger.log", "ledger.keys", "ledger.errors", "sandbox_api.witness",
        "sandbox_api.purse",
    ),
    "sandbox_api.purse": ("ledger.core", "ledger.keys", "ledger.errors"),
    "sandbox_api.witness": ("ledger.core", "ledger.log", "ledger.keys", "ledger.errors"),
    "merchant_demo": ("merchant_demo", "sandbox_api.client"),
}  # fmt: skip
"""Which of our own modules a module may import. The longest name that fits a module counts."""

DOORS: dict[str, tuple[str, ...]] = {
    "alembic": ("ledger/store/",),
    "babel": ("sandbox_api/sentences.py",),
    "click": ("sandbox_api/cli.py", "sandbox_api/show_keys.py", "sandbox_api/verify_log.py",
              "sandbox_api/export_log.py", "sandbox_api/bench/command.py",
              "sandbox_api/corridor/command.py",
              "sandbox_api/programme/command.py"),
    "cryptography": ("ledger/keys.py",),
    "flask": ("sandbox_api/app.py", "merchant_demo/app.py"),
    "gevent": ("sandbox_api/processes/http_worker.py", "sandbox_api/processes/wsgi.py"),
    "msgspec": ("ledger/", "sandbox_api/"),  # the one modelling library: values are its structs
    "nacl": ("ledger/keys.py",),
    "psycopg": ("ledger/store/", "sandbox_api/bench/postgres.py"),
    "requests": ("sandbox_api/client.py",),
    "rich": ("sandbox_api/banner.py", "sandbox_api/demo.py", "sandbox_api/verify_log.py",
             "sandbox_api/bench/", "sandbox_api/corridor/demo.py"),
    "segno": ("sandbox_api/routes/payment_requests.py",),
    "sqlalchemy": ("ledger/store/", "sandbox_api/own_store.py", "sandbox_api/records.py",
                   "sandbox_api/alias_records.py", "sandbox_api/tenants.py"),
    # The demo damages a copy on purpose, the benchmark packs one: no store would let them.
    "sqlite3": ("ledger/store/", "sandbox_api/demo.py", "sandbox_api/bench/aftermath.py"),
    "structlog": ("ledger/writer/", "sandbox_api/processes/"),
    "waitress": ("sandbox_api/processes/http_worker.py",),
    "websockets": ("sandbox_api/client.py", "sandbox_api/processes/stream.py",
                   "sandbox_api/processes/submit_stream.py", "sandbox_api/processes/websocket.py"),
    "werkzeug": ("sandbox_api/app.py",),
}  # fmt: skip
"""Where each outside package (and the standard library's database) comes in."""

INSTALLED_AS = {"nacl": "pynacl", "werkzeug": "flask"}
"""Packages that are declared under another name, or come with another."""

IMPURE = frozenset({
    "asyncio", "builtins", "concurrent", "contextvars", "http", "importlib", "io", "locale",
    "logging", "multiprocessing", "os", "pathlib", "platform", "queue", "random", "secrets",
    "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile",
    "threading", "time", "urllib", "uuid", "zoneinfo",
})  # fmt: skip
IMPURE_CALLS = frozenset({"float", "open", "print", "input", "eval", "exec", "round"})

FORBIDDEN = frozenset(
    {"manager", "processor", "handler", "service", "helper", "util", "utils", "data", "info"}
)

ENTRY_POINTS = frozenset({"sandbox_api.__main__", "sandbox_api.cli", "merchant_demo.app"})


FOREIGN = {"vendor", "node_modules", "__pycache__", "build", "dist", "sandbox_api/static/docs"}
"""Folders of what other people wrote, or programs made."""


def _files(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> list[Path]:
    """Files of ours below these folders: nothing vendored, installed or cached."""
    found = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            parts = path.relative_to(ROOT).parts
            hidden = any(p.startswith(".") or p.endswith(".egg-info") for p in parts)
            foreign = FOREIGN & {*parts, "/".join(parts[:3])}
            if path.suffix in suffixes and path.is_file() and not hidden and not foreign:
                found.append(path)
    return found


MODULES = _files(*PACKAGES)


def _where(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _name(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


@cache
def _imported(path: Path) -> frozenset[str]:
    """Every module that a file imports, wherever in it; `from a import b` gives a and a.b."""
    found: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{_where(path)}: a relative import"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


NAMES = frozenset(map(_name, MODULES))


def _ours(path: Path) -> frozenset[str]:
    """Modules of ours that a file imports; the packages they lie in do not count."""
    found = _imported(path) & NAMES
    return frozenset(n for n in found if not any(m.startswith(n + ".") for m in found))


def _below(name: str, roots: tuple[str, ...]) -> bool:
    return any(name == root or name.startswith(root + ".") for root in roots)


@pytest.mark.parametrize("path", MODULES, ids=_where)
def test_imports_point_one_way(path: Path) -> None:
    name = _name(path)
    rule = max((root for root in IMPORTS if _below(name, (root,))), key=len, default=None)
    if rule is None:
        assert name == "ledger", f"{name} has no line in IMPORTS"
        return

    wrong = {other for other in _ours(path) if not _below(other, IMPORTS[rule])}

    assert not wrong, f"{name} may not import {sorted(wrong)}"


@pytest.mark.parametrize("path", MODULES, ids=_where)
def test_each_outside_package_comes_in_by_its_door(path: Path) -> None:
    where = _where(path)
    for package in {name.partition(".")[0] for name in _imported(path)} - set(PACKAGES):
        if package in sys.stdlib_module_names and package not in DOORS:
            continue
        doors = DOORS.get(package, ())
        assert any(where.startswith(door) for door in doors), f"{package} has no door in {where}"


def test_what_is_declared_is_used_and_what_is_used_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {re.split(r"[^a-z0-9_-]", line)[0] for line in project["dependencies"]}
    used = {name.partition(".")[0] for path in MODULES for name in _imported(path)}

    outside = {p for p in used & set(DOORS) if p not in sys.stdlib_module_names}

    assert {INSTALLED_AS.get(package, package) for package in outside} == declared


def test_every_door_is_used() -> None:
    for package, doors in DOORS.items():
        for door in doors:
            users = [path for path in MODULES if _where(path).startswith(door)]
            names = {name.partition(".")[0] for path in users for name in _imported(path)}
            assert package in names, f"nothing in {door} imports {package}"


PURE_MODULES = [path for path in MODULES if _where(path).startswith(PURE)]


@pytest.mark.parametrize("path", PURE_MODULES, ids=_where)
def test_pure_modules_have_no_clock_io_randomness_or_float(path: Path) -> None:
    impure = {name for name in _imported(path) if name.partition(".")[0] in IMPURE}
    assert not impure, f"imports {sorted(impure)}"
    datetime = {name for name in _imported(path) if name.startswith("datetime")}
    assert datetime <= {"datetime", "datetime.date"}, "only dates as data"
    for node in ast.walk(_tree(path)):
        at = f"{_where(path)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float | complex), f"{at} a fraction"
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            assert not isinstance(node.op, ast.Div), f"{at} a division that gives a float"
        elif isinstance(node, ast.Name):
            assert node.id not in IMPURE_CALLS, f"{at} {node.id}"
        elif isinstance(node, ast.Attribute):
            assert node.attr not in ("today", "now", "utcnow", "environ"), f"{at} {node.attr}"


def test_the_pure_folders_are_read_at_all() -> None:
    assert {where.split("/")[1] for where in map(_where, PURE_MODULES)} == {
        "core", "kinds", "rules", "log", "decide.py", "marks.py", "vat.py", "waterfall.py",
    }  # fmt: skip
    assert len(PURE_MODULES) > 50


@pytest.mark.parametrize("path", [*MODULES, *_files("tests", "benchmarks")], ids=_where)
def test_a_module_opens_with_what_it_is(path: Path) -> None:
    said = ast.get_docstring(_tree(path))

    assert said or not path.read_text("utf-8").strip(), "a module without a docstring"


def test_nothing_lies_about_that_nobody_imports() -> None:
    imported = {name for path in MODULES for name in _imported(path) if name != _name(path)}
    texts = "\n".join(path.read_text("utf-8") for path in MODULES)
    for path in MODULES:
        name = _name(path)
        if name in imported | ENTRY_POINTS or path.name == "__init__.py":
            continue
        if "migrations" in path.parts:  # alembic finds them by folder
            continue
        assert f'"{name}"' in texts, f"nobody imports {name}"


def _classes() -> Iterator[tuple[Path, str]]:
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.ClassDef):
                yield path, node.name


def test_nothing_is_named_by_a_word_that_says_nothing() -> None:
    for path in MODULES:
        for part in path.relative_to(ROOT).with_suffix("").parts:
            assert not FORBIDDEN & set(part.lower().split("_")), _where(path)
    for path, name in _classes():
        words = {word.lower() for word in re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+", name)}
        assert not FORBIDDEN & words, f"{_where(path)}: {name}"


def test_every_refusal_code_is_documented_and_tested() -> None:
    page = (ROOT / "docs" / "refusal-codes.md").read_text("utf-8")
    tests = "\n".join(path.read_text("utf-8") for path in _files("tests") if path != Path(__file__))
    source = "\n".join(path.read_text("utf-8") for path in _files("ledger"))
    for code in Code:
        assert f"`{code.value}`" in page, f"{code} is not in docs/refusal-codes.md"
        assert re.search(rf"\b{code.value}\b", tests), f"no test names {code}"
        if code != Code.DECLINED_BY_COMPLIANCE:  # what the edge says for a supervisor's reason
            assert f"Code.{code.value}" in source, f"nothing refuses by {code}"


TEXTS = _files(".", suffixes=(".py", ".md", ".toml", ".js", ".mjs", ".html", ".css", ".po", ".go"))


def test_no_text_holds_a_machines_path_or_a_promise() -> None:
    folders = [str(ROOT), f"{Path.home()}/", *(f"/{name}/" for name in ("root", "work", "Users"))]
    homes = re.compile("|".join(map(re.escape, folders)))
    promise = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    for path in TEXTS:
        text = path.read_text("utf-8")
        for pattern in (homes, promise):
            found = pattern.search(text)
            assert found is None, f"{_where(path)}: {found}"


def test_the_changelog_has_room_for_what_comes() -> None:
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def _run(*command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]


def test_ruff_finds_nothing() -> None:
    _run("ruff", "check", ".")


def test_ruff_would_format_nothing_else() -> None:
    _run("ruff", "format", "--check", ".")


def test_mypy_finds_nothing() -> None:
    _run("mypy")
