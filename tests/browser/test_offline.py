"""The offline purse with the network switched off: phones pay each other, the page opens by itself,
the ledger sorts it out later. Several browser contexts are several phones."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ledger.core.offline import from_text, read_chain
from sandbox_api import sentences
from sandbox_api.client import Wallet
from tests.browser.conftest import Device, Devices
from tests.browser.looking import LANGUAGES, faults, misfits, said
from tests.processes.running import Running

PATH = "/wallet/offline"
COPY = """async () => {
    const { openKeep } = await import("/static/client/keep.js");
    const keep = openKeep();
    await keep.put("test:copy", await keep.get("purse"));
}"""
RESTORE = """async () => {
    const { openKeep } = await import("/static/client/keep.js");
    const keep = openKeep();
    await keep.put("purse", await keep.get("test:copy"));
}"""


def phone(
    device: Devices, lang: str = "en", loaded: str = "1000", **options: Any
) -> tuple[Device, Page]:
    """A phone with a purse, set up with a network, and its page kept."""
    owner = device(lang, **options)
    page = owner.open(PATH)
    page.get_by_label(said("purse.begin.amount", lang)).fill(loaded)
    page.get_by_role("button", name=said("purse.begin.do", lang)).click()
    expect(page.locator(".money-card .amount")).to_have_text(money(f"{loaded}.00", lang))
    expect(page.locator(".net.on")).to_contain_text(said("purse.kept", lang))
    return owner, page


def money(amount: str, lang: str = "en") -> str:
    return sentences.money(amount, lang)


def switch_off(owner: Device, page: Page) -> None:
    """No network from here on; and the page is opened anew, by itself."""
    owner.context.set_offline(True)
    page.reload()
    expect(page.locator(".net.off")).to_be_visible()


def text_of(page: Page, place: int = 0) -> str:
    """The text of a code that a page shows."""
    value: str = page.locator(".code textarea").nth(place).input_value()
    assert value.startswith("TENGE1:")
    return value


def back(page: Page, lang: str = "en") -> None:
    page.get_by_role("button", name=said("purse.back", lang)).click()


def address(page: Page, amount: str = "", lang: str = "en") -> str:
    """Open the payee's screen and read the code that it shows."""
    page.get_by_role("button", name=said("purse.receive", lang), exact=True).click()
    page.get_by_label(said("purse.receive.amount", lang)).fill(amount)
    return text_of(page)


def pay(page: Page, to: str, amount: str = "", lang: str = "en") -> str:
    """Pay to a code; the payment's code. The page shows it."""
    page.get_by_role("button", name=said("purse.pay", lang), exact=True).click()
    page.get_by_label(said("purse.pay.code", lang)).fill(to)
    page.get_by_role("button", name=said("purse.pay.next", lang)).click()
    if amount:
        page.locator("input[name=amount]").fill(amount)
    page.locator(".passing form .button.big").click()
    expect(page.locator(".passing .stamp")).to_be_visible()
    return text_of(page)


def pay_in_secret(page: Page, to: str) -> str:
    """A payment by the device itself, where its page would not offer to."""
    text: str = page.evaluate(
        """async (to) => {
            const { openKeep } = await import("/static/client/keep.js");
            const { pay } = await import("/static/client/purse.js");
            return (await pay(openKeep(), to, null, Date.now()))[0];
        }""",
        to,
    )
    return text


def take(page: Page, code: str, lang: str = "en") -> None:
    """Give a payer's code to a payee's screen."""
    page.get_by_label(said("purse.receive.code", lang)).fill(code)
    page.get_by_role("button", name=said("purse.receive.do", lang)).click()


def taken(page: Page, amount: str, lang: str = "en") -> None:
    expect(page.locator(".taken").first).to_contain_text(
        said("purse.taken", lang, what=money(amount, lang))
    )


def no(page: Page, code: str, lang: str = "en") -> None:
    """The device says why not."""
    sentence = said(f"purse.no.{code}", lang).split("[")[0].split(".")[0][:30]
    expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()


def well(owner: Device, page: Page, name: str) -> None:
    found = faults(page) + misfits(page)
    owner.shot(page, name)
    assert found == []


def wallet_of(page: Page) -> str:
    """The wallet behind a purse."""
    found: str = page.evaluate("""async () => {
        const { openKeep } = await import("/static/client/keep.js");
        const { toB64u } = await import("/static/client/bytes.js");
        return toB64u((await openKeep().get("purse")).home);
    }""")
    return found


