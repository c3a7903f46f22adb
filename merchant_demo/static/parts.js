/** Small parts of screens: icons (drawn here), reasons, chips, amounts, dialogs of one sentence. */

import { html, useEffect, useRef, useState } from "./view.js";

const DRAWN = {
  mark: "M3 17c3-5 6-5 9 0s6 5 9 0M6 8h12M8 5h8M12 8v5",
  check: "M4.5 12.5l5 5L19.5 7",
  cross: "M6 6l12 12M18 6L6 18",
  clock: "M12 7v5.2l3.2 2M12 3a9 9 0 100 18 9 9 0 000-18z",
  pin: "M12 21s7-6.4 7-11.5A7 7 0 005 9.5C5 14.6 12 21 12 21zM12 7a2.5 2.5 0 100 5 2.5 2.5 0 000-5z",
  basket:
    "M4 9h16l-1.6 9.2a2 2 0 01-2 1.8H7.6a2 2 0 01-2-1.8L4 9zM8 9l3-5M16 9l-3-5M9.5 13v3.5M14.5 13v3.5",
  cup: "M5 9h11v5.5a4.5 4.5 0 01-4.5 4.5h-2A4.5 4.5 0 015 14.5V9zM16 10.5h1.5a2.5 2.5 0 010 5H16M8.5 3.5c-.8 1 .8 1.8 0 3M12.5 3.5c-.8 1 .8 1.8 0 3",
  wallet:
    "M4 7.5A2.5 2.5 0 016.5 5H17v3M4 7.5V17a2.5 2.5 0 002.5 2.5H18a2 2 0 002-2V10a2 2 0 00-2-2H4.5M16.2 13.7h.1",
  flask:
    "M9.5 3.5h5M10.5 3.5v6L5.6 18a1.7 1.7 0 001.5 2.5h9.8a1.7 1.7 0 001.5-2.5l-4.9-8.5v-6M8 14.5h8",
  cloud:
    "M7 18.5a4 4 0 01-.6-7.95A6 6 0 0118 11.7a3.5 3.5 0 01-.5 6.8H7M3.5 3.5l17 17",
  warn: "M12 9v4.5M12 17h.01M10.4 4.3L2.9 17.6A1.8 1.8 0 004.5 20.3h15a1.8 1.8 0 001.6-2.7L13.6 4.3a1.85 1.85 0 00-3.2 0z",
  info: "M12 11v5.5M12 7.5h.01M12 3a9 9 0 100 18 9 9 0 000-18z",
  key: "M14.5 3.5a6 6 0 00-5.7 7.8L3.5 16.6V20.5h3.9v-2.5h2.5v-2.5h1.6l1.2-1.2a6 6 0 101.8-10.8zM16 8h.01",
  back: "M20 6H9.5L3.5 12l6 6H20a1 1 0 001-1V7a1 1 0 00-1-1zM12 9.5l5 5M17 9.5l-5 5",
  open: "M13.5 4.5h6v6M19.5 4.5L11 13M17.5 14v4a1.5 1.5 0 01-1.5 1.5H6A1.5 1.5 0 014.5 18V8A1.5 1.5 0 016 6.5h4",
  copy: "M9 9h9.5A1.5 1.5 0 0120 10.5v8a1.5 1.5 0 01-1.5 1.5h-8A1.5 1.5 0 019 18.5V9zM15 9V5.5A1.5 1.5 0 0013.5 4h-8A1.5 1.5 0 004 5.5v8A1.5 1.5 0 005.5 15H9",
  undo: "M9 14.5L4 9.5l5-5M4 9.5h10.5a5.5 5.5 0 010 11H11",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  seal: "M12 3l2.3 1.9 3-.2.7 2.9 2.5 1.6L19.3 12l1.2 2.8-2.5 1.6-.7 2.9-3-.2L12 21l-2.3-1.9-3 .2-.7-2.9-2.5-1.6L4.7 12 3.5 9.2 6 7.6l.7-2.9 3 .2L12 3zM8.7 12.2l2.3 2.3 4.3-4.6",
  scan: "M4 8.5V6a2 2 0 012-2h2.5M15.5 4H18a2 2 0 012 2v2.5M20 15.5V18a2 2 0 01-2 2h-2.5M8.5 20H6a2 2 0 01-2-2v-2.5M4 12h16",
  down: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  lock: "M6.5 10.5h11a1.5 1.5 0 011.5 1.5v7a1.5 1.5 0 01-1.5 1.5h-11A1.5 1.5 0 015 19v-7a1.5 1.5 0 011.5-1.5zM8 10.5V8a4 4 0 018 0v2.5M12 14.5v2.5",
  in: "M12 4.5v14M6 13l6 6 6-6",
  out: "M12 19.5v-14M6 11l6-6 6 6",
};

