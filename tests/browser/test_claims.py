"""What others want of a wallet and a shop of its customers: requests to pay, deposits, locks,
consents, freezes, aliases, on the screens and in the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.keyring import Keyring
from ledger.ledger import OPERATOR_KEY
from sandbox_api import sentences
from sandbox_api.client import Wallet
from tests.browser.conftest import Device, Devices
from tests.browser.looking import LANGUAGES, ask, faults, misfits, pay, persona, said
from tests.processes.running import Running

DAY_MS = 86_400_000

SIGN = """async ([kind, members]) => {
    const { openApi } = await import("/static/client/api.js");
    const { openKey, nonce, seal } = await import("/static/client/sign.js");
    const api = openApi({ key: JSON.parse(document.body.dataset.config).key });
    await api.get("/v1/sandbox");
    const payload = { kind, ledger: api.ledger, nonce: nonce(), not_after: api.now() + 60000,
                      ...members };
    return api.submit((await seal(payload, "tenge-tx", await openKey("wallet"))).jws);
}"""
"""Signs with the wallet's own key what no screen offers."""


def number(device: Device) -> str:
    """The account number that a wallet tells."""
    page = device.open("/wallet/send")
    found = page.locator(".number code").inner_text()
    page.close()
    return found


def well(device: Device, page: Page, name: str) -> None:
    """Keep a picture of a page that has no fault."""
    found = faults(page) + misfits(page)
    device.shot(page, name)
    assert found == []


def sheet(page: Page) -> Any:
    """The question that is open."""
    return page.locator("dialog.sheet")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("desk", [False, True], ids=["phone", "desk"])
def test_a_request_to_pay_comes_in_by_itself_and_is_paid_with_a_tap_and_a_yes(
    device: Devices, sandbox: Running, lang: str, desk: bool
) -> None:
    shopper, other = device(lang, desk=desk), Wallet.join(sandbox.client())
    account = number(shopper)
    page = shopper.open("/wallet")
    expect(page.locator(".money-card")).to_be_visible()

    asked = other.ask("1250.00", "bicycle", from_=account)

    expect(page.locator(".asks li")).to_contain_text(sentences.money("1250.00", lang))
    well(shopper, page, f"asks-{lang}-{desk}")
    page.locator(".asks li .button").first.click()
    expect(sheet(page)).to_contain_text(said("ask.pay.title", lang))
    well(shopper, page, f"ask-sheet-{lang}-{desk}")
    sheet(page).locator("button").first.click()
    flood = page.get_by_role("dialog", name=said("sale.paid", lang))
    expect(flood).to_contain_text(sentences.money("1250.00", lang))
    well(shopper, page, f"ask-paid-{lang}-{desk}")
    flood.get_by_role("button", name=said("flood.receipt", lang)).click()
    page.get_by_role("button", name=said("receipt.check", lang)).click()
    expect(page.get_by_text(said("receipt.good", lang))).to_be_visible()
    assert sandbox.client().ask(asked)["status"] == "paid"


def test_a_request_is_declined_with_the_keyboard_alone(device: Devices, sandbox: Running) -> None:
    shopper, other = device("ru", desk=True), Wallet.join(sandbox.client())
    asked = other.ask("700.00", "tea", from_=number(shopper))
    page = shopper.open("/wallet")
    decline = page.locator(".asks li .button.soft")
    decline.focus()

    page.keyboard.press("Enter")
    expect(sheet(page)).to_contain_text(said("ask.decline.title", "ru"))
    page.keyboard.press("Escape")
    expect(sheet(page)).to_have_count(0)
    expect(decline).to_be_focused()
    page.keyboard.press("Enter")
    sheet(page).locator("button").first.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_text(said("ask.declined", "ru"))).to_be_visible()
    expect(page.locator(".asks li")).to_have_count(0)
    assert sandbox.client().ask(asked)["status"] == "declined"


