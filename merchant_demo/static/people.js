/**
 * Paying somebody by number or word, or asking them for money: name first, then amount, then yes. And
 * the link of a till's request, for whom the camera does not see the QR.
 */

import { REFERENCE } from "./claims.js";
import { Opening, useWallet } from "./joining.js";
import { Amount } from "./field.js";
import { entered } from "./money.js";
import { KeyBanner, start } from "./page.js";
import { Flood, Icon, Trouble, whoIs } from "./parts.js";
import { act } from "./purse.js";
import { requestIn } from "./sale.js";
import { Facts, Said, Sheet } from "./sheet.js";
import { chime } from "./sound.js";
import { html, useState } from "./view.js";

const ASK_MS = 7 * 24 * 3_600_000;

function Send({ app }) {
  const { words } = app;
  const wallet = useWallet(app);
  const { joined, seen, refresh } = wallet;
  if (!joined) return html`<${Opening} words=${words} wallet=${wallet} />`;
  return html`<${KeyBanner} words=${words} kind=${joined.key.kind} />
    <main id="screen" class="wallet narrow">
      <h1>${words.t("title.send")}</h1>
      <${People} app=${app} joined=${joined} accounts=${seen.accounts} refresh=${refresh} />
      <${ByLink} words=${words} />
      <${Number} words=${words} account=${seen.accounts[0]} />
      <p class="home"><a class="button plain" href="/wallet"><${Icon} name="left" size="20" />
        <span>${words.t("pay.home")}</span></a></p>
    </main>`;
}