def balance(sandbox: Running, account: str) -> str:
    return str(sandbox.client().get(f"/accounts/{account}")["balance"])


def test_three_phones_pay_on_with_the_network_off_and_deposit_in_reverse_order(
    device: Devices, sandbox: Running
) -> None:
    (a, page_a), (b, page_b), (c, page_c) = (phone(device) for _ in range(3))
    homes = [wallet_of(page) for page in (page_a, page_b, page_c)]
    for owner, page in ((a, page_a), (b, page_b), (c, page_c)):
        switch_off(owner, page)

    code = pay(page_a, address(page_b, "300"))
    take(page_b, code)
    taken(page_b, "300.00")
    take(page_b, code)
    no(page_b, "seen")
    back(page_b)
    expect(page_b.locator(".money-card .amount")).to_have_text(money("1300.00"))
    on = pay(page_b, address(page_c), "1100")
    assert page_b.locator(".code").count() == 2, "of what was loaded, and of what was received"
    second = text_of(page_b, 1)
    take(page_c, on)
    expect(page_c.locator(".taken")).to_have_count(1)
    take(page_c, second)
    expect(page_c.locator(".taken")).to_have_count(2)
    expect(page_c.locator(".taken").first).to_contain_text("hops: 2")
    back(page_c)
    expect(page_c.locator(".money-card .amount")).to_have_text(money("2100.00"))
    expect(page_c.locator(".received .is-here")).to_have_count(2)
    page_c.reload()
    expect(page_c.locator(".money-card .amount")).to_have_text(money("2100.00"))

    for owner, page in ((c, page_c), (b, page_b), (a, page_a)):
        owner.context.set_offline(False)
        if page is not page_c:
            back(page)
        expect(page.locator(".net.on")).to_be_visible()
        if page is page_c:
            page.locator(".received .button").first.click()
            expect(page.locator(".received .is-paid")).to_have_count(1)
        page.get_by_role("button", name=said("purse.home"), exact=True).click()
        page.get_by_role("button", name=said("purse.home.do")).click()
        expect(page.get_by_text(said("purse.homed"))).to_be_visible()
        expect(page.locator(".money-card .amount")).to_have_text(money("0.00"))

    assert [balance(sandbox, home) for home in homes] == ["49700.00", "49200.00", "51100.00"]


def test_a_restored_phone_that_spends_twice_is_found_at_the_deposit_and_told(
    device: Devices, sandbox: Running
) -> None:
    (a, page_a), (b, page_b), (c, page_c) = (phone(device) for _ in range(3))
    page_a.evaluate(COPY)
    for owner, page in ((a, page_a), (b, page_b), (c, page_c)):
        switch_off(owner, page)
    take(page_b, pay(page_a, address(page_b, "900")))
    taken(page_b, "900.00")
    page_a.evaluate(RESTORE)
    page_a.reload()
    expect(page_a.locator(".money-card .amount")).to_have_text(money("1000.00"))
    take(page_c, pay(page_a, address(page_c, "800")))
    taken(page_c, "800.00")

    for owner, page in ((b, page_b), (c, page_c)):
        owner.context.set_offline(False)
        back(page)
        expect(page.locator(".net.on")).to_be_visible()
        page.locator(".received .button").click()
    expect(page_b.locator(".received .is-paid")).to_be_visible()
    expect(page_c.get_by_role("alert")).to_contain_text(said("purse.found"))
    expect(page_c.locator(".received .is-covered")).to_be_visible()
    well(c, page_c, "purse-found")

    a.context.set_offline(False)
    page_a.goto(a.url + PATH)
    expect(page_a.locator(".frozen")).to_contain_text(said("purse.frozen"))
    well(a, page_a, "purse-frozen")
    purse = page_a.evaluate("""async () => {
        const { openKeep } = await import("/static/client/keep.js");
        const { toB64u } = await import("/static/client/bytes.js");
        return toB64u((await openKeep().get("purse")).id);
    }""")
    assert sandbox.client().purse(purse)["status"] == "frozen"
    expect(page_a.get_by_role("button", name=said("purse.pay"), exact=True)).to_be_disabled()
    page_b.reload()
    expect(page_b.locator(".received .is-paid")).to_be_visible()
    take(page_b, pay_in_secret(page_a, address(page_b, "50")))
    no(page_b, "frozen")