/** A drawn icon. It says nothing to a screen reader: words stand beside it. */
export const Icon = ({ name, size = 24 }) => html`
  <svg class="icon" viewBox="0 0 24 24" width=${size} height=${size} fill="none"
    stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"
    aria-hidden="true" focusable="false"><path d=${DRAWN[name]} /></svg>
`;

/** The check mark that draws itself when a payment is there. */
export const Tick = () => html`
  <svg class="tick" viewBox="0 0 96 96" aria-hidden="true" focusable="false">
    <circle cx="48" cy="48" r="43" /><path d="M28 50l14 14 27-30" />
  </svg>
`;

/** What is going on, for a screen reader too. */
export const Busy = ({ label }) => html`
  <p class="busy" role="status"><span class="dots" aria-hidden="true"><i /><i /><i /></span>
    <span>${label}</span></p>
`;

/** Every reason of a refusal: what happened, what would make it pass, on what it rests. */
export function Reasons({ words, reasons }) {
  return html`<ul class="reasons">
    ${reasons.map((reason) => {
      const { what, mend } = words.reason(reason);
      return html`<li key=${reason.code + reason.rule}>
        <p class="what">${what}</p>
        ${mend && html`<p class="mend">${mend}</p>`}
        ${
          reason.rule &&
          html`<p class="basis">
          ${words.t("reason.rule", { rule: reason.rule })}
          ${
            reason.basis &&
            html` <span class="chip quiet">${words.t(`basis.${reason.basis.status}`)}</span>`
          }
        </p>`
        }
      </li>`;
    })}
  </ul>`;
}

/** One problem in words: its reasons where it has any, else the sentence of its code. */
export function Trouble({ words, error, retry }) {
  const reasons = error.reasons ?? [];
  return html`<div class="card trouble" role="alert">
    <${Icon} name="warn" />
    ${
      reasons.length
        ? html`<${Reasons} words=${words} reasons=${reasons} />`
        : html`<p>${error.code ? words.problem(error.code) : words.t("problem.unreachable")}</p>`
    }
    ${
      error.requestId &&
      html`<p class="basis">${words.t("problem.request", { id: error.requestId })}</p>`
    }
    ${
      retry &&
      html`<button type="button" class="button" onClick=${retry}>${words.t("again")}</button>`
    }
  </div>`;
}

/** Which assets pass here, each with a mark and a word; the reasons behind a disclosure. */
export function Accepted({ words, accepts }) {
  const refusing = accepts.filter((one) => !one.accepted);
  return html`
    <ul class="accepts">
      ${accepts.map(
        (one) => html`<li key=${one.asset} class=${one.accepted ? "yes" : "no"}>
          <${Icon} name=${one.accepted ? "check" : "cross"} size="18" />
          <span>${words.assetName(one.asset)}</span>
          <span class="hidden">${words.t(one.accepted ? "accepts.yes" : "accepts.no")}</span>
        </li>`,
      )}
    </ul>
    ${
      refusing.length > 0 &&
      html`<details class="why">
      <summary>${words.t("accepts.why")}</summary>
      ${distinct(refusing).map(
        ({ assets, reasons }) => html`
          <p class="whose">${assets.map(words.assetName).join(", ")}</p>
          <${Reasons} words=${words} reasons=${reasons} />
        `,
      )}
    </details>`
    }
  `;
}

