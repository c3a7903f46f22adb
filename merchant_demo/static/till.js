/**
 * The till: type an amount, show a QR, see what became of it.
 *
 * The device's key is made here and certified by the demo bank as this till's key. What a sale has
 * become is always asked of the API; events only say when to ask. So a reload, a sleeping tablet or
 * a lost network end in the right picture.
 */

import { follow } from "/static/client/stream.js";
import { derivedKey, nonce, openKey, seal } from "/static/client/sign.js";
import { amountFor, press, typed } from "./money.js";
import { config, KeyBanner, start, streamUrl } from "./page.js";
import { Accepted, Busy, Countdown, Flood, Icon, Reasons, Trouble, useTick } from "./parts.js";
import { atTime, isOpen, LIFE_MS, openSale, requestPayload, SALES_MAX, withAnswer } from "./sale.js";
import { chime, thud } from "./sound.js";
import { html, useEffect, useRef, useState } from "./view.js";

const NAME = config.till;
const KEPT = `till:${NAME}`;
const BADGE_MS = 20_000;
const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0", "back"];
const MARKS = { waiting: "clock", paid: "check", refused: "cross", expired: "clock" };

/** Make or find the key, have it certified, learn what is sold in. */
async function openTill({ api, keep }) {
  const key = await openKey(KEPT, keep);
  const till = await api.post("/v1/sandbox/tills", { jwk: key.jwk, till: NAME });
  const [sandbox, terminal, { rates }] = await Promise.all([
    api.get("/v1/sandbox"),
    api.get(`/v1/terminals/${key.kid}`),
    api.get("/v1/rates"),
  ]);
  const kept = (await keep.get(KEPT)) ?? {};
  const same = kept.ledger === api.ledger;
  return {
    key,
    till,
    assets: new Map(sandbox.assets.map((asset) => [asset.code, asset])),
    terminal,
    rates,
    shelf: {
      kid: key.kid,
      ledger: api.ledger,
      count: same ? kept.count : 0,
      current: same ? kept.current : null,
      cursor: same ? kept.cursor : null,
      sales: same ? kept.sales : [],
    },
  };
}

/** What the till offers: every asset the merchant holds an account in and, but for tenge, a rate. */
function offersFor(total, { till, assets, rates }) {
  const offers = [];
  for (const { id, asset } of till.accounts) {
    const { class: kind, scale } = assets.get(asset);
    const rate = rates.find((one) => one.asset === asset);
    if (kind === "digital_tenge") offers.unshift({ asset, account: id, amount: total });
    else if (rate) {
      const amount = amountFor(total, scale, rate.rate);
      offers.push({ asset, account: id, amount, rate: rate.id });
    }
  }
  return offers;
}

