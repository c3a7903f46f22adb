/**
 * The page of the offline purse: set up and loaded with a network, then it opens, pays and is paid
 * without one (offline.worker.js keeps the page); what was received is brought in later.
 */

import * as device from "./device.js";
import { Amount } from "./field.js";
import { entered } from "./money.js";
import { KeyBanner, start } from "./page.js";
import { Busy, Icon, Trouble } from "./parts.js";
import { isNo, No, Paying, Receiving, Shown, tailOf } from "./passing.js";
import { Facts, Said, Sheet } from "./sheet.js";
import { html, useEffect, useRef, useState } from "./view.js";

const LOOK_MS = 15_000;
const FIRST = "5000";
const SHOWN = 20; // rows of each list

const moneyOf = (words, tiyn) => words.money(device.amountOf(tiyn));

function Offline({ app }) {
  const { words } = app;
  const [hand, setHand] = useState(undefined); // null: no purse; undefined: not looked yet
  const [ledger, setLedger] = useState(undefined); // null: this purse is of another one
  const [online, setOnline] = useState(navigator.onLine !== false);
  const [kept, setKept] = useState(null);
  const [screen, setScreen] = useState(null); // null, "pay", "receive" or {texts, title}
  const [told, setTold] = useState({}); // of the last act: said, found, trouble
  const [busy, setBusy] = useState(null);
  const wallet = useRef(null);

  const look = async () => setHand(await device.atHand(app));
  const hear = async () => {
    if (navigator.onLine === false) return setOnline(false);
    try {
      if (await device.atHand(app)) setLedger(await device.renew(app));
      setOnline(true);
      if (!kept) device.keepPage().then(setKept, () => setKept(false));
    } catch (error) {
      setOnline(error.name !== "Unreachable");
    }
    return look();
  };
  const opened = async () => (wallet.current ??= await device.openWallet(app));
  const doing = async (what, work) => {
    if (busy) return;
    setBusy(what);
    setTold({});
    try {
      setTold((await work(await opened())) ?? {});
    } catch (trouble) {
      setTold({ trouble });
    }
    await hear();
    setBusy(null);
  };

  useEffect(() => {
    const go = () => setOnline(false);
    look().then(hear);
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") hear();
    }, LOOK_MS);
    addEventListener("online", hear);
    addEventListener("offline", go);
    return () => {
      clearInterval(timer);
      removeEventListener("online", hear);
      removeEventListener("offline", go);
    };
  }, []);

  if (hand === undefined) {
    return html`<main id="screen" class="wallet narrow">
      <${Busy} label=${html`<span class="hidden">${words.t("title.offline")}</span>`} /></main>`;
  }
  const common = { app, words, hand, online, busy, doing };
  const over = ledger === null ? "other" : ledger?.purse.status === "closed" ? "closed" : null;
  if (!hand || over) return html`<${Begin} ...${common} over=${over} told=${told} />`;

  const frozen = ledger?.purse.status === "frozen" || hand.frozen;
  const older = ledger?.older ?? false;
  const home = { back: () => setScreen(null), changed: look };
  if (screen === "pay") return html`<${Paying} app=${app} hand=${hand} ...${home} />`;
  if (screen === "receive") return html`<${Receiving} app=${app} hand=${hand} ...${home} />`;
  if (screen) return html`<${Shown} words=${words} ...${screen} ...${home} />`;
  return html`<${KeyBanner} words=${words} kind=${hand.keyKind} />
    <main id="screen" class="wallet offline">
    <div class="purse">
      <h1 class="hidden">${words.t("title.offline")}</h1>
      ${frozen && html`<${Stop} words=${words} title="purse.frozen" text="purse.frozen.text" />`}
      ${
        older &&
        !frozen &&
        html`<${Stop} words=${words} title="purse.older" text="purse.no.older_copy" />`
      }
      <section class="money-card" aria-label=${words.t("title.offline")}>
        <p class="label">${words.t("purse.on")}</p>
        <p class="amount">${moneyOf(words, hand.balance)}</p>
        <p class="tail"><${Icon} name="key" size="18" /><span>${words.t("purse.tail", {
          tail: hand.id.slice(-4),
          at: hand.certificate?.endsAt,
        })}</span></p>
      </section>
      <${Network} words=${words} online=${online} kept=${kept} />
      <div class="row two">
        <button type="button" class="button big" disabled=${frozen || older}
          onClick=${() => setScreen("pay")}>
          <${Icon} name="out" size="22" /><span>${words.t("purse.pay")}</span></button>
        <button type="button" class="button big" onClick=${() => setScreen("receive")}>
          <${Icon} name="in" size="22" /><span>${words.t("purse.receive")}</span></button>
      </div>
      <${Told} words=${words} told=${told} />
      <${Moves} ...${common} stopped=${frozen || older} hear=${hear} opened=${opened} tell=${setTold} />
    </div>
    <div class="affairs">
      <${Received} ...${common} />
      <${Paid} words=${words} hand=${hand}
        show=${({ text, amount }) =>
          setScreen({
            texts: [text],
            title: words.t("purse.paid", { what: moneyOf(words, amount) }),
          })} />
      <${Limits} words=${words} hand=${hand} />
      <p class="home"><a class="button plain" href="/wallet">
        <${Icon} name="left" size="20" /><span>${words.t("pay.home")}</span></a></p>
    </div>
  </main>`;
}

