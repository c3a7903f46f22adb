/** A field for an amount. */

import { html } from "./view.js";

/** An amount to be typed, with a sentence where it is none. */
export function Amount({ words, label, value, wrong, type }) {
  return html`<label class="field"><span>${label}</span>
    <input name="amount" inputmode="decimal" autocomplete="off" required value=${value}
      aria-invalid=${String(Boolean(wrong))} aria-describedby="amount-wrong"
      onInput=${(event) => type(event.target.value)} /></label>
    <p id="amount-wrong" class="wrong" role="alert">${wrong ? words.t("amount.wrong") : ""}</p>`;
}
