"""What a cashier and a shopper see: till and wallet in real browsers, against a real sandbox."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ledger.keyring import Keyring
from ledger.ledger import OPERATOR_KEY
from sandbox_api import sentences
from sandbox_api.client import Wallet
from tests.browser.conftest import Devices
from tests.browser.looking import LANGUAGES, ask, choose, faults, misfits, pay, persona, said
from tests.processes.running import Running


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("desk", [False, True], ids=["phone", "desk"])
def test_tenge_passes_at_the_supermarket_and_the_till_turns_green(
    device: Devices, lang: str, desk: bool
) -> None:
    counter, shopper = device(lang, desk=desk), device(lang, desk=desk)
    till, link = ask(counter, "market", lang=lang)
    counter.shot(till, f"till-waiting-{lang}-{desk}")
    wallet = shopper.open(link)
    for page in (till, wallet):
        expect(page.locator(".countdown").get_by_text(":")).to_be_visible()
    shopper.shot(wallet, f"pay-{lang}-{desk}")

    pay(wallet)

    for page in (till, wallet):
        flood = page.get_by_role("dialog", name=said("sale.paid", lang))
        expect(flood).to_contain_text(sentences.money("1290.00", lang))
    counter.shot(till, f"till-paid-{lang}-{desk}")
    till.get_by_role("dialog").get_by_role("button").click()
    expect(till.locator(".sales li").first).to_contain_text(said("sale.paid", lang))
    wallet.get_by_role("dialog").get_by_role("button").click()
    expect(wallet.locator(".money-card .amount")).to_have_text(sentences.money("48710.00", lang))
    expect(wallet.locator(".history .line").first).to_contain_text(said("till.market.name", lang))
    shopper.shot(wallet, f"wallet-{lang}-{desk}")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_crypto_is_refused_at_the_supermarket_and_one_tap_pays_in_tenge(
    device: Devices, lang: str
) -> None:
    counter, shopper = device(lang, desk=True), device(lang)
    till, link = ask(counter, "market", lang=lang)
    what = said("refusal.ZONE_OUTSIDE.what", lang, asset="tUSDT")
    wallet = shopper.open(link)
    choose(wallet, "tUSDT")
    expect(wallet.locator(".caution")).to_contain_text(what)
    shopper.shot(wallet, f"pay-caution-{lang}")

    pay(wallet)

    for page in (wallet, till):
        alert = page.locator(".refused-box")
        expect(alert).to_contain_text(what)
        expect(alert).to_contain_text(said("refusal.ZONE_OUTSIDE.mend", lang))
    expect(till.locator(".refused-box")).to_contain_text(said("till.hint.tenge", lang))
    shopper.shot(wallet, f"pay-refused-{lang}")
    counter.shot(till, f"till-refused-{lang}")

    wallet.get_by_role("button", name=said("pay.instead", lang, total="1290.00")).click()

    expect(wallet.get_by_role("dialog", name=said("sale.paid", lang))).to_be_visible()
    expect(till.get_by_role("dialog", name=said("sale.paid", lang))).to_be_visible()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_crypto_is_converted_where_it_does_not_pass_and_the_shop_gets_tenge(
    device: Devices, lang: str
) -> None:
    counter, shopper = device(lang, desk=True), device(lang)
    till, link = ask(counter, "market", lang=lang)
    wallet = shopper.open(link)
    expect(wallet.locator(".convert")).to_have_count(0)
    choose(wallet, "tUSDT")
    convert = wallet.locator(".convert")
    expect(convert).to_contain_text(said("pay.convert.text", lang))

    convert.get_by_role("button", name=said("pay.convert.ask", lang)).click()
    expect(convert).to_contain_text(sentences.money("1290.00", lang))
    shopper.shot(wallet, f"pay-convert-{lang}")
    assert faults(wallet) == []
    convert.locator(".button.big").click()

    for page in (wallet, till):
        flood = page.get_by_role("dialog", name=said("sale.paid", lang))
        expect(flood).to_contain_text(sentences.money("1290.00", lang))
        expect(flood).not_to_contain_text("tUSDT")
    wallet.get_by_role("dialog").get_by_role("button").click()
    expect(wallet.locator(".money-card .amount")).to_have_text(sentences.money("50000.00", lang))
    row = wallet.locator(".history .line").first
    expect(row).to_contain_text(said("till.market.name", lang))
    expect(row).to_contain_text("tUSDT")


def test_a_refused_payment_in_crypto_is_converted_after_all(device: Devices) -> None:
    counter, shopper = device("en", desk=True), device("en")
    till, link = ask(counter, "market")
    wallet = shopper.open(link)
    choose(wallet, "tUSDT")
    pay(wallet)
    expect(wallet.locator(".refused-box")).to_be_visible()

    convert = wallet.locator(".convert")
    convert.get_by_role("button", name=said("pay.convert.ask")).click()
    convert.locator(".button.big").click()

    expect(till.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()


def test_the_same_crypto_passes_at_the_cafe_and_the_receipt_holds(device: Devices) -> None:
    counter, shopper = device("en", desk=True), device("en")
    till, link = ask(counter, "cafe")
    expect(till.locator(".accepts .no")).to_have_count(0)
    wallet = shopper.open(link)
    choose(wallet, "tUSDT")

    pay(wallet)

    expect(till.get_by_role("dialog")).to_contain_text("tUSDT")
    wallet.get_by_role("dialog").get_by_role("button").click()
    wallet.locator(".history .line").first.click()
    shopper.shot(wallet, "receipt")
    wallet.get_by_role("button", name=said("receipt.check")).click()
    expect(wallet.get_by_text(said("receipt.good"))).to_be_visible()
    expect(wallet.get_by_role("link", name=said("receipt.save"))).to_be_visible()
    shopper.shot(wallet, "receipt-verified")
    assert faults(wallet) == []


def test_a_suspended_zone_is_told_before_anybody_pays(device: Devices, sandbox: Running) -> None:
    counter, shopper = device("kk", desk=True), device("kk")
    till, link = ask(counter, "cafe", lang="kk")
    wallet = shopper.open(link)
    choose(wallet, "tUSDT")
    supervisor = persona(sandbox, "supervisor")
    zone = sandbox.facts["zone"]

    supervisor.send("zone_suspend/1", zone=zone)
    try:
        pay(wallet)
        refused = wallet.locator(".refused-box")
        expect(refused).to_contain_text("сынақ аймағының жұмысы тоқтатылған")
        expect(till.locator(".accepts .no").first).to_be_visible()
        counter.shot(till, "till-suspended")
        wallet.get_by_role("button", name=said("pay.instead", "kk", total="1290.00")).click()
        expect(till.get_by_role("dialog", name=said("sale.paid", "kk"))).to_be_visible()
    finally:
        supervisor.send("zone_resume/1", zone=zone)


def test_a_reload_finds_the_sale_again_and_what_became_of_it(device: Devices) -> None:
    counter, shopper = device("en", desk=True), device("en")
    till, link = ask(counter, "market")
    till.reload()
    expect(till.get_by_role("img", name=said("till.qr"))).to_be_visible()
    till.goto("about:blank")
    wallet = shopper.open(link)
    pay(wallet)
    expect(wallet.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()

    till.goto(f"{counter.url}/till/market")

    expect(till.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()
    wallet.goto(link)
    expect(wallet.get_by_text(said("pay.is.paid"))).to_be_visible()


def test_a_lost_connection_is_told_and_made_good(device: Devices) -> None:
    counter, shopper = device("en", desk=True), device("en")
    till, link = ask(counter, "market")
    expect(till.locator(".link.live")).to_be_visible()
    counter.context.set_offline(True)
    till.evaluate("dispatchEvent(new Event('offline'))")
    expect(till.get_by_text(said("offline"))).to_be_visible()
    wallet = shopper.open(link)
    pay(wallet)
    expect(wallet.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()

    counter.context.set_offline(False)

    expect(till.get_by_role("dialog", name=said("sale.paid"))).to_be_visible(timeout=30_000)
    expect(till.get_by_text(said("offline"))).to_be_hidden()
    counter.complaints.clear()  # Chromium tells of every connection that failed


def test_an_answer_that_was_lost_is_asked_for_again_and_nothing_is_paid_twice(
    device: Devices,
) -> None:
    counter, shopper = device("en", desk=True), device("en")
    _, link = ask(counter, "market")
    wallet = shopper.open(link)
    sent: list[str | None] = []

    def lose_the_first_answer(route: Any) -> None:
        sent.append(route.request.post_data)
        answer = route.fetch()
        if len(sent) == 1:
            route.abort("connectionreset")
        else:
            assert answer.json()["repeated"] is True
            route.fulfill(response=answer)

    wallet.route(re.compile(r"/v1/transactions$"), lose_the_first_answer)
    expect(wallet.locator(".bottom button")).to_be_enabled()
    pay(wallet)

    expect(wallet.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()
    assert len(sent) == 2
    assert sent[0] == sent[1]
    wallet.get_by_role("dialog").get_by_role("button").click()
    expect(wallet.locator(".money-card .amount")).to_have_text(sentences.money("48710.00", "en"))
    shopper.complaints.clear()  # the lost answer is told as an error


def test_a_payment_that_was_on_its_way_when_the_window_closed_is_not_in_doubt(
    device: Devices,
) -> None:
    counter, shopper = device("en", desk=True), device("en")
    till, link = ask(counter, "market")
    wallet = shopper.open(link)
    wallet.route(re.compile(r"/v1/transactions$"), lambda route: route.abort("connectionreset"))
    expect(wallet.locator(".bottom button")).to_be_enabled()
    pay(wallet)
    expect(wallet.get_by_text(said("pay.waiting"))).to_be_visible()
    wallet.close()

    wallet = shopper.open(link)

    expect(wallet.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()
    expect(till.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()
    shopper.complaints.clear()  # the aborted sending is told as an error


def test_the_key_stays_in_the_browser_and_is_the_same_at_the_next_visit(device: Devices) -> None:
    shopper = device("en")
    page = shopper.open("/wallet")
    key = page.locator(".money-card .tail").inner_text()

    again = shopper.open("/wallet")

    expect(again.locator(".money-card .tail")).to_have_text(key)
    exported = again.evaluate(
        """async () => {
          const open = indexedDB.open("tenge");
          const db = await new Promise((done) => { open.onsuccess = () => done(open.result); });
          const got = db.transaction("kept").objectStore("kept").get("key:wallet");
          const { pair } = await new Promise((done) => { got.onsuccess = () => done(got.result); });
          return crypto.subtle.exportKey("pkcs8", pair.privateKey).then(() => "out", (e) => e.name);
        }"""
    )
    assert exported == "InvalidAccessError"
    assert device("en").open("/wallet").locator(".money-card .tail").inner_text() != key


def test_a_till_is_worked_with_the_keyboard_alone(device: Devices) -> None:
    counter = device("en", desk=True)
    till = counter.open("/till/market")
    expect(till.locator(".keys")).to_be_visible()

    till.keyboard.type("12,50")
    expect(till.locator("output")).to_have_text("₸12.50")
    till.keyboard.press("Backspace")
    till.keyboard.press("Backspace")
    till.keyboard.press("Backspace")
    till.keyboard.type("5")
    expect(till.locator("output")).to_have_text("₸125")
    till.keyboard.press("Enter")
    expect(till.get_by_role("img", name=said("till.qr"))).to_be_visible()
    till.keyboard.press("Escape")
    expect(till.locator(".keys")).to_be_visible()


EARLY_KEY = """new MutationObserver((_, watching) => {
    if (!document.querySelector(".keys")) return;
    watching.disconnect();
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "7", bubbles: true}));
}).observe(document, {childList: true, subtree: true})"""
"""Presses 7 the moment that the till's keys are on the page, before it is painted."""