def test_a_request_beyond_the_balance_says_why_and_stays(device: Devices, sandbox: Running) -> None:
    shopper, other = device("kk"), Wallet.join(sandbox.client())
    other.ask("60000.00", "car", from_=number(shopper))
    page = shopper.open("/wallet")
    expect(page.locator(".asks .wrong")).to_have_text(said("pay.short", "kk"))

    page.locator(".asks li .button").first.click()
    sheet(page).locator("button").first.click()

    expect(sheet(page).get_by_role("alert")).to_contain_text(
        said("refusal.FUNDS.what", "kk", asset="KZTD", available="50000.00")[:20]
    )
    well(shopper, page, "ask-refused")
    page.keyboard.press("Escape")
    expect(page.locator(".asks li")).to_have_count(1)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_deposit_is_reserved_taken_in_part_and_the_rest_comes_back(
    device: Devices, sandbox: Running, lang: str
) -> None:
    counter, shopper = device(lang, desk=True), device(lang)
    till, link = ask(counter, "market", "9000", lang, deposit=True)
    wallet = shopper.open(link)
    expect(wallet.locator(".bottom button")).to_contain_text(sentences.money("9000.00", lang))
    well(shopper, wallet, f"deposit-pay-{lang}")

    pay(wallet)

    for page in (till, wallet):
        flood = page.get_by_role("dialog", name=said("sale.held", lang))
        expect(flood).to_contain_text(sentences.money("9000.00", lang))
    wallet.get_by_role("dialog").get_by_role("button").click()
    expect(wallet.locator(".money-card .aside")).to_contain_text(sentences.money("9000.00", lang))
    expect(wallet.locator(".reserved li")).to_contain_text(said("till.market.name", lang))
    well(shopper, wallet, f"deposit-wallet-{lang}")
    wallet.goto(link)
    expect(wallet.get_by_text(said("pay.is.held", lang))).to_be_visible()

    till.get_by_role("dialog").get_by_role("button").click()
    till.locator(".sales .line").first.click()
    well(counter, till, f"deposit-till-{lang}")
    till.locator(".sale .row .button").first.click()
    expect(sheet(till)).to_contain_text(said("shop.title", lang))
    well(counter, till, f"deposit-connect-{lang}")
    till.get_by_label(said("shop.key", lang)).fill("nonsense")
    till.get_by_role("button", name=said("shop.connect", lang)).click()
    expect(sheet(till).get_by_role("alert")).to_have_text(said("shop.wrong", lang))
    till.get_by_label(said("shop.key", lang)).fill(
        json.dumps(persona(sandbox, "market").key.to_jwk())
    )
    till.get_by_role("button", name=said("shop.connect", lang)).click()
    amount = till.get_by_label(said("deposit.amount", lang))
    expect(amount).to_have_value("9000.00")
    amount.fill("2500,5")
    well(counter, till, f"deposit-take-{lang}")
    sheet(till).locator("button").first.click()

    expect(till.locator(".sale .state")).to_have_text(said("sale.paid", lang))
    expect(till.locator(".sale > .total")).to_have_text(sentences.money("2500.50", lang))
    expect(till.locator(".sale > .facts")).to_contain_text(sentences.money("9000.00", lang))
    well(counter, till, f"deposit-taken-{lang}")
    wallet.goto(f"{shopper.url}/wallet")
    expect(wallet.locator(".money-card .amount")).to_have_text(sentences.money("47499.50", lang))
    expect(wallet.locator(".reserved")).to_have_count(0)

    till.get_by_role("button", name=said("refund.open", lang)).click()
    sheet(till).locator("button").first.click()
    what = sentences.money("2500.50", lang)
    expect(till.get_by_text(said("refund.done", lang, what=what))).to_be_visible()
    expect(wallet.locator(".money-card .amount")).to_have_text(sentences.money("50000.00", lang))


def test_a_deposit_taken_bit_by_bit_survives_a_reload_and_is_given_back(
    device: Devices, sandbox: Running
) -> None:
    counter, shopper = device("en"), device("en")
    till, link = ask(counter, "cafe", "5000", deposit=True)
    wallet = shopper.open(link)
    expect(wallet.locator(".bottom button")).to_be_enabled()
    pay(wallet)
    expect(till.get_by_role("dialog", name=said("sale.held"))).to_be_visible()
    till.reload()
    expect(till.locator(".sales .line.held")).to_have_count(1)
    till.locator(".sales .line.held").click()
    till.locator(".sale .row .button").first.click()
    till.get_by_label(said("shop.key")).fill(json.dumps(persona(sandbox, "cafe").key.to_jwk()))
    till.get_by_role("button", name=said("shop.connect")).click()
    till.get_by_label(said("deposit.amount")).fill("1000")
    till.get_by_label(said("deposit.last")).uncheck()
    sheet(till).locator("button").first.click()
    expect(till.locator(".sale > .facts")).to_contain_text("₸4,000")
    expect(till.locator(".sale .state")).to_have_text(said("sale.held"))
    well(counter, till, "deposit-partly")
    wallet.goto(f"{shopper.url}/wallet")
    expect(wallet.locator(".money-card .aside")).to_contain_text("₸4,000")

    till.get_by_role("button", name=said("deposit.last")).click()
    expect(sheet(till)).to_be_visible()
    well(counter, till, "deposit-void")
    sheet(till).locator("button").first.click()

    expect(till.locator(".sale .state")).to_have_text(said("sale.paid"))
    expect(wallet.locator(".money-card .amount")).to_have_text("₸49,000")
    expect(wallet.locator(".money-card .aside")).to_have_count(0)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_deposit_that_is_let_go_of_says_so_at_till_and_wallet(
    device: Devices, sandbox: Running, lang: str
) -> None:
    counter, shopper = device(lang, desk=True), device(lang)
    till, link = ask(counter, "market", "3000", lang, deposit=True)
    wallet = shopper.open(link)
    expect(wallet.locator(".bottom button")).to_be_enabled()
    pay(wallet)
    expect(till.get_by_role("dialog", name=said("sale.held", lang))).to_be_visible()
    till.get_by_role("dialog").get_by_role("button").click()
    shop = persona(sandbox, "market")
    held = [
        one for one in sandbox.client().holds(shop.accounts["KZTD"])
        if one["payment"] == link.rpartition("/")[2]
    ]  # fmt: skip

    shop.void(held[0]["id"])

    expect(till.locator(".sales .line.void")).to_have_count(1)
    till.locator(".sales .line.void").click()
    expect(till.locator(".sale .state")).to_have_text(said("sale.void", lang))
    well(counter, till, f"deposit-gone-{lang}")
    wallet.goto(link)
    expect(wallet.get_by_text(said("pay.is.void", lang))).to_be_visible()
    well(shopper, wallet, f"deposit-gone-pay-{lang}")


