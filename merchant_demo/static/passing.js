/** Passing money from device to device, with no network: paying to a code, and taking one. */

import { Malformed } from "/static/client/offline.js";
import { addressOf, pay, readPayee, receive, Refused } from "/static/client/purse.js";
import { Code, Reader } from "./codes.js";
import { amountOf } from "./device.js";
import { Amount } from "./field.js";
import { entered, units } from "./money.js";
import { Icon } from "./parts.js";
import { Facts } from "./sheet.js";
import { html, useEffect, useRef, useState } from "./view.js";

/** What the device knows of other purses: the end of an id. */
export const tailOf = (words, id) => words.t("who.other", { tail: id.slice(-4) });

/** Whether the device itself said no, and no server. */
export const isNo = (error) => error instanceof Refused || error instanceof Malformed;

/** Why the device said no, and what would help. */
export function No({ words, error }) {
  const code = error instanceof Malformed ? "unreadable" : error.code;
  const { available, before, ends, limit, until } = error.params ?? {};
  const money = (tiyn) => tiyn !== undefined && words.money(amountOf(tiyn));
  const key = words.has(`purse.no.${code}`) ? `purse.no.${code}` : "problem.other";
  const params = {
    money: money(limit) || money(available),
    at: before ?? ends ?? until,
    hops: typeof limit === "number" ? limit : undefined,
  };
  return html`<div class="card trouble" role="alert"><${Icon} name="warn" />
    <p><b>${words.t("purse.no")}</b></p><p>${words.t(key, params)}</p></div>`;
}

/** A screen of its own, with the way back; the focus goes to its title. */
export function Page({ words, title, back, children }) {
  const heading = useRef(null);
  useEffect(() => {
    heading.current.focus();
    scrollTo(0, 0);
  }, []);
  return html`<main id="screen" class="wallet narrow passing">
    <section class="card">
      <h1 ref=${heading} tabindex="-1">${title}</h1>
      ${children}
    </section>
    <p class="home"><button type="button" class="button plain" onClick=${back}>
      <${Icon} name="left" size="20" /><span>${words.t("purse.back")}</span></button></p>
  </main>`;
}

/** Pay: the payee's code, the amount where the code names none, then codes for the payee. */
export function Paying({ app, hand, back, changed }) {
  const { words } = app;
  const [address, setAddress] = useState(null); // {text, payee, amount}
  const [typed, setTyped] = useState("");
  const [trouble, setTrouble] = useState(null);
  const [texts, setTexts] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  useEffect(() => form.current?.querySelector("input, button").focus(), [address]);
  const amount = address?.amount ? amountOf(address.amount) : entered(typed, 2);

  const take = (text) => {
    setTrouble(null);
    try {
      const [exact, read] = either(text, (one) => readPayee(hand.state, one));
      setAddress({ text: exact, ...read });
    } catch (error) {
      setTrouble(error);
    }
  };
  const run = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setTrouble(null);
    try {
      const signed = await pay(app.keep, address.text, units(amount, 2), app.api.now());
      await changed();
      setTexts(signed);
    } catch (error) {
      setTrouble(error);
    } finally {
      setBusy(false);
    }
  };

  if (texts) {
    const what = words.money(amount);
    return html`<${Shown} key="shown" words=${words} texts=${texts} back=${back}
      title=${words.t("purse.paid", { what })} />`;
  }
  return html`<${Page} words=${words} title=${words.t("purse.pay.title")} back=${back}>
    ${
      address
        ? html`<form ref=${form} class="people" onSubmit=${run}>
            <${Facts} rows=${[
              [words.t("fact.whom"), tailOf(words, address.payee)],
              [words.t("fact.amount"), address.amount ? words.money(amount) : ""],
              [words.t("fact.balance"), words.money(amountOf(hand.balance))],
            ]} />
            ${
              !address.amount &&
              html`<${Amount} words=${words} value=${typed} type=${setTyped}
                label=${words.t("people.amount", { asset: words.assetName("KZTD") })}
                wrong=${typed !== "" && amount === null} />`
            }
            <button class="button big" disabled=${amount === null || busy}>
              ${
                amount === null
                  ? words.t("people.pay")
                  : words.t("pay.pay", { what: words.money(amount) })
              }</button>
          </form>`
        : html`<p class="quiet">${words.t("purse.pay.text")}</p>
            <${Reader} words=${words} label=${words.t("purse.pay.code")} take=${take}
              action=${words.t("purse.pay.next")} />`
    }
    ${trouble && html`<${No} words=${words} error=${trouble} />`}
  <//>`;
}