def test_a_restored_phone_is_warned_by_the_ledger_before_it_spends_twice(device: Devices) -> None:
    (a, page_a), (_, page_b) = phone(device), phone(device)
    page_a.evaluate(COPY)
    take(page_b, pay(page_a, address(page_b, "900")))
    taken(page_b, "900.00")
    back(page_b)
    page_b.locator(".received .button").click()
    expect(page_b.locator(".received .is-paid")).to_be_visible()

    page_a.evaluate(RESTORE)
    page_a.reload()

    expect(page_a.get_by_role("alert")).to_contain_text(said("purse.older"))
    expect(page_a.get_by_role("button", name=said("purse.pay"), exact=True)).to_be_disabled()
    well(a, page_a, "purse-older")


CAMERA = """() => {
    navigator.mediaDevices.getUserMedia = async () => {
        if (window.noCamera) throw new DOMException("no", "NotAllowedError");
        const canvas = document.createElement("canvas");
        canvas.getContext("2d").fillRect(0, 0, 9, 9);
        window.filmed = canvas.captureStream(9);
        return window.filmed;
    };
    window.BarcodeDetector = class {
        async detect() { return window.inView ? [{ rawValue: window.inView }] : []; }
    };
}"""
"""A camera and a browser that reads codes, which the tests' Chromium has not: what is in view is
said to it. The page's own way from camera to payment is real."""


def test_a_code_comes_by_camera_where_the_browser_reads_codes(device: Devices) -> None:
    (a, page_a), (_, page_b) = phone(device), phone(device)
    to = address(page_b, "70")
    page_a.evaluate(CAMERA)
    page_a.evaluate("window.noCamera = true")
    page_a.get_by_role("button", name=said("purse.pay"), exact=True).click()
    page_a.get_by_role("button", name=said("purse.scan")).click()
    expect(page_a.get_by_role("alert")).to_have_text(said("purse.blind"))
    page_a.evaluate("window.noCamera = false")

    page_a.get_by_role("button", name=said("purse.scan")).click()
    expect(page_a.locator("video.camera")).to_be_visible()
    well(a, page_a, "purse-camera")
    page_a.evaluate("(code) => { window.inView = code; }", to)

    expect(page_a.locator(".passing form .button.big")).to_contain_text(money("70.00"))
    assert page_a.evaluate("window.filmed.getTracks().every((one) => one.readyState === 'ended')")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_purse_fits_the_narrowest_phone_and_a_code_is_copied(
    device: Devices, lang: str
) -> None:
    owner, page = phone(device, lang)
    owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_viewport_size({"width": 320, "height": 640})
    assert misfits(page) == []
    to = address(page, "", lang)
    page.get_by_role("button", name=said("purse.copy", lang)).click()
    expect(page.get_by_role("button", name=said("people.copied", lang))).to_be_visible()
    owner.shot(page, f"purse-narrow-{lang}")
    assert misfits(page) == []
    page.get_by_role("button", name=said("purse.paste", lang)).click()
    expect(page.get_by_label(said("purse.receive.code", lang))).to_have_value(to)


@pytest.mark.parametrize("desk", [False, True], ids=["phone", "desk"])
@pytest.mark.parametrize(
    ("lang", "scheme"), [*((lang, "light") for lang in LANGUAGES), ("ru", "dark")]
)
def test_every_screen_of_the_purse_is_accessible_and_fits(
    device: Devices, lang: str, desk: bool, scheme: str
) -> None:
    name = f"{lang}-{'desk' if desk else 'phone'}-{scheme}"
    first = device(lang, desk=desk, color_scheme=scheme)
    begin = first.open(PATH)
    expect(begin.get_by_role("button", name=said("purse.begin.do", lang))).to_be_enabled()
    well(first, begin, f"purse-begin-{name}")
    a, page_a = phone(device, lang, desk=desk, color_scheme=scheme)
    b, page_b = phone(device, lang, desk=desk, color_scheme=scheme)
    well(a, page_a, f"purse-online-{name}")
    switch_off(a, page_a)
    switch_off(b, page_b)
    to = address(page_b, "", lang)
    well(b, page_b, f"purse-receive-{name}")
    code = pay(page_a, to, "300,5", lang)
    well(a, page_a, f"purse-paid-{name}")
    take(page_b, code, lang)
    taken(page_b, "300.50", lang)
    well(b, page_b, f"purse-taken-{name}")
    take(page_b, code, lang)
    no(page_b, "seen", lang)
    well(b, page_b, f"purse-refused-{name}")
    back(page_a, lang)
    back(page_b, lang)
    expect(page_b.locator(".received")).to_have_count(1)
    well(a, page_a, f"purse-payer-{name}")
    well(b, page_b, f"purse-payee-{name}")
    page_a.get_by_role("button", name=said("purse.pay", lang), exact=True).click()
    well(a, page_a, f"purse-pay-{name}")