/** No purse yet, or one that is of no use any more: make one, and load it. */
function Begin({ app, words, online, busy, doing, over, told }) {
  const [typed, setTyped] = useState(FIRST);
  const amount = entered(typed, 2);
  const run = (event) => {
    event.preventDefault();
    doing("setup", async (wallet) => {
      const { purse } = await device.setUp(app, wallet);
      await device.load(app, wallet, { id: purse.id, amount });
      return { said: words.t("purse.loaded", { what: words.money(amount) }) };
    });
  };
  return html`<main id="screen" class="wallet narrow">
    <form class="card joining begin" onSubmit=${run}>
      <span class="round large"><${Icon} name="lock" size="36" /></span>
      <h1>${words.t("purse.begin.title")}</h1>
      ${over && html`<p class="wrong" role="alert">${words.t(`purse.over.${over}`)}</p>`}
      <p class="quiet">${words.t("purse.begin.text")}</p>
      <${Amount} words=${words} label=${words.t("purse.begin.amount")} value=${typed} type=${setTyped}
        wrong=${typed !== "" && amount === null} />
      <button class="button big" disabled=${amount === null || busy || !online}>
        ${words.t("purse.begin.do")}</button>
      ${!online && html`<p class="wrong" role="status">${words.t("purse.begin.offline")}</p>`}
      ${busy && html`<${Busy} label=${words.t("purse.begin.busy")} />`}
      <${Told} words=${words} told=${told} />
    </form>
    <p class="home"><a class="button plain" href="/wallet">
      <${Icon} name="left" size="20" /><span>${words.t("pay.home")}</span></a></p>
  </main>`;
}

/** What the last act came to. */
function Told({ words, told: { said, found, trouble } }) {
  return html`<${Said} text=${said} />
    ${
      found &&
      html`<section class="card caution" role="alert"><${Icon} name="warn" />
        <div><h2>${words.t("purse.found")}</h2>
          <p>${words.t(`purse.found.${found.status}`, {
            paid: words.money(found.paid),
            amount: words.money(found.amount),
          })}</p></div></section>`
    }
    ${trouble && html`<${isNo(trouble) ? No : Trouble} words=${words} error=${trouble} />`}`;
}

/** Whether there is a network, and what works without one. */
function Network({ words, online, kept }) {
  return html`<p class="net ${online ? "on" : "off"}" role="status">
    <${Icon} name=${online ? "check" : "cloud"} size="20" />
    <span>${words.t(online ? "purse.online" : "purse.offline")}
      ${online && kept === true && html` ${words.t("purse.kept")}`}
      ${online && kept === false && html` ${words.t("purse.unkept")}`}</span></p>`;
}

/** Why nothing is to be paid from here any more. */
const Stop = ({ words, title, text }) => html`<section class="card caution frozen" role="alert">
  <${Icon} name="lock" /><div><h2>${words.t(title)}</h2><p>${words.t(text)}</p></div></section>`;

