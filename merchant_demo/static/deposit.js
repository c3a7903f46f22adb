/** A deposit at the till, and what can be done with it or with a paid sale, once the shop's own key
 * is connected. */

import { Amount } from "./field.js";
import { entered } from "./money.js";
import { Icon } from "./parts.js";
import { Facts, Said, Sheet } from "./sheet.js";
import { capture, connect, giveBack, keyIn, letGo } from "./shop.js";
import { html, useState } from "./view.js";

const some = (amount) => /[1-9]/.test(amount);

/** What is left or what there was, what was taken, until when. */
export function Held({ words, hold }) {
  const open = hold.status === "open";
  return html`<${Facts} rows=${[
    [words.t("deposit.whole"), !open && words.amount(hold.amount, hold.asset)],
    [words.t("deposit.taken"), some(hold.captured) && words.amount(hold.captured, hold.asset)],
    [words.t("deposit.left"), open && words.amount(hold.left, hold.asset)],
    [words.t("deposit.until"), open && words.stamp(hold.ends_at)],
  ]} />`;
}

/** Buttons for a sale that money is reserved for or that is paid, and the questions behind them.
 * `again` looks at the sale anew; `connected` is told when the shop's key is there. */
export function Counter({ app, name, shop, scaleOf, accounts, sale, again, connected }) {
  const { words } = app;
  const [asked, setAsked] = useState(null); // "take", "void", "refund", or "connect" with `then`
  const [text, setText] = useState("");
  const [said, setSaid] = useState("");
  const [wrong, setWrong] = useState(false);
  const [last, setLast] = useState(true); // with this capture the rest goes back
  const { hold, payment } = sale;
  const back = words.t(hold && some(hold.captured) ? "deposit.last" : "deposit.void");
  const open = (what, amount = "") => {
    setText(amount);
    setSaid("");
    setWrong(false);
    setLast(true);
    setAsked(shop.connected ? { what } : { what: "connect", then: { what, amount } });
  };
  const close = () => setAsked(null);
  const asset = asked?.what === "refund" ? payment.asset : hold?.asset;
  const amount = asset ? entered(text, scaleOf(asset)) : null;
  const what = amount && words.amount(amount, asset);
  const done = async () => {
    close();
    if (asked.what === "refund") setSaid(words.t("refund.done", { what }));
    await again().catch(() => {});
  };
  const field = (label) => html`<${Amount} words=${words} label=${words.t(label)} value=${text}
    type=${setText} wrong=${text !== "" && amount === null} />`;

  const pair = async (fields, onWait) => {
    const owner = await keyIn(fields.get("key"));
    setWrong(owner === null);
    if (owner) await connect(app, shop, owner, onWait);
    return owner !== null;
  };
  const paired = (good) => {
    if (!good) return;
    connected();
    setText(asked.then.amount);
    setAsked({ what: asked.then.what });
  };

  if (!["held", "paid"].includes(sale.status)) return null;
  return html`<div class="row">
      ${
        sale.status === "held" &&
        hold &&
        html`<button type="button" class="button" onClick=${() => open("take", hold.left)}>
          ${words.t("deposit.take", { what: words.amount(hold.left, hold.asset) })}…</button>
        <button type="button" class="button soft" onClick=${() => open("void")}>
          ${back}</button>`
      }
      ${
        sale.status === "paid" &&
        html`<button type="button" class="button plain"
          onClick=${() => open("refund", hold?.captured ?? payment.amount)}>
          <${Icon} name="undo" size="20" /><span>${words.t("refund.open")}</span></button>`
      }
    </div>
    <${Said} text=${said} />
    ${
      asked?.what === "connect" &&
      html`<${Sheet} words=${words} title=${words.t("shop.title")} action=${words.t("shop.connect")}
        run=${pair} done=${paired} close=${close}>
        <p class="quiet">${words.t("shop.text", { name })}</p>
        <label class="field"><span>${words.t("shop.key")}</span>
          <input name="key" type="password" autocomplete="off" required
            aria-invalid=${String(wrong)} aria-describedby="key-wrong" /></label>
        <p id="key-wrong" class="wrong" role="alert">${wrong ? words.t("shop.wrong") : ""}</p>
      <//>`
    }
    ${
      asked?.what === "take" &&
      html`<${Sheet} words=${words} title=${words.t("sale.held")} ready=${amount !== null}
        action=${what ? words.t("deposit.take", { what }) : words.t("deposit.take.bare")}
        run=${(_, onWait) => capture(app, shop, { hold, amount, last }, onWait)}
        done=${done} close=${close}>
        <${Held} words=${words} hold=${hold} />
        ${field("deposit.amount")}
        <label class="check"><input type="checkbox" checked=${last}
          onChange=${(event) => setLast(event.target.checked)} />
          <span>${words.t("deposit.last")}</span></label>
      <//>`
    }
    ${
      asked?.what === "void" &&
      html`<${Sheet} words=${words} title=${words.t("deposit.void.title")} risky
        action=${back} done=${done} close=${close}
        run=${(_, onWait) => letGo(app, shop, hold, onWait)}>
        <${Held} words=${words} hold=${hold} />
        <p class="quiet">${words.t("deposit.void.text")}</p>
      <//>`
    }
    ${
      asked?.what === "refund" &&
      html`<${Sheet} words=${words} title=${words.t("refund.title")} ready=${amount !== null} risky
        action=${what ? words.t("refund.do", { what }) : words.t("refund.open")}
        done=${done} close=${close} run=${(_, onWait) => {
          const from = accounts.find((one) => one.asset === asset).id;
          return giveBack(app, shop, { sale, from, amount }, onWait);
        }}>
        ${field("refund.amount")}
      <//>`
    }`;
}