def test_a_till_that_shows_its_keys_hears_the_keyboard(device: Devices) -> None:
    counter = device("en", desk=True)
    counter.context.add_init_script(EARLY_KEY)

    till = counter.open("/till/market")

    expect(till.locator("output")).to_have_text("₸7")


def test_a_request_whose_time_ran_out_is_told_on_both_screens(chromium: Browser) -> None:
    own = Running("--ephemeral")  # its clock is moved
    devices = Devices(own, chromium)
    try:
        counter, shopper = devices("en", desk=True), devices("en")
        till, link = ask(counter, "market")
        wallet = shopper.open(link)
        expect(wallet.locator(".bottom button")).to_be_enabled()
        operator = Keyring.open_or_create(Path(own.facts["data"]) / "keyring").key(OPERATOR_KEY)

        Wallet(own.client(), operator).send("clock/1", offset=6 * 60_000, frozen_at=None)

        till.reload()
        expect(till.locator(".sale .state")).to_have_text(said("sale.expired"))
        counter.shot(till, "till-expired")
        assert faults(till) == []
        wallet.reload()
        expect(wallet.get_by_text(said("pay.expired"))).to_be_visible()
        till.get_by_role("button", name=said("till.repeat")).click()
        expect(till.locator(".sale .state")).to_have_text(said("sale.waiting"))
    finally:
        devices.close()
        own.end()