/** Assets refused for the same codes are told of once. */
function distinct(refusing) {
  const groups = new Map();
  for (const { asset, reasons } of refusing) {
    const codes = reasons.map((reason) => reason.code).join();
    const group = groups.get(codes) ?? { assets: [], reasons };
    group.assets.push(asset);
    groups.set(codes, group);
  }
  return [...groups.values()].map(({ assets, reasons }) => ({
    assets,
    reasons: assets.length > 1 ? reasons.map(ofNoAsset) : reasons,
  }));
}

const ofNoAsset = (reason) => ({ ...reason, params: { ...reason.params, asset: undefined } });

/** Re-render now and then while something runs out. */
export function useTick(ms = 250, on = true) {
  const [, setTick] = useState(0);
  useEffect(() => {
    if (!on) return undefined;
    const timer = setInterval(() => setTick((tick) => tick + 1), ms);
    return () => clearInterval(timer);
  }, [ms, on]);
}

/** Show a dialog as a modal. What is answered closes it: the focus goes back to where it was. */
export function modal(dialog) {
  dialog.showModal();
  return () => dialog.close();
}

/** A result that fills the whole screen, as a modal: focus goes in, Escape closes. `more`: a second
 * way on, {action, run}. */
export function Flood({ kind, title, children, close, action, more }) {
  const dialog = useRef(null);
  useEffect(() => {
    const close = modal(dialog.current);
    dialog.current.querySelector("button")?.focus();
    return close;
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    close();
  };
  return html`<dialog ref=${dialog} class="flood ${kind}" onCancel=${cancel}
    aria-labelledby="flood-title" aria-describedby="flood-text">
    <div class="flood-body">
      <${Tick} />
      <h2 id="flood-title">${title}</h2>
      <div id="flood-text">${children}</div>
      <button type="button" class="button on-flood" onClick=${close}>${action}</button>
      ${
        more &&
        html`<button type="button" class="button off-flood" onClick=${more.run}>
          ${more.action}</button>`
      }
    </div>
  </dialog>`;
}

/** Minutes and seconds that are left, with a ring that empties. Tells a screen reader nothing:
 * a second hand that speaks is noise. */
export function Countdown({ left, whole }) {
  const seconds = Math.max(0, Math.ceil(Math.min(left, whole) / 1_000));
  const part = Math.max(0, Math.min(1, left / whole));
  return html`<span class="countdown ${seconds <= 30 ? "soon" : ""}" aria-hidden="true">
    <svg viewBox="0 0 36 36" width="36" height="36" focusable="false">
      <circle class="track" cx="18" cy="18" r="15" />
      <circle class="left" cx="18" cy="18" r="15" pathLength="1" stroke-dasharray="1"
        stroke-dashoffset=${(1 - part).toFixed(3)} />
    </svg>
    <span>${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}</span>
  </span>`;
}

/** What people call a party or an account's owner: the shop, the institution, the persona; of all
 * others nobody knows a name, and the end of the id must do. */
export function whoIs(words, { sandbox }, id) {
  const holder = sandbox.personas.find(
    ({ party, accounts }) => party === id || accounts.some((account) => account.id === id),
  );
  if (!holder) return words.t("who.other", { tail: id.slice(-4) });
  if (words.has(`till.${holder.name}.name`)) return words.t(`till.${holder.name}.name`);
  if (["person", "merchant"].includes(holder.role)) return holder.title.replace(/ \(.*/, "");
  return words.t(`who.${holder.role}`);
}

/** Who or what a movement was with: whom this browser paid, a known holder, else the kind. */
export function labelOf(words, row, joined) {
  const { note, other } = row;
  if (note?.till) return words.t(note.till);
  if (note?.name) return note.name;
  if (note?.who) return whoIs(words, joined, note.who);
  const holder = joined.sandbox.personas.find(({ accounts }) =>
    accounts.some(({ id }) => id === other),
  );
  const kind = row.kind.split("/")[0];
  if (holder?.role === "bank" && kind === "transfer") return words.t("history.bank");
  if (holder && ["person", "merchant"].includes(holder.role)) return whoIs(words, joined, other);
  return words.t(words.has(`kind.${kind}`) ? `kind.${kind}` : "kind.other");
}
