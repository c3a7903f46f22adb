"""A real browser against a real sandbox: the system's Chromium, pages of one `tenge up`.

Skips where no Chromium is installed or the package is not (its pages are an entry point), except in
CI. A page may talk to the sandbox's own addresses only, and may say nothing on its console that is
an error: both are checked at the end of every test.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.processes.running import Running

CHROMIUM: Final = Path("/usr/bin/chromium")
FLAGS: Final = (
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--disable-gpu", "--disable-quic",
)  # fmt: skip
PHONE: Final = {"width": 390, "height": 844}
DESK: Final = {"width": 1280, "height": 800}
LOCALES: Final = {"kk": "kk-KZ", "ru": "ru-RU", "en": "en-GB"}
SHOTS: Final = os.environ.get("TENGE_SCREENSHOTS")
"""A folder: screenshots are kept there."""


def _or_skip(there: bool, reason: str) -> None:
    if not there and not os.environ.get("CI"):
        pytest.skip(reason)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """One sandbox with its pages, for all browser tests."""
    _or_skip(CHROMIUM.exists(), f"no Chromium at {CHROMIUM}")
    _or_skip(bool(entry_points(group="tenge.pages")), "not installed: pip install -e .")
    found = Running("--ephemeral")
    try:
        yield found
    finally:
        found.end()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    _or_skip(CHROMIUM.exists(), f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class Device:
    """Somebody's browser: a phone or a desk, with storage of its own."""

    def __init__(self, sandbox: Running, context: BrowserContext) -> None:
        self.url: Final[str] = sandbox.facts["url"]
        self.context: Final = context
        self.complaints: Final[list[str]] = []
        self.asked: Final[set[str]] = set()
        context.on("request", lambda request: self.asked.add(request.url))
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def open(self, path: str) -> Page:
        """A new window at this path, or at a whole link."""
        page = self.context.new_page()
        page.goto(path if path.startswith("http") else self.url + path)
        return page

    def shot(self, page: Page, name: str) -> None:
        """Keep a picture, where asked to."""
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)

    def _heard(self, message: Any) -> None:
        # A refused payment is an HTTP 403, and Chromium tells every 4xx as an error.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.complaints.append(message.text)


class Devices:
    """Hands out devices and looks at them at the end."""

    def __init__(self, sandbox: Running, browser: Browser) -> None:
        self._sandbox = sandbox
        self._browser = browser
        self._given: list[Device] = []

    def __call__(self, lang: str = "en", *, desk: bool = False, **options: Any) -> Device:
        context = self._browser.new_context(
            viewport=DESK if desk else PHONE,  # type: ignore[arg-type]
            locale=LOCALES[lang],
            has_touch=not desk,
            **options,
        )
        context.set_default_timeout(10_000)
        device = Device(self._sandbox, context)
        self._given.append(device)
        return device

    def close(self) -> None:
        for device in self._given:
            device.context.close()
        facts = self._sandbox.facts
        ours = (facts["url"] + "/", facts["stream_url"], "blob:", "data:")
        for device in self._given:
            assert [url for url in device.asked if not url.startswith(ours)] == []
            assert device.complaints == []


@pytest.fixture
def device(sandbox: Running, chromium: Browser) -> Iterator[Devices]:
    """`device("kk")` is a new phone in Kazakh; `device("ru", desk=True)` a computer in Russian."""
    devices = Devices(sandbox, chromium)
    yield devices
    devices.close()