def test_a_link_that_leads_to_no_request_says_so(device: Devices) -> None:
    wallet = device("en").open("/p/AaHuVl4DRid74ArCQA9lHw")

    expect(wallet.get_by_role("alert")).to_contain_text(said("problem.not_found"))


def test_a_pasted_link_opens_the_payment(device: Devices) -> None:
    counter, shopper = device("en", desk=True), device("en")
    _, link = ask(counter, "market")
    wallet = shopper.open("/wallet")
    wallet.get_by_role("link", name=said("wallet.send")).click()

    wallet.get_by_label(said("wallet.paste")).fill("https://example.test/nothing")
    wallet.get_by_role("button", name=said("wallet.open")).click()
    expect(wallet.get_by_role("alert")).to_have_text(said("wallet.paste.wrong"))
    wallet.get_by_label(said("wallet.paste")).fill(link)
    wallet.get_by_role("button", name=said("wallet.open")).click()

    expect(wallet.locator(".bill .total")).to_have_text(sentences.money("1290.00", "en"))


def test_the_language_changes_in_place_and_is_kept(device: Devices) -> None:
    shopper = device("ru")
    page = shopper.open("/wallet")
    expect(page.locator(".money-card .label")).to_have_text("Цифровой тенге")

    page.get_by_role("button", name="Қазақша").click()

    expect(page.locator(".money-card .label")).to_have_text("Цифрлық теңге")
    expect(page.locator("html")).to_have_attribute("lang", "kk")
    page.reload()
    expect(page.locator(".money-card .label")).to_have_text("Цифрлық теңге")


