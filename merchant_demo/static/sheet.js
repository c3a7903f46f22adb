/** A question that must be answered before anything else: what will happen, yes or no. */

import { Busy, Icon, modal, Trouble } from "./parts.js";
import { html, useLayoutEffect, useRef, useState } from "./view.js";

/**
 * A modal form. `run(fields, onWait)` does what was confirmed (`fields`: of the form, as FormData)
 * and its answer goes to `done`; what it throws is told inside, and nothing is lost by trying
 * again. Escape and the second button close it.
 */
export function Sheet({ words, title, children, action, risky, ready = true, run, done, close }) {
  const dialog = useRef(null);
  const working = useRef(false);
  const [phase, setPhase] = useState(null); // null, "sending" or "waiting"
  const [trouble, setTrouble] = useState(null);
  useLayoutEffect(() => modal(dialog.current), []);

  const submit = async (event) => {
    event.preventDefault();
    if (working.current) return; // two taps are one answer
    working.current = true;
    setPhase("sending");
    setTrouble(null);
    try {
      const fields = new FormData(event.target);
      done(await run(fields, () => setPhase("waiting")));
    } catch (error) {
      setTrouble(error);
    } finally {
      working.current = false;
      setPhase(null);
    }
  };
  const cancel = (event) => {
    event.preventDefault();
    if (!working.current) close();
  };

  return html`<dialog ref=${dialog} class="sheet card" onCancel=${cancel}
    aria-labelledby="sheet-title">
    <form onSubmit=${submit}>
      <h2 id="sheet-title">${title}</h2>
      ${children}
      ${trouble && html`<${Trouble} words=${words} error=${trouble} />`}
      ${phase && html`<${Busy} label=${words.t(`sheet.${phase}`)} />`}
      <div class="row">
        <button class="button ${risky ? "risky" : ""}" disabled=${!ready || phase !== null}>
          ${action}
        </button>
        <button type="button" class="button plain" disabled=${phase !== null} onClick=${close}>
          ${words.t("sheet.back")}
        </button>
      </div>
    </form>
  </dialog>`;
}

/** Rows of what a question is about: [[label, value]], empty values left out. */
export const Facts = ({ rows }) => html`<dl class="facts">
  ${rows.map(
    ([label, value]) =>
      value && html`<div key=${label}><dt>${label}</dt><dd>${value}</dd></div>`,
  )}
</dl>`;

/** What was just done, for a screen reader too; empty where nothing was. */
export const Said = ({ text }) => html`<p class="said" role="status">
  ${text && html`<${Icon} name="check" size="20" /><span>${text}</span>`}</p>`;