/** The codes of a payment, for the payee to take each of them. */
export function Shown({ words, texts, title, back }) {
  return html`<${Page} words=${words} title=${title} back=${back}>
    <p class="stamp">${words.t("purse.stamp")}</p>
    <p>${words.t(texts.length > 1 ? "purse.show.all" : "purse.show", { count: texts.length })}</p>
    ${texts.map((text, at) => {
      const label = words.t("purse.code", { place: at + 1, count: texts.length });
      return html`<div key=${text}>
        ${texts.length > 1 && html`<p class="quiet">${label}</p>`}
        <${Code} words=${words} text=${text} label=${label} /></div>`;
    })}
  <//>`;
}

/** Be paid: show where to, then take the payer's code. */
export function Receiving({ app, hand, back, changed }) {
  const { words } = app;
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState(null);
  const [taken, setTaken] = useState([]);
  const last = useRef(null);
  useEffect(() => last.current?.focus(), [taken]);
  const amount = entered(typed, 2);
  const text = addressOf(hand.state, amount ? units(amount, 2) : 0n);

  const take = async (given) => {
    setBusy(true);
    setTrouble(null);
    try {
      const [, one] = await eitherAsync(given, (code) => receive(app.keep, code, app.api.now()));
      await changed();
      setTaken([one, ...taken]);
    } catch (error) {
      setTrouble(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<${Page} words=${words} title=${words.t("purse.receive.title")} back=${back}>
    <div aria-live="polite">
      ${taken.map(
        (one, at) => html`<div key=${one.id} class="card taken" tabindex="-1"
          ref=${at ? undefined : last}>
          <p><${Icon} name="check" size="28" />
            <b>${words.t("purse.taken", { what: words.money(amountOf(one.amount)) })}</b></p>
          <p>${words.t("purse.taken.how", { who: tailOf(words, one.payer), hops: one.hops })}</p>
          <p>${words.t("purse.taken.before", { at: one.before })}</p>
        </div>`,
      )}
    </div>
    <h2>${words.t("purse.receive.show")}</h2>
    <${Amount} words=${words} value=${typed} type=${setTyped}
      label=${words.t("purse.receive.amount")} wrong=${typed !== "" && amount === null} />
    <${Code} words=${words} text=${text} label=${words.t("purse.receive.own")} />
    <h2>${words.t("purse.receive.take")}</h2>
    <${Reader} key=${taken.length} words=${words} label=${words.t("purse.receive.code")}
      take=${take} busy=${busy}
      action=${words.t("purse.receive.do")} />
    ${trouble && html`<${No} words=${words} error=${trouble} />`}
  <//>`;
}

/** A code may end in a space, and a space may have been pasted behind it: as it stands first. */
function either(text, read) {
  try {
    return [text, read(text)];
  } catch (error) {
    const trimmed = text.trimEnd();
    if (!(error instanceof Malformed) || trimmed === text) throw error;
    return [trimmed, read(trimmed)];
  }
}

async function eitherAsync(text, read) {
  try {
    return [text, await read(text)];
  } catch (error) {
    const trimmed = text.trimEnd();
    if (!(error instanceof Malformed) || trimmed === text) throw error;
    return [trimmed, await read(trimmed)];
  }
}