function Till({ app }) {
  const { api, keep, words } = app;
  const [opened, setOpened] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const [sales, setSales] = useState([]);
  const [current, setCurrent] = useState(null);
  const [keys, setKeys] = useState("");
  const [flood, setFlood] = useState(null);
  const [link, setLink] = useState("connecting");
  const shelf = useRef(null);
  const stream = useRef(null);
  useTick(250, current !== null);

  const put = (change) => {
    Object.assign(shelf.current, change);
    keep.put(KEPT, { ...shelf.current });
  };

  const change = (sale) => {
    const next = shelf.current.sales.map((one) => (one.id === sale.id ? sale : one));
    put({ sales: next });
    setSales(next);
  };

  /** Ask what became of one sale, and show it. */
  const look = async (id) => {
    const before = shelf.current.sales.find((sale) => sale.id === id);
    if (!before) return;
    const after = withAnswer(before, await api.get(`/v1/payment-requests/${id}`));
    change(after);
    if (after.status === "paid" && before.status !== "paid") {
      chime();
      setFlood(after);
    }
    if (after.refusal && after.refusal.at !== before.refusal?.at && after.status !== "paid") thud();
    if (after.refusal) lookAtPlace().catch(() => {});
  };

  const lookAtPlace = async () => {
    const terminal = await api.get(`/v1/terminals/${shelf.current.kid}`);
    setOpened((now) => ({ ...now, terminal }));
  };

  const open = async () => {
    setTrouble(null);
    try {
      const found = await openTill(app);
      shelf.current = found.shelf;
      put({});
      setSales(found.shelf.sales);
      setCurrent(found.shelf.current);
      setOpened(found);
      listen(found);
    } catch (error) {
      setTrouble(error);
    }
  };

  const listen = ({ till, shelf: kept }) => {
    stream.current = follow({
      api,
      url: streamUrl(),
      after: kept.cursor,
      accounts: till.accounts.map((account) => account.id),
      requests: kept.sales.filter(isOpen).map((sale) => sale.id),
      onEvent: async (event) => {
        if (event.request) await look(event.request).catch(() => {});
        put({ cursor: event.seq });
      },
      onState: (now) => {
        setLink(now);
        app.setOffline(now === "offline");
        if (now === "live" || now === "polling") {
          shelf.current.sales.filter(isOpen).forEach((sale) => look(sale.id).catch(() => {}));
        }
      },
      onGap: () => location.reload(),
    });
  };

  useEffect(() => {
    open();
    const badge = setInterval(() => shelf.current && lookAtPlace().catch(() => {}), BADGE_MS);
    return () => {
      clearInterval(badge);
      stream.current?.stop();
    };
  }, []);

  const show = (id) => {
    put({ current: id });
    setCurrent(id);
    setKeys("");
    setFlood(null);
  };

  const ask = async (total) => {
    setTrouble(null);
    const { rates } = await api.get("/v1/rates").catch(() => opened);
    const count = shelf.current.count + 1;
    const payload = requestPayload({
      ledger: api.ledger,
      nonce: nonce(),
      now: api.now(),
      total,
      reference: `${NAME[0].toUpperCase()}-${count}`,
      offers: offersFor(total, { ...opened, rates }),
    });
    const sealed = await seal(payload, "tenge-request", opened.key);
    const id = await derivedKey(payload.not_after, sealed.digest, "request");
    stream.current.add({ requests: [id] });
    try {
      await api.post("/v1/payment-requests", { request: sealed.jws });
    } catch (error) {
      setTrouble(error);
      return;
    }
    const sale = openSale({ id, jws: sealed.jws, payload, at: api.now() });
    const next = [sale, ...shelf.current.sales].slice(0, SALES_MAX);
    put({ sales: next, count, current: id });
    setSales(next);
    show(id);
  };

  const sale = sales.find((one) => one.id === current);
  const shown = sale && atTime(sale, api.now());
  const amount = typed(keys);
  const ready = opened && amount !== "0.00";

  useEffect(() => {
    const onKey = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || flood || !opened) return;
      const inside = event.target.closest?.("button, a, summary, input");
      if (current !== null) {
        if (event.key === "Escape") show(null);
        return;
      }
      if (/^\d$/.test(event.key)) setKeys((now) => press(now, event.key));
      else if (event.key === "." || event.key === ",") setKeys((now) => press(now, "."));
      else if (event.key === "Backspace") setKeys((now) => press(now, "back"));
      else if (event.key === "Escape") setKeys("");
      else if (event.key === "Enter" && ready && !inside) ask(amount);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  if (!opened) {
    return html`<main id="screen" class="till opening">
      ${trouble
        ? html`<${Trouble} words=${words} error=${trouble} retry=${open} />`
        : html`<${Busy} label=${words.t("till.opening")} />`}
    </main>`;
  }

  return html`
    <${KeyBanner} words=${words} kind=${opened.key.kind} />
    <main id="screen" class="till">
      <${Place} words=${words} opened=${opened} link=${link} />
      <section class="stage card" aria-label=${words.t("till.sale")}>
        ${trouble && html`<${Trouble} words=${words} error=${trouble} />`}
        ${shown
          ? html`<${Sale} words=${words} sale=${shown} left=${shown.notAfter - api.now()}
              done=${() => show(null)} repeat=${() => ask(shown.total)} />`
          : html`<${Keypad} words=${words} keys=${keys} amount=${amount} ready=${ready}
              type=${(key) => setKeys((now) => press(now, key))} ask=${() => ask(amount)} />`}
      </section>
      <${Sales} words=${words} sales=${sales.map((one) => atTime(one, api.now()))} show=${show} />
    </main>
    ${flood &&
    html`<${Flood} kind="paid" title=${words.t("sale.paid")} action=${words.t("till.next")}
      close=${() => show(null)}>
      <p class="flood-amount">${words.money(flood.total)}</p>
      <p><${Paid} words=${words} payment=${flood.payment} /></p>
    <//>`}
  `;
}

/** With what it was paid: "digital tenge", or the crypto amount and the asset. */
function Paid({ words, payment }) {
  if (!payment) return null;
  const name = words.assetName(payment.asset);
  if (name !== payment.asset) return html`${name}`;
  return html`${words.amount(payment.amount, payment.asset)}`;
}

/** Where this till stands and what it may take, said before anybody pays. */
function Place({ words, opened, link }) {
  const { terminal } = opened;
  const inside = Boolean(terminal.zone);
  return html`<section class="place card ${inside ? "inside" : ""}" aria-labelledby="place-title">
    <div class="place-head">
      <span class="round"><${Icon} name=${NAME === "cafe" ? "cup" : "basket"} /></span>
      <div>
        <h1 id="place-title">${words.t(`till.${NAME}.name`)}</h1>
        <p class="quiet"><${Icon} name="pin" size="18" />
          <span>${words.t(inside ? "place.inside" : "place.outside")}</span></p>
      </div>
    </div>
    <div class="place-sub">
      <h2 class="small">${words.t("accepts.title")}</h2>
      <span class="link ${link}"><i aria-hidden="true" /><span>${words.t(`link.${link}`)}</span></span>
    </div>
    <${Accepted} words=${words} accepts=${terminal.accepts} />
  </section>`;
}

function Keypad({ words, keys, amount, ready, type, ask }) {
  return html`<div class="keypad">
    <p class="typed ${keys ? "" : "empty"}">
      <span class="hidden">${words.t("till.amount")}</span>
      <output aria-live="polite">${words.money(keys ? amount : "0")}</output>
    </p>
    <div class="keys" role="group" aria-label=${words.t("till.keypad")}>
      ${KEYS.map(
        (key) => html`<button type="button" key=${key} onClick=${() => type(key)}
          aria-label=${key === "back" ? words.t("till.back") : undefined}>
          ${key === "back" ? html`<${Icon} name="back" size="28" />` : key}
        </button>`,
      )}
    </div>
    <button type="button" class="button big" disabled=${!ready} onClick=${ask}>
      <${Icon} name="scan" /><span>${words.t("till.ask")}</span>
    </button>
  </div>`;
}

function Sale({ words, sale, left, done, repeat }) {
  const open = isOpen(sale);
  const url = `${location.origin}/p/${sale.id}`;
  return html`<div class="sale ${sale.status}">
    <p class="state" role="status">
      <${Icon} name=${MARKS[sale.status]} size="28" /><span>${words.t(`sale.${sale.status}`)}</span>
    </p>
    <p class="total">${words.money(sale.total)}</p>
    ${sale.status === "refused" &&
    html`<div class="refused-box" role="alert">
      <${Reasons} words=${words} reasons=${sale.refusal.reasons} />
      <p class="hint"><${Icon} name="info" size="20" /><span>${words.t("till.hint.tenge")}</span></p>
    </div>`}
    ${sale.status === "paid" && html`<p class="lead"><${Paid} words=${words} payment=${sale.payment} /></p>`}
    ${sale.status === "expired" && html`<p class="lead">${words.t("sale.expired.text")}</p>`}
    ${open &&
    html`<div class="qr">
        <img src=${`/v1/payment-requests/${sale.id}/qr.svg`} alt=${words.t("till.qr")}
          width="280" height="280" />
      </div>
      <p class="under">
        <${Countdown} left=${left} whole=${LIFE_MS} />
        <span>${words.t("till.point")}</span>
      </p>
      <ul class="tenders" aria-label=${words.t("till.tenders")}>
        ${sale.tenders.map(
          (tender) => html`<li key=${tender.asset}>${words.amount(tender.amount, tender.asset)}</li>`,
        )}
      </ul>`}
    <div class="row">
      ${open &&
      html`<a class="button soft" href=${url} target="_blank" rel="noopener">
        <${Icon} name="open" size="20" /><span>${words.t("till.link")}</span></a>`}
      ${sale.status === "expired" &&
      html`<button type="button" class="button" onClick=${repeat}>${words.t("till.repeat")}</button>`}
      <button type="button" class="button ${open ? "plain" : "soft"}" onClick=${done}>
        ${words.t(open ? "till.other" : "till.next")}
      </button>
    </div>
  </div>`;
}

function Sales({ words, sales, show }) {
  return html`<section class="sales card" aria-labelledby="sales-title">
    <h2 id="sales-title">${words.t("till.sales")}</h2>
    ${sales.length === 0
      ? html`<p class="quiet">${words.t("till.sales.none")}</p>`
      : html`<ul>
          ${sales.slice(0, 12).map(
            (sale) => html`<li key=${sale.id}>
              <button type="button" class="line ${sale.status}" onClick=${() => show(sale.id)}>
                <span class="round small"><${Icon} name=${MARKS[sale.status]} size="18" /></span>
                <span class="who"><b>${words.t(`sale.${sale.status}`)}</b>
                  <small>${sale.reference} · ${words.time(sale.at)}</small></span>
                <span class="sum">${words.money(sale.total)}
                  ${sale.payment && html`<small><${Paid} words=${words} payment=${sale.payment} /></small>`}
                </span>
              </button>
            </li>`,
          )}
        </ul>`}
  </section>`;
}

start(Till);
