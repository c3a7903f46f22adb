/**
 * The till: type an amount, show a QR, see what became of it.
 *
 * The device's key is made here and certified by the demo bank as this till's key. What a sale has
 * become is always asked of the API; events only say when to ask. So a reload, a sleeping tablet or
 * a lost network end in the right picture.
 */

import { follow } from "/static/client/stream.js";
import { derivedKey, nonce, openKey, seal } from "/static/client/sign.js";
import { Keypad, Paid, Place, Sale, Sales } from "./counter.js";
import { Counter } from "./deposit.js";
import { amountFor, press, typed } from "./money.js";
import { config, KeyBanner, start, streamUrl } from "./page.js";
import { Busy, Flood, Trouble, useTick } from "./parts.js";
import {
  atTime,
  isDeposit,
  isLive,
  openSale,
  referenceOf,
  requestPayload,
  SALES_MAX,
  withAnswer,
} from "./sale.js";
import { holdOf, openShop } from "./shop.js";
import { chime, thud } from "./sound.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "./view.js";

const NAME = config.till;
const KEPT = `till:${NAME}`;
const BADGE_MS = 20_000;
/** What a customer can have done: a screenful of green, once. */
const DONE = ["paid", "held"];

/** Make or find the key, have it certified, learn what is sold in. */
async function openTill({ api, keep }) {
  const key = await openKey(KEPT, keep);
  const till = await api.post("/v1/sandbox/tills", { jwk: key.jwk, till: NAME });
  const [sandbox, terminal, { rates }, shop] = await Promise.all([
    api.get("/v1/sandbox"),
    api.get(`/v1/terminals/${key.kid}`),
    api.get("/v1/rates"),
    openShop({ api, keep }, NAME, till.merchant),
  ]);
  const kept = (await keep.get(KEPT)) ?? {};
  const same = kept.ledger === api.ledger;
  return {
    key,
    till,
    assets: new Map(sandbox.assets.map((asset) => [asset.code, asset])),
    terminal,
    rates,
    shop,
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

/** The accounts on which money is reserved for these sales. */
const holdsOf = (sales) =>
  sales.filter(({ status }) => status === "held").map(({ hold }) => ({ id: hold.id }));

/** What the till offers: each asset it has an account in and, but for tenge, a rate. */
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
  const asking = useRef(false);
  const accounts = useRef([]);
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

  const lookAtLive = () =>
    shelf.current.sales.filter(isLive).forEach((sale) => look(sale.id).catch(() => {}));

  /** The sale whose reserved money an event moves. */
  const byHold = ({ postings = [] }) =>
    shelf.current.sales.find(({ hold }) => hold && postings.some(({ debit }) => debit === hold.id))
      ?.id;

  const saleOf = (id) => shelf.current.sales.find((sale) => sale.id === id);

  /** Ask what became of one sale, and show it. */
  const look = async (id) => {
    if (!saleOf(id)) return;
    const answer = await api.get(`/v1/payment-requests/${id}`);
    const known = saleOf(id);
    const deposit = answer.status === "held" || known.status === "held";
    const hold = deposit ? await holdOf(app, accounts.current, known) : known.hold;
    const before = saleOf(id); // as it is now: another look may have come first
    const after = withAnswer(before, answer, hold);
    change(after);
    if (after.status === "held" && !before.hold && hold) stream.current?.add({ accounts: [hold.id] });
    if (DONE.includes(after.status) && !DONE.includes(before.status)) {
      chime();
      setFlood(after);
    }
    if (after.refusal && after.refusal.at !== before.refusal?.at && !DONE.includes(after.status)) {
      thud();
    }
    if (after.refusal) lookAtPlace().catch(() => {});
  };

  const connected = () => setOpened((now) => ({ ...now, shop: { ...now.shop, connected: true } }));

  const lookAtPlace = async () => {
    const terminal = await api.get(`/v1/terminals/${shelf.current.kid}`);
    setOpened((now) => ({ ...now, terminal }));
  };

  const open = async () => {
    setTrouble(null);
    try {
      const found = await openTill(app);
      shelf.current = found.shelf;
      accounts.current = found.till.accounts;
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
      accounts: [...till.accounts, ...holdsOf(kept.sales)].map((account) => account.id),
      requests: kept.sales.filter(isLive).map((sale) => sale.id),
      onEvent: async (event) => {
        const id = event.request ?? byHold(event);
        if (id) await look(id).catch(() => {});
        put({ cursor: event.seq });
      },
      onState: (now) => {
        setLink(now);
        app.setOffline(now === "offline");
        if (now === "live" || now === "polling") {
          lookAtLive();
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

  /** Ask for `total`, to be paid or reserved: sign a request, show its QR. One at a time, however
   * fast the fingers. */
  const ask = async (total, deposit = false) => {
    if (asking.current) return;
    asking.current = true;
    setTrouble(null);
    try {
      await askOnce(total, deposit);
    } catch (error) {
      setTrouble(error);
    } finally {
      asking.current = false;
    }
  };

  const askOnce = async (total, deposit) => {
    const { rates } = await api.get("/v1/rates").catch(() => opened);
    const count = shelf.current.count + 1;
    const payload = requestPayload({
      ledger: api.ledger,
      nonce: nonce(),
      now: api.now(),
      total,
      reference: referenceOf(NAME, count, deposit),
      offers: offersFor(total, { ...opened, rates }),
    });
    const sealed = await seal(payload, "tenge-request", opened.key);
    const id = await derivedKey(payload.not_after, sealed.digest, "request");
    stream.current.add({ requests: [id] });
    await api.post("/v1/payment-requests", { request: sealed.jws });
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

  // Before the keys are painted: a cashier who sees them may type.
  useLayoutEffect(() => {
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
      ${
        trouble
          ? html`<${Trouble} words=${words} error=${trouble} retry=${open} />`
          : html`<${Busy} label=${words.t("till.opening")} />`
      }
    </main>`;
  }

  return html`
    <${KeyBanner} words=${words} kind=${opened.key.kind} />
    <main id="screen" class="till ${flood ? "beneath" : ""}">
      <${Place} words=${words} name=${NAME} terminal=${opened.terminal} link=${link} />
      <section class="stage card" aria-label=${words.t("till.sale")}>
        ${trouble && html`<${Trouble} words=${words} error=${trouble} />`}
        ${
          shown
            ? html`<${Sale} words=${words} sale=${shown} left=${shown.notAfter - api.now()}
              accepts=${opened.terminal.accepts}
              done=${() => show(null)} repeat=${() => ask(shown.total, isDeposit(shown))}>
              <${Counter} key=${shown.id} app=${app} name=${NAME} shop=${opened.shop}
                accounts=${opened.till.accounts} sale=${shown} again=${() => look(shown.id)}
                scaleOf=${(asset) => opened.assets.get(asset).scale} connected=${connected} />
            <//>`
            : html`<${Keypad} words=${words} keys=${keys} amount=${amount} ready=${ready}
              type=${(key) => setKeys((now) => press(now, key))} ask=${() => ask(amount)}
              deposit=${() => ask(amount, true)} />`
        }
      </section>
      <${Sales} words=${words} sales=${sales.map((one) => atTime(one, api.now()))} show=${show} />
    </main>
    ${
      flood &&
      html`<${Flood} kind="paid" title=${words.t(`sale.${flood.status}`)} action=${words.t("till.next")}
      close=${() => (flood.id === current ? show(null) : setFlood(null))}>
      <p class="flood-amount">${words.money(flood.total)}</p>
      <p><${Paid} words=${words} payment=${flood.payment} /></p>
    <//>`
    }
  `;
}

start(Till);