/** Between purse and wallet: both need the network. */
function Moves({ app, words, hand, online, stopped, hear, opened, tell }) {
  const [asked, setAsked] = useState(null); // "load" or "home"
  const [typed, setTyped] = useState("");
  const amount = entered(typed, 2);
  const done = (said) => {
    setAsked(null);
    setTyped("");
    tell({ said });
    hear();
  };
  const runLoad = async (_, onWait) => {
    await device.load(app, await opened(), { id: hand.id, amount, onWait });
    return words.t("purse.loaded", { what: words.money(amount) });
  };
  const runHome = async (_, onWait) => {
    await device.bringHome(app, await opened(), onWait);
    return words.t("purse.homed");
  };
  const full = html`<${Facts} rows=${[[words.t("fact.amount"), moneyOf(words, hand.balance)]]} />`;
  return html`<section class="card ways" aria-label=${words.t("purse.moves")}>
    <div class="row two">
      <button type="button" class="button soft" disabled=${!online || stopped}
        onClick=${() => setAsked("load")}>${words.t("purse.load")}</button>
      <button type="button" class="button soft"
        disabled=${!online || stopped || (!hand.balance && !hand.outbox)}
        onClick=${() => setAsked("home")}>${words.t("purse.home")}</button>
    </div>
    ${!online && html`<p class="quiet">${words.t("purse.moves.offline")}</p>`}
    ${
      asked === "load" &&
      html`<${Sheet} words=${words} title=${words.t("purse.load")} run=${runLoad} done=${done}
        action=${words.t("purse.load.do")} ready=${amount !== null}
        close=${() => setAsked(null)}>
        <${Amount} words=${words} label=${words.t("purse.begin.amount")} value=${typed}
          type=${setTyped} wrong=${typed !== "" && amount === null} />
      <//>`
    }
    ${
      asked === "home" &&
      html`<${Sheet} words=${words} title=${words.t("purse.home")} run=${runHome} done=${done}
        action=${words.t("purse.home.do")} close=${() => setAsked(null)}>
        ${full}<p class="quiet">${words.t("purse.home.text")}</p>
      <//>`
    }
  </section>`;
}

/** What was received: from whom, over how many hops, and whether the ledger has it. */
function Received({ app, words, hand, online, busy, doing }) {
  const bring = (row) =>
    doing(row.id, async (wallet) => {
      const found = await device.deposit(app, wallet, row);
      if (found.status !== "paid") return { found };
      return { said: words.t("purse.deposited", { what: words.money(found.paid) }) };
    });
  return html`<section class="card" aria-labelledby="received-title">
    <h2 id="received-title">${words.t("purse.received")}</h2>
    ${hand.received.length === 0 && html`<p class="quiet">${words.t("purse.received.none")}</p>`}
    <ul class="claims">
      ${hand.received.slice(0, SHOWN).map((row) => {
        const settled = hand.settled[row.id];
        const state = settled?.status ?? "here";
        return html`<li key=${row.id} class="received">
          <p class="head"><b>${tailOf(words, row.payer)}</b><b>${moneyOf(words, row.amount)}</b></p>
          <p class="quiet">${words.stamp(row.at)} · ${words.t("purse.hops", { hops: row.hops })}</p>
          <p><span class="chip is-${state}">${words.t(`purse.is.${state}`, {
            paid: settled && words.money(settled.paid),
          })}</span></p>
          ${
            !settled &&
            html`<p class="quiet">${words.t("purse.taken.before", { at: row.before })}</p>
              <div class="row"><button type="button" class="button soft"
                disabled=${!online || busy !== null} onClick=${() => bring(row)}
                aria-label=${`${words.t("purse.deposit")}: ${moneyOf(words, row.amount)}`}>
                ${words.t("purse.deposit")}</button></div>`
          }
        </li>`;
      })}
    </ul>
  </section>`;
}

/** What was paid, to be shown again: a payee may have missed it. */
function Paid({ words, hand, show }) {
  if (hand.paid.length === 0) return null;
  return html`<section class="card history" aria-labelledby="paid-title">
    <h2 id="paid-title">${words.t("purse.sent")}</h2>
    <ul>
      ${hand.paid.slice(0, SHOWN).map(
        (row) => html`<li key=${row.id}>
          <button type="button" class="line" onClick=${() => show(row)}>
            <span class="round small"><${Icon} name="out" size="18" /></span>
            <span class="who"><b>${tailOf(words, row.payee)}</b>
              <small>${words.stamp(row.at)} · ${words.t("purse.again")}</small></span>
            <span class="sum">${moneyOf(words, row.amount)}</span>
          </button></li>`,
      )}
    </ul>
  </section>`;
}

/** The terms of the certificate, and how old the notice is. */
function Limits({ words, hand: { certificate, notice } }) {
  if (!certificate || !notice) return null;
  return html`<section class="card" aria-labelledby="limits-title">
    <h2 id="limits-title">${words.t("purse.limits")}</h2>
    <${Facts} rows=${[
      [words.t("purse.limit.payment"), moneyOf(words, certificate.paymentMax)],
      [words.t("purse.limit.purse"), moneyOf(words, certificate.purseMax)],
      [words.t("purse.limit.hops"), String(certificate.hops)],
      [words.t("purse.limit.bearer"), words.t(`purse.bearer.${certificate.bearer}`)],
      [words.t("purse.limit.notice"), words.stamp(notice.until)],
    ]} />
  </section>`;
}

start(Offline, { alone: true });
