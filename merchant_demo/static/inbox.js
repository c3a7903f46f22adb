/** Requests to pay: those that wait for this wallet, each paid or declined; and its own. */

import { covers } from "./money.js";
import { Flood, Icon, whoIs } from "./parts.js";
import { act } from "./purse.js";
import { REFERENCE } from "./claims.js";
import { Facts, Said, Sheet } from "./sheet.js";
import { html, useState } from "./view.js";

/** What others ask this wallet to pay. `receipt(id)` shows the receipt of a transaction. */
export function Inbox({ app, joined, accounts, asks, refresh, receipt }) {
  const { words } = app;
  const [asked, setAsked] = useState(null); // {ask, pay: yes or no}
  const [paid, setPaid] = useState(null);
  const [said, setSaid] = useState("");
  const who = (ask) => whoIs(words, joined, ask.payee);

  const run = ({ ask, pay }) => {
    const members = { ask: ask.id };
    if (pay) members.from = accounts.find((one) => one.asset === ask.asset).id;
    const note = { who: ask.payee };
    return (_, onWait) =>
      act(app, joined, pay ? "ask_pay/1" : "ask_decline/1", { members, note, onWait });
  };
  const done = async (answer) => {
    setAsked(null);
    if (asked.pay) setPaid({ ...asked, id: answer.id });
    else setSaid(words.t("ask.declined"));
    await refresh().catch(() => {});
  };

  if (asks.length === 0 && !said && !paid) return null;
  return html`<section class="card asks" aria-labelledby="asks-title">
    <h2 id="asks-title">${words.t("asks.title")}</h2>
    <${Said} text=${said} />
    <ul class="claims">
      ${asks.map((ask) => {
        const account = accounts.find((one) => one.asset === ask.asset);
        const short = !account || !covers(account.balance, ask.amount);
        return html`<li key=${ask.id}>
          <p class="head"><b>${who(ask)}</b><b>${words.amount(ask.amount, ask.asset)}</b></p>
          <p class="quiet">${words.t("until", { at: ask.ends_at })}${
            ask.reference !== REFERENCE && ` · ${ask.reference}`
          }${short && html` · <span class="wrong">${words.t("pay.short")}</span>`}</p>
          <div class="row">
            <button type="button" class="button" disabled=${!account}
              aria-label=${`${words.t("ask.pay")}: ${who(ask)}`}
              onClick=${() => setAsked({ ask, pay: true })}>${words.t("ask.pay")}</button>
            <button type="button" class="button soft"
              aria-label=${`${words.t("ask.decline")}: ${who(ask)}`}
              onClick=${() => setAsked({ ask, pay: false })}>${words.t("ask.decline")}</button>
          </div>
        </li>`;
      })}
    </ul>
    ${
      asked &&
      html`<${Sheet} words=${words} run=${run(asked)} done=${done} close=${() => setAsked(null)}
        title=${words.t(asked.pay ? "ask.pay.title" : "ask.decline.title")} risky=${!asked.pay}
        action=${
          asked.pay
            ? words.t("pay.pay", { what: words.amount(asked.ask.amount, asked.ask.asset) })
            : words.t("ask.decline")
        }>
        <${Facts} rows=${[
          [words.t("fact.who"), who(asked.ask)],
          [words.t("fact.amount"), words.amount(asked.ask.amount, asked.ask.asset)],
          [words.t("fact.until"), words.stamp(asked.ask.ends_at)],
        ]} />
        ${!asked.pay && html`<p class="quiet">${words.t("ask.decline.text")}</p>`}
      <//>`
    }
    ${
      paid &&
      html`<${Flood} kind="paid" title=${words.t("sale.paid")} action=${words.t("pay.home")}
        close=${() => setPaid(null)}
        more=${{
          action: words.t("flood.receipt"),
          run: () => {
            setPaid(null);
            receipt(paid.id);
          },
        }}>
        <p class="flood-amount">${words.amount(paid.ask.amount, paid.ask.asset)}</p>
        <p>${who(paid.ask)}</p>
      <//>`
    }
  </section>`;
}

const CHIPS = { open: "test", paid: "good" };

/** What this wallet asked of others, newest first, and what became of it. */
export function Asked({ app, joined, asked, refresh }) {
  const { words } = app;
  const [taken, setTaken] = useState(null);
  if (asked.length === 0) return null;
  const withdraw = (_, onWait) =>
    act(app, joined, "ask_withdraw/1", { members: { ask: taken.id }, onWait });
  const done = () => {
    setTaken(null);
    refresh().catch(() => {});
  };
  return html`<section class="card asked" aria-labelledby="asked-title">
    <h2 id="asked-title">${words.t("asked.title")}</h2>
    <ul class="claims">
      ${asked.map(
        (ask) => html`<li key=${ask.id}>
          <p class="head"><b>${whoIs(words, joined, ask.payer)}</b>
            <b>${words.amount(ask.amount, ask.asset)}</b></p>
          <p class="quiet"><span class="chip ${CHIPS[ask.status] ?? ""}">${
            words.has(`ask.is.${ask.status}`) ? words.t(`ask.is.${ask.status}`) : words.t("is.over")
          }</span> ${ask.ends_at && words.t("until", { at: ask.ends_at })}</p>
          ${
            ask.status === "open" &&
            html`<div class="row"><button type="button" class="button soft"
              onClick=${() => setTaken(ask)}>
              <${Icon} name="cross" size="20" /><span>${words.t("ask.withdraw")}</span>
            </button></div>`
          }
        </li>`,
      )}
    </ul>
    ${
      taken &&
      html`<${Sheet} words=${words} title=${words.t("ask.withdraw.title")} run=${withdraw} risky
        action=${words.t("ask.withdraw")} done=${done} close=${() => setTaken(null)}>
        <${Facts} rows=${[
          [words.t("fact.whom"), whoIs(words, joined, taken.payer)],
          [words.t("fact.amount"), words.amount(taken.amount, taken.asset)],
        ]} />
      <//>`
    }
  </section>`;
}
