/** Small parts of screens: icons (drawn here), reasons, chips, amounts, dialogs of one sentence. */

import { html, useEffect, useRef, useState } from "./view.js";

const DRAWN = {
  mark: "M3 17c3-5 6-5 9 0s6 5 9 0M6 8h12M8 5h8M12 8v5",
  check: "M4.5 12.5l5 5L19.5 7",
  cross: "M6 6l12 12M18 6L6 18",
  clock: "M12 7v5.2l3.2 2M12 3a9 9 0 100 18 9 9 0 000-18z",
  pin: "M12 21s7-6.4 7-11.5A7 7 0 005 9.500C5 14.600 12 21 12 21zM12 7a2.500 2.500 0 100 5 2.500 2.500 0 000-5z",
  basket:
    "M4 9h16l-1.600 9.200a2 2 0 01-2 1.800H7.600a2 2 0 01-2-1.800L4 9zM8 9l3-5M16 9l-3-5M9.500 13v3.500M14.500 13v3.500",
  cup: "M5 9h11v5.500a4.500 4.500 0 01-4.500 4.500h-2A4.500 4.500 0 015 14.500V9zM16 10.500h1.500a2.500 2.500 0 010 5H16M8.500 3.500c-.8 1 .8 1.800 0 3M12.500 3.500c-.8 1 .8 1.800 0 3",
  wallet:
    "M4 7.500A2.500 2.500 0 016.500 5H17v3M4 7.500V17a2.500 2.500 0 002.500 2.500H18a2 2 0 002-2V10a2 2 0 00-2-2H4.500M16.200 13.700h.1",
  flask:
    "M9.500 3.500h5M10.500 3.500v6L5.600 18a1.700 1.700 0 001.500 2.500h9.800a1.700 1.700 0 001.500-2.500l-4.900-8.500v-6M8 14.500h8",
  cloud:
    "M7 18.500a4 4 0 01-.6-7.950A6 6 0 0118 11.700a3.500 3.500 0 01-.500 6.800H7M3.500 3.500l17 17",
  warn: "M12 9v4.500M12 17h.01M10.400 4.300L2.900 17.600A1.800 1.800 0 004.500 20.300h15a1.800 1.800 0 001.600-2.700L13.600 4.300a1.850 1.850 0 00-3.200 0z",
  info: "M12 11v5.500M12 7.500h.01M12 3a9 9 0 100 18 9 9 0 000-18z",
  key: "M14.500 3.500a6 6 0 00-5.700 7.800L3.500 16.600V20.500h3.900v-2.500h2.500v-2.500h1.600l1.200-1.200a6 6 0 101.800-10.800zM16 8h.01",
  back: "M20 6H9.500L3.500 12l6 6H20a1 1 0 001-1V7a1 1 0 00-1-1zM12 9.500l5 5M17 9.500l-5 5",
  open: "M13.500 4.500h6v6M19.500 4.500L11 13M17.500 14v4a1.500 1.500 0 01-1.500 1.500H6A1.500 1.500 0 014.500 18V8A1.500 1.500 0 016 6.500h4",
  copy: "M9 9h9.500A1.500 1.500 0 0120 10.500v8a1.500 1.500 0 01-1.500 1.500h-8A1.500 1.500 0 019 18.500V9zM15 9V5.500A1.500 1.500 0 0013.500 4h-8A1.500 1.500 0 004 5.500v8A1.500 1.500 0 005.500 15H9",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  seal: "M12 3l2.300 1.900 3-.2.700 2.900 2.500 1.600L19.300 12l1.200 2.800-2.500 1.600-.700 2.900-3-.2L12 21l-2.300-1.900-3 .2-.700-2.900-2.500-1.600L4.700 12 3.500 9.200 6 7.600l.700-2.900 3 .2L12 3zM8.700 12.200l2.300 2.300 4.300-4.600",
  scan: "M4 8.500V6a2 2 0 012-2h2.500M15.500 4H18a2 2 0 012 2v2.500M20 15.500V18a2 2 0 01-2 2h-2.500M8.500 20H6a2 2 0 01-2-2v-2.500M4 12h16",
  down: "M12 4v11M7 10.500l5 5 5-5M5 20h14",
  in: "M12 4.500v14M6 13l6 6 6-6",
  out: "M12 19.500v-14M6 11l6-6 6 6",
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

/** A result that fills the whole screen, as a modal: focus goes in, Escape closes. */
export function Flood({ kind, title, children, close, action }) {
  const dialog = useRef(null);
  useEffect(() => {
    dialog.current.showModal();
    dialog.current.querySelector("button")?.focus();
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
    </div>
  </dialog>`;
}

/** Minutes and seconds that are left, with a ring that empties. Tells a screen reader nothing:
 * a second hand that speaks is noise. */
export function Countdown({ left, whole }) {
  const seconds = Math.max(0, Math.ceil(left / 1_000));
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

/** Who or what a movement was with: the shop, the demo bank, else the kind of transaction. */
export function labelOf(words, row, { sandbox }) {
  if (row.note?.till) return words.t(row.note.till);
  const holder = sandbox.personas.find(({ accounts }) =>
    accounts.some(({ id }) => id === row.other),
  );
  if (holder?.role === "bank") return words.t("history.bank");
  if (holder && words.has(`till.${holder.name}.name`)) return words.t(`till.${holder.name}.name`);
  const key = `kind.${row.kind.split("/")[0]}`;
  return words.has(key) ? words.t(key) : row.kind;
}
