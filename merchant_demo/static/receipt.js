/** One movement in full, and its receipt checked in this browser. */

import { NotProven } from "/static/client/proof.js";
import { Busy, Icon, labelOf, Trouble } from "./parts.js";
import { checkReceipt } from "./purse.js";
import { html, useState } from "./view.js";

export function Receipt({ app, joined, row, close }) {
  const { words } = app;
  const [proof, setProof] = useState(null);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState(null);

  const check = async () => {
    setBusy(true);
    setTrouble(null);
    try {
      setProof(await checkReceipt(app, joined, { id: row.id, jws: row.note.jws }));
    } catch (error) {
      setTrouble(error);
    } finally {
      setBusy(false);
    }
  };

  const facts = [
    ["receipt.time", words.stamp(row.at)],
    ["receipt.value", row.value && words.money(row.value)],
    ["receipt.balance", words.amount(row.balance, row.asset)],
    ["receipt.entry", String(row.index)],
    ["receipt.id", row.id],
  ];
  return html`<main id="screen" class="wallet narrow">
    <section class="card slip" aria-labelledby="slip-title">
      <p class="stamp">${words.t("receipt.sandbox")}</p>
      <h1 id="slip-title">${labelOf(words, row, joined)}</h1>
      <p class="total">${words.amount(row.amount, row.asset)}</p>
      <dl>
        ${facts.map(
          ([key, value]) =>
            value && html`<div key=${key}><dt>${words.t(key)}</dt><dd>${value}</dd></div>`,
        )}
      </dl>
      <div aria-live="polite">
        ${busy && html`<${Busy} label=${words.t("receipt.checking")} />`}
        ${
          proof &&
          html`<div class="proof">
          <p><${Icon} name="seal" size="32" /><b>${words.t("receipt.good")}</b></p>
          <ul>
            <li><${Icon} name="check" size="18" />${words.t("receipt.good.signature")}</li>
            <li><${Icon} name="check" size="18" />${words.t("receipt.good.path", proof)}</li>
          </ul>
          <a class="button soft" download=${`receipt-${proof.index}.tlog-proof`}
            href=${URL.createObjectURL(new Blob([proof.text], { type: "text/plain" }))}>
            <${Icon} name="down" size="20" /><span>${words.t("receipt.save")}</span></a>
        </div>`
        }
      </div>
      ${
        trouble instanceof NotProven
          ? html`<p class="card trouble" role="alert"><${Icon} name="cross" />
            <span>${words.t("receipt.bad", { code: trouble.code })}</span></p>`
          : trouble && html`<${Trouble} words=${words} error=${trouble} />`
      }
      ${!row.note && html`<p class="quiet">${words.t("receipt.others")}</p>`}
      ${
        row.note &&
        !proof &&
        html`<button type="button" class="button" disabled=${busy} onClick=${check}>
        <${Icon} name="seal" /><span>${words.t("receipt.check")}</span></button>`
      }
    </section>
    <p class="home"><button type="button" class="button plain" onClick=${close}>
      <${Icon} name="left" size="20" /><span>${words.t("pay.home")}</span></button></p>
  </main>`;
}
