/**
 * The wallet: balances, what is reserved and asked for, history, receipts. What it knows and does is
 * in purse.js and claims.js; a till's QR opens another page, paying.js.
 */

import { claims } from "./claims.js";
import { Asked, Inbox } from "./inbox.js";
import { Opening, useWallet } from "./joining.js";
import { valueOf } from "./money.js";
import { KeyBanner, start } from "./page.js";
import { Icon, labelOf } from "./parts.js";
import { movements } from "./purse.js";
import { Receipt } from "./receipt.js";
import { Frozen, Reserved, reservedOf, Services } from "./reserved.js";
import { html, useState } from "./view.js";

const TAIL = 4;

/** The transaction behind the # of this address: whoever has just paid comes for its receipt. */
const shownFirst = () => (location.hash ? { id: location.hash.slice(1) } : null);

function Wallet({ app }) {
  const { words } = app;
  const wallet = useWallet(app, async (joined) => {
    const [rows, found] = await Promise.all([movements(app, joined), claims(app, joined)]);
    return { rows, claims: found };
  });
  const [receipt, setReceipt] = useState(shownFirst); // {id, account} of a movement, or null
  const { joined, seen, refresh } = wallet;
  if (!joined) return html`<${Opening} words=${words} wallet=${wallet} />`;

  const { accounts, rows, claims: found } = seen;
  const banner = html`<${KeyBanner} words=${words} kind=${joined.key.kind} />`;
  const close = () => {
    if (location.hash) history.replaceState(null, "", location.pathname);
    setReceipt(null);
  };
  const row =
    receipt &&
    rows.find(({ id, account }) => id === receipt.id && (receipt.account ?? account) === account);
  if (row) {
    return html`${banner}<${Receipt} app=${app} joined=${joined} row=${row}
      close=${close} />`;
  }
  const common = { app, joined, accounts, refresh, receipt: (id) => setReceipt({ id }) };
  return html`${banner}
    <main id="screen" class="wallet">
      <div class="purse">
        <h1 class="hidden">${words.t("title.wallet")}</h1>
        <${Frozen} words=${words} accounts=${accounts} />
        <${Cards} words=${words} accounts=${accounts} claims=${found} kid=${joined.key.kid} />
        <${Inbox} ...${common} asks=${found.asks} />
        <${Ways} words=${words} />
      </div>
      <div class="affairs">
        <${Reserved} ...${common} claims=${found} />
        <${Asked} ...${common} asked=${found.asked} />
        <${Services} ...${common} consents=${found.consents} />
        <${History} words=${words} rows=${rows} joined=${joined} show=${setReceipt} />
        <p class="card warn"><${Icon} name="key" /><span>${words.t("wallet.backup")}</span></p>
      </div>
    </main>`;
}

/** Digital tenge as the large card; test assets small, marked as tests. */
function Cards({ words, accounts, claims: found, kid }) {
  const [tenge, ...others] = accounts;
  const reserved = (one) => {
    const amount = reservedOf(found, one);
    return amount && words.t("reserved.sum", { amount, asset: one.asset });
  };
  return html`
    <section class="money-card" aria-label=${words.assetName(tenge.asset)}>
      <p class="label">${words.assetName(tenge.asset)}</p>
      <p class="amount">${words.money(tenge.balance)}</p>
      ${reserved(tenge) && html`<p class="aside">${reserved(tenge)}</p>`}
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
          ${reserved(one) && html`<p class="quiet">${reserved(one)}</p>`}
        </li>`,
      )}
    </ul>
  `;
}

/** What a wallet is for: to pay, and to be paid. */
const Ways = ({ words }) => html`<section class="card ways">
  <p class="point"><span class="round"><${Icon} name="scan" /></span>
    <span>${words.t("wallet.point")}</span></p>
  <a class="button big" href="/wallet/send"><${Icon} name="out" size="22" />
    <span>${words.t("wallet.send")}</span></a>
  <a class="button soft" href="/wallet/offline">${words.t("title.offline")}</a>
</section>`;

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
