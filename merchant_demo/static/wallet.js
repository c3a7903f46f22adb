/**
 * The wallet: balances, history, and the pay screen that a till's QR opens.
 *
 * One module draws `/wallet` and `/p/<id>`; what it knows and does is in purse.js. The key is made
 * in this browser at the first visit and never leaves it.
 */

import { follow } from "/static/client/stream.js";
import { valueOf } from "./money.js";
import { config, KeyBanner, start, streamUrl } from "./page.js";
import { Busy, Icon, labelOf, Trouble } from "./parts.js";
import { Pay } from "./pay.js";
import { balances, history, join, send, unanswered } from "./purse.js";
import { Receipt } from "./receipt.js";
import { requestIn } from "./sale.js";
import { html, useEffect, useRef, useState } from "./view.js";

const STEPS = ["key", "bank", "look"];
const TAIL = 4;

function Wallet({ app }) {
  const { words } = app;
  const [step, setStep] = useState("key");
  const [joined, setJoined] = useState(null);
  const [accounts, setAccounts] = useState(null);
  const [rows, setRows] = useState(null);
  const [changed, setChanged] = useState(0);
  const [trouble, setTrouble] = useState(null);
  const [receipt, setReceipt] = useState(null);
  const stream = useRef(null);

  const refresh = async (of = joined) => {
    const [now, past] = await Promise.all([balances(app, of), history(app, of)]);
    setAccounts(now);
    setRows(past);
  };

  const open = async () => {
    setTrouble(null);
    try {
      const found = await join(app, setStep);
      await refresh(found);
      setJoined(found);
      const waiting = await unanswered(app);
      if (waiting && waiting !== config.request)
        send(app).then(
          () => refresh(found),
          () => refresh(found),
        );
      stream.current = follow({
        api: app.api,
        url: streamUrl(),
        accounts: found.holder.accounts.map((account) => account.id),
        requests: config.request ? [config.request] : [],
        onEvent: () => {
          setChanged((count) => count + 1);
          refresh(found).catch(() => {});
        },
        onState: (now) => {
          app.setOffline(now === "offline");
          if (now === "live" || now === "polling") refresh(found).catch(() => {});
        },
        onGap: () => location.reload(),
      });
    } catch (error) {
      setTrouble(error);
    }
  };

  useEffect(() => {
    open();
    return () => stream.current?.stop();
  }, []);

  if (trouble) {
    return html`<main id="screen" class="wallet narrow">
      <${Trouble} words=${words} error=${trouble} retry=${open} />
    </main>`;
  }
  if (!joined) return html`<${Joining} words=${words} step=${step} />`;

  const banner = html`<${KeyBanner} words=${words} kind=${joined.key.kind} />`;
  if (receipt) {
    return html`${banner}<${Receipt} app=${app} joined=${joined} row=${receipt}
      close=${() => setReceipt(null)} />`;
  }
  if (config.request) {
    return html`${banner}<${Pay} app=${app} joined=${joined} accounts=${accounts}
      changed=${changed} id=${config.request} />`;
  }
  return html`${banner}
    <main id="screen" class="wallet">
      <div class="purse">
        <h1 class="hidden">${words.t("title.wallet")}</h1>
        <${Cards} words=${words} accounts=${accounts} kid=${joined.key.kid} />
        <${ToPay} words=${words} />
        <p class="card warn"><${Icon} name="key" /><span>${words.t("wallet.backup")}</span></p>
      </div>
      <${History} words=${words} rows=${rows} joined=${joined} show=${setReceipt} />
    </main>`;
}

function Joining({ words, step }) {
  const at = STEPS.indexOf(step);
  return html`<main id="screen" class="wallet narrow">
    <section class="card joining">
      <span class="round large"><${Icon} name="wallet" size="36" /></span>
      <h1>${words.t("join.title")}</h1>
      <p class="quiet">${words.t("join.text")}</p>
      <ol>
        ${STEPS.map(
          (
            name,
            place,
          ) => html`<li key=${name} class=${place < at ? "past" : place === at ? "now" : ""}>
            <span class="round small">${
              place < at ? html`<${Icon} name="check" size="18" />` : String(place + 1)
            }</span>
            <span>${words.t(`join.${name}`)}</span>
          </li>`,
        )}
      </ol>
      <${Busy} label=${html`<span class="hidden">${words.t(`join.${step}`)}</span>`} />
    </section>
  </main>`;
}

/** Digital tenge as the large card; test assets small, marked as tests. */
function Cards({ words, accounts, kid }) {
  const [tenge, ...others] = accounts;
  return html`
    <section class="money-card" aria-label=${words.assetName(tenge.asset)}>
      <p class="label">${words.assetName(tenge.asset)}</p>
      <p class="amount">${words.money(tenge.balance)}</p>
      <p class="tail"><${Icon} name="key" size="18" />
        <span>${words.t("wallet.key", { tail: kid.slice(-TAIL) })}</span></p>
    </section>
    <ul class="coins" aria-label=${words.t("wallet.crypto")}>
      ${others.map(
        (one) => html`<li key=${one.asset} class="card">
          <p><b>${one.asset}</b> <span class="chip test">${words.t("wallet.test")}</span></p>
          <p class="amount">${words.decimal(one.balance)}</p>
          <p class="quiet">${
            one.rate
              ? `≈ ${words.money(valueOf(one.balance, one.scale, one.rate.rate))}`
              : words.t("wallet.norate")
          }</p>
        </li>`,
      )}
    </ul>
  `;
}

function ToPay({ words }) {
  const [wrong, setWrong] = useState(false);
  const go = (event) => {
    event.preventDefault();
    const id = requestIn(new FormData(event.target).get("link"));
    if (id) location.assign(`/p/${id}`);
    setWrong(!id);
  };
  return html`<form class="card topay" onSubmit=${go}>
    <p class="point"><span class="round"><${Icon} name="scan" /></span>
      <span>${words.t("wallet.point")}</span></p>
    <label for="link">${words.t("wallet.paste")}</label>
    <div class="row">
      <input id="link" name="link" type="text" inputmode="url" autocomplete="off" spellcheck="false"
        placeholder="/p/…" aria-invalid=${String(wrong)} aria-describedby="link-wrong" />
      <button class="button">${words.t("wallet.open")}</button>
    </div>
    <p id="link-wrong" class="wrong" role="alert">${wrong ? words.t("wallet.paste.wrong") : ""}</p>
  </form>`;
}

function History({ words, rows, joined, show }) {
  return html`<section class="history card" aria-labelledby="history-title">
    <h2 id="history-title">${words.t("history.title")}</h2>
    ${
      rows.length === 0
        ? html`<p class="quiet">${words.t("history.none")}</p>`
        : html`<ul>
          ${rows.map((row) => {
            const out = row.amount.startsWith("-");
            return html`<li key=${row.id + row.account}>
              <button type="button" class="line" onClick=${() => show(row)}>
                <span class="round small"><${Icon} name=${out ? "out" : "in"} size="18" /></span>
                <span class="who"><b>${labelOf(words, row, joined)}</b>
                  <small>${words.stamp(row.at)}</small></span>
                <span class="sum ${out ? "" : "plus"}">
                  ${(out ? "" : "+") + words.amount(row.amount, row.asset)}</span>
              </button>
            </li>`;
          })}
        </ul>`
    }
  </section>`;
}

start(Wallet);
