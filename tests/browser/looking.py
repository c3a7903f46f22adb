"""What the tests of screens share: words of the catalogue, faults of a page, a till that asks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, expect

from ledger.keys import SigningKey
from sandbox_api import sentences
from sandbox_api.client import Wallet
from tests.browser.conftest import Device
from tests.processes.running import Running, command

AXE: Final = (Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js").read_text()
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]
LANGUAGES: Final = sentences.LANGUAGES


def said(key: str, lang: str = "en", **params: Any) -> str:
    """What the catalogue says."""
    return sentences.text(key, lang, **params)


SETTLED: Final = """async () => Promise.allSettled(
    document.getAnimations()
        .filter((one) => one.effect.getComputedTiming().endTime < Infinity)
        .map((one) => one.finished)
)"""
"""Waits for the animations that end by themselves."""


def faults(page: Page) -> list[str]:
    """What axe finds to be serious or worse, once nothing is fading in any more."""
    page.evaluate(SETTLED)
    page.evaluate(AXE)
    found = page.evaluate(
        f"async () => (await axe.run(document, {{runOnly: {json.dumps(TAGS)}}})).violations"
    )
    return [
        f"{one['id']}: {node['html'][:120]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def misfits(page: Page) -> list[str]:
    """What is wider than the screen, or too small for a finger."""
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, summary, a.button, a.door, .tender")]
            .map((one) => [one.className || one.textContent, one.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.height < 47.5 || box.width < 47.5))
            .map(([name]) => name)"""
    )
    return ["wider than the screen"] * (wide > 0) + [f"small: {name}" for name in small]


def ask(
    device: Device, till: str, keys: str = "1290", lang: str = "en", *, deposit: bool = False
) -> tuple[Page, str]:
    """Open a till, type an amount, show the QR; the page and the link its QR leads to."""
    page = device.open(f"/till/{till}")
    for key in keys:
        page.get_by_role("button", name=key, exact=True).click()
    page.get_by_role("button", name=said("till.deposit" if deposit else "till.ask", lang)).click()
    expect(page.get_by_role("img", name=said("till.qr", lang))).to_be_visible()
    link = page.get_by_role("link", name=said("till.link", lang)).get_attribute("href")
    assert link is not None
    return page, link


def choose(page: Page, asset: str) -> None:
    """Pick a way to pay."""
    page.locator(f"input[value={asset}]").check()


def pay(page: Page) -> None:
    """Press the pay button."""
    page.locator(".bottom button").click()


def persona(sandbox: Running, name: str) -> Wallet:
    """A seeded party that signs with its own key."""
    shown = subprocess.run(
        command("keys", "show", name, "--data", sandbox.facts["data"]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    client = sandbox.client()
    personas = {one["name"]: one["accounts"] for one in client.get("/sandbox")["personas"]}
    accounts = {row["asset"]: row["id"] for row in personas.get(name, [])}
    return Wallet(client, SigningKey.from_jwk(json.loads(shown.stdout)), accounts)