def test_a_deposit_whose_time_ran_out_went_back_and_both_screens_know(chromium: Browser) -> None:
    own = Running("--ephemeral")  # its clock is moved
    devices = Devices(own, chromium)
    try:
        counter, shopper = devices("en", desk=True), devices("en")
        till, link = ask(counter, "market", "3000", deposit=True)
        wallet = shopper.open(link)
        expect(wallet.locator(".bottom button")).to_be_enabled()
        pay(wallet)
        expect(till.get_by_role("dialog", name=said("sale.held"))).to_be_visible()
        till.get_by_role("dialog").get_by_role("button").click()
        operator = Keyring.open_or_create(Path(own.facts["data"]) / "keyring").key(OPERATOR_KEY)

        Wallet(own.client(), operator).send("clock/1", offset=25 * 3_600_000, frozen_at=None)

        expect(till.locator(".sales .line.void")).to_have_count(1)
        wallet.goto(f"{shopper.url}/wallet")
        expect(wallet.locator(".money-card .amount")).to_have_text("₸50,000")
        expect(wallet.locator(".reserved")).to_have_count(0)
        expect(wallet.locator(".history .line").first).to_contain_text(said("kind.expire"))
    finally:
        devices.close()
        own.end()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_locks_and_services_are_listed_and_ended(
    device: Devices, sandbox: Running, lang: str
) -> None:
    shopper, other = device(lang), Wallet.join(sandbox.client())
    account = number(shopper)
    page = shopper.open("/wallet")
    expect(page.locator(".money-card")).to_be_visible()
    until = sandbox.client().now() + 3 * DAY_MS
    page.evaluate(SIGN, ["lock/1", {"from": account, "to": other.accounts["KZTD"],
                                    "amount": "4000.00", "ends_at": until,
                                    "condition": {"type": "two_party"}}])  # fmt: skip
    page.evaluate(SIGN, ["consent/1", {"account": account, "service": other.party(),
                                       "scopes": ["pay", "sweep"], "cap_payment": "900.00",
                                       "cap_day": "2000.00", "ends_at": until}])  # fmt: skip
    other.lock(account, "60.00", hash="k" * 42 + "A")

    page.reload()
    expect(page.locator(".reserved li")).to_have_count(2)
    expect(page.locator(".money-card .aside")).to_contain_text(sentences.money("4000.00", lang))
    expect(page.locator(".services li")).to_contain_text(said("scope.sweep", lang))
    well(shopper, page, f"locks-{lang}")

    page.get_by_role("button", name=said("lock.release", lang)).click()
    sheet(page).locator("button").first.click()
    expect(page.locator(".reserved li")).to_have_count(1)
    page.get_by_role("button", name=said("lock.cancel", lang)).click()
    sheet(page).locator("button").first.click()
    expect(page.locator(".reserved")).to_have_count(0)
    page.locator(".services li .button").click()
    expect(sheet(page)).to_be_visible()
    well(shopper, page, f"revoke-{lang}")
    sheet(page).locator("button").first.click()
    expect(page.locator(".services")).to_have_count(0)
    expect(page.locator(".money-card .amount")).to_have_text(sentences.money("46000.00", lang))
    consents = sandbox.client().get(f"/accounts/{account}/consents")["consents"]
    assert [one["status"] for one in consents] == ["revoked"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_frozen_account_is_shown_as_frozen_with_its_order(
    device: Devices, sandbox: Running, lang: str
) -> None:
    shopper = device(lang)
    account = number(shopper)
    first, second = persona(sandbox, "supervisor"), persona(sandbox, "supervisor-2")

    second.approve(first.propose("freeze/1", account=account, order="COURT 12-34"))

    page = shopper.open("/wallet")
    frozen = page.locator(".frozen")
    expect(frozen).to_contain_text(said("refusal.ACCOUNT_FROZEN.what", lang))
    expect(frozen).to_contain_text("COURT 12-34")
    well(shopper, page, f"frozen-{lang}")


def bind(sandbox: Running, owner: Wallet, *, phone: bool) -> tuple[str, Any]:
    """Give somebody an alias: what a person would type, and what the sandbox keeps."""
    keeper, alias = sandbox.client(secret=True), {"account": owner.accounts["KZTD"]}
    if phone:
        named = keeper.name_alias("phone", "Aigerim Testova", "+77000004812")
        persona(sandbox, "bank").send(
            "alias/1", alias=named["alias"], form="phone", ends_at=None, **alias
        )
        return "8 (700) 000-48-12", named
    named = keeper.name_alias("random", "Aigerim Testova")
    owner.send("alias/1", alias=named["alias"], form="random", ends_at=None, **alias)
    return named["word"].upper(), named


@pytest.mark.parametrize("lang", LANGUAGES)
def test_somebody_is_paid_by_a_word_after_their_masked_name_is_seen(
    device: Devices, sandbox: Running, lang: str
) -> None:
    shopper, other = device(lang), Wallet.join(sandbox.client())
    typed, named = bind(sandbox, other, phone=lang == "ru")
    page = shopper.open("/wallet/send")
    word = page.get_by_label(said("people.word", lang))
    word.fill("nobodyhere")
    page.get_by_role("button", name=said("people.find", lang)).click()
    expect(page.get_by_role("alert").filter(has_text=said("people.none", lang))).to_be_visible()

    word.fill(typed)
    page.get_by_role("button", name=said("people.find", lang)).click()

    expect(sheet(page).locator("h2")).to_have_text(named["name"])
    page.get_by_label(said("people.amount", lang, asset=said("asset.KZTD", lang))).fill("1 234,50")
    well(shopper, page, f"people-{lang}")
    sheet(page).get_by_role(
        "button", name=said("pay.pay", lang, what=sentences.money("1234.50", lang))
    ).click()
    flood = page.get_by_role("dialog", name=said("sale.paid", lang))
    expect(flood).to_contain_text(named["name"])
    flood.get_by_role("button", name=said("flood.receipt", lang)).click()
    expect(page.locator(".slip h1")).to_have_text(named["name"])
    assert other.balance() == "51234.50"


def test_somebody_is_asked_for_money_by_account_number_and_the_answer_is_seen(
    device: Devices, sandbox: Running
) -> None:
    shopper, other = device("kk"), Wallet.join(sandbox.client())
    page = shopper.open("/wallet/send")
    page.get_by_label(said("people.word", "kk")).fill(other.accounts["KZTD"])
    page.get_by_role("button", name=said("people.find", "kk")).click()
    page.get_by_role("button", name=said("people.ask", "kk"), exact=True).first.click()
    page.get_by_label(said("people.amount", "kk", asset=said("asset.KZTD", "kk"))).fill("300")
    well(shopper, page, "people-ask")

    sheet(page).locator("button").nth(2).click()

    name = said("who.other", "kk", tail=other.accounts["KZTD"][-4:])
    expect(page.get_by_text(said("people.asked", "kk", name=name))).to_be_visible()
    [waiting] = sandbox.client().asks(other.party())
    page.goto(f"{shopper.url}/wallet")
    expect(page.locator(".asked li")).to_contain_text(said("ask.is.open", "kk"))
    other.pay_ask(waiting["id"])
    expect(page.locator(".asked li")).to_contain_text(said("ask.is.paid", "kk"))
    well(shopper, page, "asked")


@pytest.mark.parametrize("desk", [False, True], ids=["phone", "desk"])
def test_full_screens_are_good_in_the_dark(sandbox: Running, chromium: Browser, desk: bool) -> None:
    devices = Devices(sandbox, chromium)
    try:
        shopper, other = (
            devices("ru", desk=desk, color_scheme="dark"),
            Wallet.join(sandbox.client()),
        )
        other.ask("1250.00", "bicycle", from_=number(shopper))
        other.lock(number(shopper), "60.00")
        page = shopper.open("/wallet")
        expect(page.locator(".reserved li")).to_have_count(1)
        well(shopper, page, f"dark-wallet-{desk}")
        page.locator(".asks li .button").first.click()
        expect(sheet(page)).to_be_visible()
        well(shopper, page, f"dark-sheet-{desk}")
        till, _ = ask(shopper, "cafe", "5000", "ru", deposit=True)
        well(shopper, till, f"dark-deposit-{desk}")
    finally:
        devices.close()