def test_refusals_are_told_where_they_happen(device: Devices) -> None:
    (a, page_a), (b, page_b) = phone(device, "ru"), phone(device, "ru", "500")
    switch_off(a, page_a)
    switch_off(b, page_b)
    own = address(page_a, "", "ru")
    take(page_a, own, "ru")
    no(page_a, "unreadable", "ru")
    back(page_a, "ru")
    page_a.get_by_role("button", name=said("purse.pay", "ru"), exact=True).click()
    reader = page_a.get_by_label(said("purse.pay.code", "ru"))
    reader.fill(own)
    page_a.get_by_role("button", name=said("purse.pay.next", "ru")).click()
    no(page_a, "own_address", "ru")
    reader.fill(address(page_b, "", "ru") + " \n")
    page_a.get_by_role("button", name=said("purse.pay.next", "ru")).click()
    page_a.locator("input[name=amount]").fill("1000,01")
    page_a.locator(".passing form .button.big").click()
    no(page_a, "funds", "ru")
    page_a.locator("input[name=amount]").fill("200")
    page_a.locator(".passing form .button.big").click()
    expect(page_a.locator(".passing .stamp")).to_be_visible()
    code = text_of(page_a)
    changed = code[:-8] + ("0" if code[-8] != "0" else "1") + code[-7:]
    take(page_b, changed, "ru")
    no(page_b, "signature", "ru")
    back(page_a, "ru")
    address(page_a, "", "ru")
    take(page_a, code, "ru")
    no(page_a, "own", "ru")


def test_a_payment_is_made_with_the_keyboard_alone(device: Devices) -> None:
    (a, page_a), (b, page_b) = phone(device, desk=True), phone(device, desk=True)
    switch_off(a, page_a)
    switch_off(b, page_b)
    to = address(page_b, "70")
    page_a.get_by_role("button", name=said("purse.pay"), exact=True).focus()
    page_a.keyboard.press("Enter")
    expect(page_a.get_by_role("heading", name=said("purse.pay.title"))).to_be_focused()
    page_a.keyboard.press("Tab")
    expect(page_a.get_by_label(said("purse.pay.code"))).to_be_focused()
    page_a.keyboard.insert_text(to)
    page_a.keyboard.press("Tab")
    page_a.keyboard.press("Tab")
    page_a.keyboard.press("Enter")
    expect(page_a.locator(".passing form .button.big")).to_contain_text(money("70.00"))
    expect(page_a.locator(".passing form .button.big")).to_be_focused()
    page_a.keyboard.press("Enter")
    expect(page_a.locator(".passing h1")).to_be_focused()
    take(page_b, text_of(page_a))
    taken(page_b, "70.00")


def test_two_windows_that_pay_at_once_sign_different_parts(device: Devices) -> None:
    (a, page_a), (_, page_b) = phone(device), phone(device)
    other = a.open(PATH)
    expect(other.locator(".money-card")).to_be_visible()
    to = address(page_b, "10")
    at_once = """([to, count]) => import("/static/client/purse.js").then(async ({ pay }) => {
        const { openKeep } = await import("/static/client/keep.js");
        const one = () => pay(openKeep(), to, null, Date.now());
        window.signed = Promise.all(Array.from({ length: count }, one));
    })"""
    for page in (page_a, other):
        page.evaluate(at_once, [to, 5])

    texts = [text for page in (page_a, other) for (text,) in page.evaluate("window.signed")]

    payments = [read_chain(from_text(text)).last for text in texts]
    assert sorted(one.counter for one in payments) == list(range(1, 11))
    assert sorted(one.spent for one in payments) == [1000 * place for place in range(10)]
    for code in texts:
        take(page_b, code)
        expect(page_b.get_by_label(said("purse.receive.code"))).to_have_value("")
    expect(page_b.locator(".taken")).to_have_count(10)