@pytest.mark.parametrize(
    ("lang", "scheme"), [*((lang, "light") for lang in LANGUAGES), ("kk", "dark")]
)
def test_every_screen_is_accessible_and_fits_its_width(
    device: Devices, lang: str, scheme: str
) -> None:
    counter = device(lang, color_scheme=scheme, reduced_motion="reduce")
    found: dict[str, list[str]] = {}

    def look(page: Page, name: str) -> None:
        counter.shot(page, f"{name}-{lang}-{scheme}")
        found[name] = faults(page)
        found[name] += misfits(page)

    start = counter.open("/")
    expect(start.locator(".door")).to_have_count(3)
    look(start, "start")
    till, link = ask(counter, "market", lang=lang)
    look(till, "waiting")
    till.locator("summary").click()
    look(till, "why")
    wallet = counter.open(link)
    choose(wallet, "tUSDT")
    look(wallet, "pay")
    pay(wallet)
    expect(wallet.locator(".refused-box")).to_be_visible()
    expect(till.locator(".refused-box")).to_be_visible()
    look(wallet, "refused")
    look(till, "till-refused")
    wallet.get_by_role("button", name=said("pay.instead", lang, total="1290.00")).click()
    expect(wallet.get_by_role("dialog")).to_be_visible()
    expect(till.get_by_role("dialog")).to_be_visible()
    look(till, "till-paid")
    till.keyboard.press("Escape")
    expect(till.locator(".keys")).to_be_visible()
    look(till, "keypad")
    wallet.goto(f"{counter.url}/wallet")
    expect(wallet.locator(".history .line")).to_have_count(3)
    look(wallet, "wallet")
    wallet.locator(".history .line").first.click()
    look(wallet, "receipt")
    send = counter.open("/wallet/send")
    expect(send.locator(".number code")).to_be_visible()
    look(send, "send")

    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_screens_fit_the_narrowest_phone(device: Devices, lang: str) -> None:
    phone = device(lang)
    for path, there in (
        ("/", ".door"), ("/till/market", ".keys"), ("/wallet", ".money-card"),
        ("/wallet/send", ".number"),
    ):  # fmt: skip
        page = phone.open(path)
        page.set_viewport_size({"width": 320, "height": 640})
        expect(page.locator(there).first).to_be_visible()
        phone.shot(page, f"narrow-{lang}-{there}")
        assert misfits(page) == [], path


def test_on_a_page_without_encryption_the_key_is_made_by_software_and_said_to_be(
    device: Devices, sandbox: Running
) -> None:
    shopper = device("en")
    url = sandbox.facts["url"]
    shopper.context.add_init_script("delete Crypto.prototype.subtle")  # what plain http takes away

    page = shopper.open(f"{url}/wallet")

    expect(page.get_by_text(said("key.software"))).to_be_visible()
    counter = device("en", desk=True)
    _, link = ask(counter, "market")
    page.goto(link)
    pay(page)
    expect(page.get_by_role("dialog", name=said("sale.paid"))).to_be_visible()
    page.get_by_role("dialog").get_by_role("button").click()
    page.locator(".history .line").first.click()
    page.get_by_role("button", name=said("receipt.check")).click()
    expect(page.get_by_text(said("receipt.good"))).to_be_visible()