function People({ app, joined, accounts, refresh }) {
  const { words } = app;
  const [found, setFound] = useState(null);
  const [missing, setMissing] = useState(false);
  const [trouble, setTrouble] = useState(null);
  const [text, setText] = useState("");
  const [asks, setAsks] = useState(false);
  const [paid, setPaid] = useState(null);
  const [said, setSaid] = useState("");
  const [busy, setBusy] = useState(false);

  const look = async (event) => {
    event.preventDefault();
    const word = new FormData(event.target).get("word");
    setBusy(true);
    setTrouble(null);
    setMissing(false);
    setSaid("");
    setText("");
    try {
      const one = await somebody(app, word);
      const own = one && accounts.some(({ id }) => id === one.account);
      setMissing(!one || own);
      setFound(one && !own ? { ...one, word: word.trim() } : null);
    } catch (error) {
      setTrouble(error);
    } finally {
      setBusy(false);
    }
  };

  const account = found && accounts.find((one) => one.asset === found.asset);
  const amount = account ? entered(text, account.scale) : null;
  const name = found && (found.name ?? whoIs(words, joined, found.account));
  const run = (_, onWait) => {
    if (asks) {
      const members = {
        to: account.id, from: found.account, amount, reference: REFERENCE,
        ends_at: app.api.now() + ASK_MS,
      };
      return act(app, joined, "ask/1", { members, onWait });
    }
    const to = found.alias ? { alias: found.alias } : { to: found.account };
    const members = { from: account.id, ...to, amount };
    const kind = found.alias ? "alias_pay/1" : "transfer/1";
    return act(app, joined, kind, { members, note: { name }, onWait });
  };
  const done = async (answer) => {
    setFound(null);
    if (asks) setSaid(words.t("people.asked", { name }));
    else {
      chime();
      setPaid({ id: answer.id, name, amount, asset: account.asset });
    }
    await refresh().catch(() => {});
  };
  const button = (ask) => html`<button type="button" class="button ${ask ? "soft" : ""}"
    aria-pressed=${String(asks === ask)} onClick=${() => setAsks(ask)}>
    ${words.t(ask ? "people.ask" : "people.pay")}</button>`;

  return html`<section class="card topay people" aria-labelledby="people-title">
    <h2 id="people-title">${words.t("people.title")}</h2>
    <${Said} text=${said} />
    <form onSubmit=${look}>
      <label for="word">${words.t("people.word")}</label>
      <div class="row">
        <input id="word" name="word" type="text" autocomplete="off" autocapitalize="none" required
          spellcheck="false" placeholder="+7 700 000 00 00" aria-invalid=${String(missing)}
          aria-describedby="word-wrong" />
        <button class="button" disabled=${busy}>${words.t("people.find")}</button>
      </div>
      <p id="word-wrong" class="wrong" role="alert">${missing ? words.t("people.none") : ""}</p>
    </form>
    ${trouble && html`<${Trouble} words=${words} error=${trouble} />`}
    ${
      found &&
      html`<${Sheet} words=${words} title=${name} run=${run} done=${done}
        ready=${amount !== null} close=${() => setFound(null)}
        action=${
          amount === null
            ? words.t(asks ? "people.ask" : "people.pay")
            : words.t(asks ? "people.ask.what" : "pay.pay", {
                what: words.amount(amount, account.asset),
              })
        }>
        <p class="quiet">${words.t(found.name ? "people.check" : "people.noname")}</p>
        <div class="row pick" role="group" aria-label=${words.t("people.do")}>
          ${button(false)}${button(true)}
        </div>
        ${
          account
            ? html`<${Amount} words=${words} value=${text} type=${setText}
                label=${words.t("people.amount", { asset: words.assetName(account.asset) })}
                wrong=${text !== "" && amount === null} />`
            : html`<p class="wrong">${words.t("people.asset", { asset: found.asset })}</p>`
        }
        ${account && !asks && html`<${Facts} rows=${[
          [words.t("fact.balance"), words.amount(account.balance, account.asset)],
        ]} />`}
      <//>`
    }
    ${
      paid &&
      html`<${Flood} kind="paid" title=${words.t("sale.paid")} action=${words.t("pay.home")}
        close=${() => location.assign("/wallet")}
        more=${{
          action: words.t("flood.receipt"),
          run: () => location.assign(`/wallet#${paid.id}`),
        }}>
        <p class="flood-amount">${words.amount(paid.amount, paid.asset)}</p>
        <p>${paid.name}</p>
      <//>`
    }
  </section>`;
}

/** A link that came another way than by the camera. */
function ByLink({ words }) {
  const [wrong, setWrong] = useState(false);
  const go = (event) => {
    event.preventDefault();
    const id = requestIn(new FormData(event.target).get("link"));
    if (id) location.assign(`/p/${id}`);
    setWrong(!id);
  };
  return html`<form class="card topay" onSubmit=${go}>
    <label for="link">${words.t("wallet.paste")}</label>
    <div class="row">
      <input id="link" name="link" type="text" inputmode="url" autocomplete="off" spellcheck="false"
        placeholder="/p/…" aria-invalid=${String(wrong)} aria-describedby="link-wrong" />
      <button class="button">${words.t("wallet.open")}</button>
    </div>
    <p id="link-wrong" class="wrong" role="alert">${wrong ? words.t("wallet.paste.wrong") : ""}</p>
  </form>`;
}

/** The wallet's own number, to be paid and asked by. */
function Number({ words, account }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(account.id).catch(() => {});
    setCopied(Boolean(navigator.clipboard));
  };
  return html`<section class="card number">
    <p><span class="quiet">${words.t("people.number")}</span><code>${account.id}</code></p>
    <button type="button" class="button soft" onClick=${copy}>
      <${Icon} name=${copied ? "check" : "copy"} size="20" />
      <span role="status">${words.t(copied ? "people.copied" : "people.copy")}</span></button>
  </section>`;
}

/**
 * Whom a word names: an alias or an account's number. {account, asset, name, alias} or null; `name`
 * is null where nobody's is known.
 */
async function somebody({ api }, text) {
  const word = text.trim();
  if (/^[A-Za-z0-9_-]{22}$/.test(word)) {
    const account = await api.get(`/v1/accounts/${word}`).catch(unlessMissing);
    if (account?.kind !== "wallet") return null;
    return { account: word, asset: account.asset, name: null, alias: null };
  }
  const plain = word.replace(/^\+|[\s()-]/g, "");
  const asked = /^\d{11}$/.test(plain) ? `+${plain.replace(/^8/, "7")}` : word.toLowerCase();
  if (!/^[a-z0-9+][a-z0-9._-]{2,31}$/.test(asked)) return null;
  const found = await api.post("/v1/aliases/resolve", { word: asked });
  return found.found ? found : null;
}

function unlessMissing(error) {
  if (error.status !== 404 && error.status !== 400) throw error;
  return null;
}

start(Send);