def test_over_plain_http_the_purse_works_and_says_what_is_missing(device: Devices) -> None:
    owner, (_, page_b) = device(), phone(device)
    owner.context.add_init_script(
        "delete Crypto.prototype.subtle; delete Navigator.prototype.serviceWorker;"
        "delete Navigator.prototype.clipboard"
    )
    page = owner.open(PATH)
    page.get_by_role("button", name=said("purse.begin.do")).click()

    expect(page.get_by_text(said("key.software"))).to_be_visible()
    expect(page.locator(".net.on")).to_contain_text(said("purse.unkept"))
    take(page_b, pay(page, address(page_b, "70")))
    taken(page_b, "70.00")
    page.get_by_role("button", name=said("purse.copy")).click()
    expect(page.get_by_role("button", name=said("people.copied"))).to_be_visible()
    back(page_b)
    back(page)
    take(page, pay(page_b, address(page, "20")))
    taken(page, "20.00")


def test_a_program_and_a_phone_pay_each_other(device: Devices, sandbox: Running) -> None:
    _, page = phone(device)
    wallet = Wallet.join(sandbox.client())
    purse = wallet.open_purse()
    wallet.load_purse(purse, "100.00")
    now = wallet.client.now()

    (code,) = purse.pay(address(page, "40"), at=now)
    take(page, code)
    taken(page, "40.00")
    back(page)
    back_again = pay(page, purse.address("10.00"))

    assert purse.receive(back_again, at=wallet.client.now()).amount == "10.00"
    assert len(from_text(back_again)) == 298


def test_the_kept_page_is_renewed_whole_and_nothing_else_is_kept(device: Devices) -> None:
    owner, page = phone(device)
    kept = """async () => {
        const names = await caches.keys();
        const whole = names.filter((name) => /^tenge-offline-/.test(name));
        const paths = await Promise.all(whole.map(async (name) =>
            (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
        return [whole, paths.flat().sort()];
    }"""
    whole, paths = page.evaluate(kept)
    assert len(whole) == 1
    assert [path for path in paths if path.startswith("/v1")] == []
    assert PATH in paths
    scopes = page.evaluate(
        "async () => (await navigator.serviceWorker.getRegistrations()).map((one) => one.scope)"
    )
    assert scopes == [owner.url + PATH]
    other = owner.open("/wallet")
    expect(other.locator(".money-card")).to_be_visible()
    assert other.evaluate("navigator.serviceWorker.controller") is None, (
        "other pages have no worker"
    )

    # An older version of the page is replaced as a whole.
    page.evaluate("""async () => {
        const now = await caches.open("tenge-offline");
        const old = await (await now.match("/")).text();
        const stale = await caches.open("tenge-offline-0000000000000000");
        for (const request of await (await caches.open(old)).keys()) {
            await stale.put(request, new Response("old"));
        }
        await caches.delete(old);
        await now.put("/", new Response("tenge-offline-0000000000000000"));
        navigator.serviceWorker.controller.postMessage("renew");
    }""")
    page.evaluate("""async () => {
        for (;;) {
            const names = (await caches.keys()).filter((name) => /^tenge-offline-/.test(name));
            if (names.length === 1 && !names[0].endsWith("-0000000000000000")) return;
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    }""")
    assert page.evaluate(kept) == [whole, paths]
    switch_off(owner, page)
    expect(page.locator(".money-card")).to_be_visible()


def test_switched_off_means_page_and_worker_alike(device: Devices) -> None:
    owner, page = phone(device)
    switch_off(owner, page)
    probe = "fetch('/v1/sandbox').then(() => 'there', () => 'cut off')"

    (worker,) = owner.context.service_workers

    assert worker.evaluate(probe) == "cut off"
    assert page.evaluate(probe) == "cut off"
    expect(page.locator(".money-card")).to_be_visible()
    page.evaluate("0")  # what the probes put on the console is here then
    owner.complaints[:] = [one for one in owner.complaints if "ERR_INTERNET" not in one]


def test_the_key_of_a_purse_cannot_be_read_out(device: Devices) -> None:
    _, page = phone(device)
    found = page.evaluate("""async () => {
        const { openKeep } = await import("/static/client/keep.js");
        const keep = openKeep();
        const { pair } = await keep.get(`key:${(await keep.get("purse")).name}`);
        return pair.privateKey.extractable;
    }""")
    assert found is False
