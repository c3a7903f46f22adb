"""The browser's device against the Python one: the same bytes from the same hands, same refusals.

The JavaScript modules run under node (`device.js`); the Python device is `sandbox_api.purse`. Both
sides of docs/offline.md must be good for each other, or a phone could not pay a program.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which
from typing import Any

import pytest
import segno

from ledger.core import offline
from ledger.core.ids import b64
from ledger.core.offline import from_text, read_chain, to_text
from sandbox_api.purse import OfflineRefused, Purse
from tests.test_purse import CHEATS, DAY, LEDGER, NOW, a_purse, certificate, key, notice, resigned


class Browser:
    """Devices in one node process. `name` is a person of tests/test_purse.py."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def raw(self, act: str, **members: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"act": act, **members}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __call__(self, act: str, name: str = "", **members: Any) -> Any:
        answer = self.raw(act, name=name, **members)
        assert "done" in answer, answer
        return answer["done"]

    def refusal(self, act: str, name: str, **members: Any) -> str:
        answer = self.raw(act, name=name, **members)
        assert "refused" in answer, answer
        return str(answer["refused"])

    def make(self, name: str, loaded: int = 0, **other: Any) -> str:
        """The named one's device, with the very key that `a_purse` gives it."""
        id: str = self(
            "make", name, seed=b64(key(name).seed), ledger=b64(LEDGER),
            home=b64(f"{name} wallet".encode().ljust(16, b".")[:16]),
            centralBank=b64(key("nbk").public_key),
        )  # fmt: skip
        self("notice", name, form=b64(notice()))
        paper = offline.certificate_bytes(LEDGER, certificate(name, loaded, **other))
        self("certificate", name, form=b64(paper))
        return id


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    node = which("node")
    if node is None:
        pytest.skip("node is not installed")
    with subprocess.Popen(
        [node, "device.js"], cwd=Path(__file__).parent, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield Browser(process)
        process.terminate()


def paid(purse: Purse, address: str, amount: str | None = None) -> str:
    (text,) = purse.pay(address, amount, at=NOW)
    return text


def test_both_make_the_same_bytes_hop_by_hop(browser: Browser) -> None:
    """One story told twice, from the same keys: every code and every chain is the same text."""
    aigul, daniyar, guest = a_purse("aigul", 1000_00), a_purse("daniyar", 100_00), a_purse("guest")
    ids = [browser.make("aigul", 1000_00), browser.make("daniyar", 100_00), browser.make("guest")]
    assert ids == [aigul.id, daniyar.id, guest.id]
    assert browser("address", "daniyar", amount=300_00) == daniyar.address("300.00")

    first = paid(aigul, daniyar.address("300.00"))
    assert browser("pay", "aigul", address=daniyar.address("300.00"), amount=None, at=NOW) == [
        first
    ]
    taken = daniyar.receive(first, at=NOW)
    assert browser("receive", "daniyar", text=first, at=NOW) == {
        "id": taken.id, "payer": taken.payer, "amount": 300_00, "hops": 1, "before": taken.before,
    }  # fmt: skip
    both = daniyar.pay(guest.address(), "350.00", at=NOW)
    assert browser("pay", "daniyar", address=guest.address(), amount=350_00, at=NOW) == both
    for text in both:
        guest.receive(text, at=NOW)
        browser("receive", "guest", text=text, at=NOW)

    seen = browser("look", "guest")
    assert (seen["balance"], [row["hops"] for row in seen["received"]]) == (350_00, [1, 2])
    assert browser("empty", "guest", at=NOW) == guest.empty(NOW)
    assert browser("empty", "daniyar", at=NOW) == daniyar.empty(NOW)
    chain = daniyar.empty(NOW)[0]
    daniyar.emptied(chain)
    browser("emptied", "daniyar", chain=chain)
    assert browser("empty", "daniyar", at=NOW) == daniyar.empty(NOW)


def test_a_program_and_a_phone_pay_each_other_and_what_was_received_goes_on(
    browser: Browser,
) -> None:
    aigul, guest = a_purse("aigul", 1000_00), a_purse("guest")
    browser.make("daniyar")

    text = paid(aigul, browser("address", "daniyar", amount=0), "300.00")
    browser("receive", "daniyar", text=text, at=NOW)
    (on,) = browser("pay", "daniyar", address=guest.address(), amount=200_00, at=NOW)
    assert guest.receive(on, at=NOW).hops == 2
    back = paid(guest, aigul.address(), "50.00")
    assert aigul.receive(back, at=NOW).hops == 3
    last = paid(guest, browser("address", "daniyar", amount=0), "150.00")
    assert browser("receive", "daniyar", text=last, at=NOW)["hops"] == 3
    refused = browser.refusal("pay", "daniyar", address=aigul.address(), amount=150_00, at=NOW)
    assert refused == "funds", "money with three hops behind it goes no further"


@pytest.mark.parametrize(("code", "changes"), CHEATS)
def test_the_browser_is_cheated_as_little(
    browser: Browser, code: str, changes: dict[str, Any]
) -> None:
    browser.make("daniyar")
    text = paid(a_purse("aigul", 1000_00), browser("address", "daniyar", amount=300_00))
    before = browser("look", "daniyar")

    assert browser.refusal("receive", "daniyar", text=resigned(text, **changes), at=NOW) == code

    assert browser("look", "daniyar") == before
    assert browser("receive", "daniyar", text=resigned(text), at=NOW)["amount"] == 300_00


def test_what_else_the_browser_refuses(browser: Browser) -> None:
    """Seen before, its own, another's, frozen, an old notice, over the cap, twice, too far."""
    browser.make("daniyar", 100_00)
    browser.make("small", purse_max=299_99)
    aigul, guest = a_purse("aigul", 1000_00), a_purse("guest")
    twin = Purse(aigul.to_bytes())
    text = paid(aigul, browser("address", "daniyar", amount=300_00))

    assert browser.refusal("receive", "daniyar", text=text, at=NOW + 7 * DAY) == "notice"
    assert browser.refusal("receive", "small", text=text, at=NOW) == "payee"
    browser("receive", "daniyar", text=text, at=NOW)
    assert browser.refusal("receive", "daniyar", text=text, at=NOW) == "seen"
    other = paid(twin, browser("address", "daniyar", amount=200_00))
    assert browser.refusal("receive", "daniyar", text=other, at=NOW) == "contradiction"
    over = paid(aigul, browser("address", "small", amount=300_00))
    assert browser.refusal("receive", "small", text=over, at=NOW) == "purse_max"

    (own,) = browser("pay", "daniyar", address=guest.address(), amount=300_00, at=NOW)
    assert browser.refusal("receive", "daniyar", text=own, at=NOW) == "own"
    hops = resigned(own, cert={"hops": 1})
    browser.make("guest")
    assert browser.refusal("receive", "guest", text=hops, at=NOW) == "hops"
    frozen = notice(101, frozen=(offline.purse_id(key("aigul").public_key),))
    browser("notice", "guest", form=b64(frozen))
    assert browser.refusal("receive", "guest", text=own, at=NOW) == "frozen"
    assert browser.refusal("notice", "guest", form=b64(notice())) == "notice", "an older one"
    assert browser.refusal("notice", "guest", form=b64(notice(102, by="a stranger"))) == "notice"


def test_what_the_browser_does_not_pay(browser: Browser) -> None:
    browser.make("aigul", 1000_00)
    to = a_purse("daniyar").address()
    elsewhere = to_text(offline.Address(b"x" * 16, bytes(16), 1).to_bytes())
    for code, members in (
        ("funds", {"address": to, "amount": 1000_01, "at": NOW}),
        ("amount", {"address": to, "amount": None, "at": NOW}),
        ("ends_at", {"address": to, "amount": 5_00, "at": NOW + 30 * DAY}),
        ("ledger", {"address": elsewhere, "amount": None, "at": NOW}),
        ("prefix", {"address": "hello", "amount": 1, "at": NOW}),
    ):
        assert browser.refusal("pay", "aigul", **members) == code
    own = browser("address", "aigul", amount=5_00)
    assert browser.refusal("pay", "aigul", address=own, amount=None, at=NOW) == "own_address"


def test_a_browser_that_was_restored_from_an_older_copy_notices(browser: Browser) -> None:
    browser.make("aigul", 1000_00)
    browser("copy", "aigul", **{"as": "older"})
    daniyar = a_purse("daniyar")
    (text,) = browser("pay", "aigul", address=daniyar.address(), amount=300_00, at=NOW)
    daniyar.receive(text, at=NOW)
    back = paid(daniyar, browser("address", "aigul", amount=300_00))

    assert browser.refusal("receive", "older", text=back, at=NOW) == "older_copy"
    assert browser("receive", "aigul", text=back, at=NOW)["hops"] == 2
    (clash,) = browser("pay", "older", address=daniyar.address(), amount=200_00, at=NOW)
    with pytest.raises(OfflineRefused, match="twice"):
        daniyar.receive(clash, at=NOW)


def test_two_windows_that_pay_at_once_never_spend_the_same(browser: Browser) -> None:
    browser.make("aigul", 1000_00)
    daniyar = a_purse("daniyar")

    texts = browser("both", "aigul", address=daniyar.address(), at=NOW)

    payments = [read_chain(from_text(text)).last for (text,) in texts]
    assert sorted(one.counter for one in payments) == [1, 2]
    assert not offline.contradiction(payments[0], payments[1], LEDGER)
    assert browser("look", "aigul")["balance"] == 999_97


def test_every_changed_byte_of_a_payment_is_noticed_by_the_browser(browser: Browser) -> None:
    browser.make("daniyar")
    data = from_text(paid(a_purse("aigul", 1000_00), browser("address", "daniyar", amount=300_00)))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        code = browser.refusal("receive", "daniyar", text=to_text(bytes(changed)), at=NOW)
        assert code != "bug", place
    assert browser("receive", "daniyar", text=to_text(data), at=NOW)["amount"] == 300_00


@pytest.mark.parametrize(
    ("name", "cut"),
    [("address", 0), ("chain-1", 0), ("chain-2", 0), ("chain-3", 1)],
)
def test_the_browsers_qr_code_is_the_one_that_segno_draws(
    browser: Browser, name: str, cut: int
) -> None:
    """A character is cut where the end falls on a whole byte: segno writes a byte of zeros there
    before the pad bytes, ISO/IEC 18004 has none, and readers see neither."""
    folder = Path(__file__).parents[1] / "vectors" / "offline"
    known = json.loads((folder / f"{name}.json").read_text())
    text = known["text"][: len(known["text"]) - cut]

    drawn = browser("qr", text=text)

    codes = [segno.make_qr(text, error="m", mask=mask, boost_error=False) for mask in range(8)]
    assert codes[0].designator == known["qr"]
    assert len(drawn) == len(browser("qr", text=known["text"]))
    assert drawn in [[list(row) for row in code.matrix] for code in codes]
