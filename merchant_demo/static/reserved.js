/** Money that is promised, and to whom; services that may pay; accounts that are frozen. */

import { units, wire } from "./money.js";
import { Icon, Reasons, whoIs } from "./parts.js";
import { act } from "./purse.js";
import { Facts, Sheet } from "./sheet.js";
import { html, useState } from "./view.js";

/** What of this wallet's money in `asset` is held or locked, in wire form; null where none is. */
export function reservedOf({ holds, locks }, { asset, scale }) {
  const own = [...holds, ...locks].filter((one) => one.own && one.asset === asset);
  const sum = own.reduce((all, one) => all + units(one.left ?? one.amount, scale), 0n);
  return sum > 0n ? wire(sum, scale) : null;
}

/** Frozen accounts, with what that means and what would end it. */
export function Frozen({ words, accounts }) {
  return accounts
    .filter(({ status }) => status === "frozen")
    .map(
      ({ id, asset, freeze }) => html`<section key=${id} class="card caution frozen"
        aria-label=${words.t("frozen.title", { asset: words.assetName(asset) })}>
        <${Icon} name="lock" />
        <div>
          <h2>${words.t("frozen.title", { asset: words.assetName(asset) })}</h2>
          <${Reasons} words=${words} reasons=${[{ code: "ACCOUNT_FROZEN", rule: "", params: {} }]} />
          <p>${words.t(freeze?.held ? "frozen.hold" : "frozen.accept")}</p>
          ${freeze && html`<p class="basis">${words.t("frozen.order", { order: freeze.order })}</p>`}
        </div>
      </section>`,
    );
}

/** Holds and locks: whose, how much, for whom, until when. A payer may let a lock go, a payee may
 * give one back. */
export function Reserved({ app, joined, claims, refresh }) {
  const { words } = app;
  const [asked, setAsked] = useState(null); // {lock, kind}
  const rows = [
    ...claims.holds.map((one) => ({ ...one, what: "hold", amount: one.left, other: one.own ? one.to : one.from })),
    ...claims.locks.map((one) => ({ ...one, what: "lock", other: one.own ? one.payee : one.payer })),
  ].sort((one, other) => one.ends_at - other.ends_at);
  if (rows.length === 0) return null;
  const members = asked && { lock: asked.id, ...(asked.own && { preimage: null }) };
  const run = (_, onWait) =>
    act(app, joined, asked.own ? "release/1" : "cancel/1", { members, onWait });
  const done = () => {
    setAsked(null);
    refresh().catch(() => {});
  };
  const verb = (one) => (one.own ? "lock.release" : "lock.cancel");
  return html`<section class="card reserved" aria-labelledby="reserved-title">
    <h2 id="reserved-title">${words.t("reserved.title")}</h2>
    <ul class="claims">
      ${rows.map(
        (one) => html`<li key=${one.id}>
          <p class="head"><b>${words.t(one.own ? "reserved.for" : "reserved.from", {
            who: whoIs(words, joined, one.other),
          })}</b><b>${words.amount(one.amount, one.asset)}</b></p>
          <p class="quiet">${words.t("until", { at: one.ends_at })} · ${words.t(
            one.what === "hold" ? "reserved.hold" : `reserved.${one.condition}`,
          )}</p>
          ${
            one.what === "lock" &&
            (one.condition === "two_party" || !one.own) &&
            html`<div class="row"><button type="button" class="button soft"
              onClick=${() => setAsked(one)}>${words.t(verb(one))}</button></div>`
          }
        </li>`,
      )}
    </ul>
    <p class="quiet">${words.t("reserved.text")}</p>
    ${
      asked &&
      html`<${Sheet} words=${words} title=${words.t(`${verb(asked)}.title`)} run=${run}
        action=${words.t(verb(asked))} done=${done} close=${() => setAsked(null)}>
        <${Facts} rows=${[
          [words.t("fact.whom"), whoIs(words, joined, asked.other)],
          [words.t("fact.amount"), words.amount(asked.amount, asked.asset)],
        ]} />
      <//>`
    }
  </section>`;
}

/** Services that may pay from this wallet, each ended by one tap and a yes. */
export function Services({ app, joined, consents, refresh }) {
  const { words } = app;
  const [ended, setEnded] = useState(null);
  if (consents.length === 0) return null;
  const who = (one) => whoIs(words, joined, one.service);
  const run = (_, onWait) =>
    act(app, joined, "consent_revoke/1", { members: { consent: ended.id }, onWait });
  const done = () => {
    setEnded(null);
    refresh().catch(() => {});
  };
  return html`<section class="card services" aria-labelledby="services-title">
    <h2 id="services-title">${words.t("services.title")}</h2>
    <ul class="claims">
      ${consents.map(
        (one) => html`<li key=${one.id}>
          <p class="head"><b>${who(one)}</b></p>
          <p>${one.scopes.map((scope) => words.t(`scope.${scope}`)).join("; ")}</p>
          <p class="quiet">${words.t("services.caps", {
            payment: words.amount(one.cap_payment, one.asset),
            day: words.amount(one.cap_day, one.asset),
            left: words.amount(one.left_today, one.asset),
          })} · ${words.t("until", { at: one.ends_at })}</p>
          <div class="row"><button type="button" class="button soft"
            aria-label=${`${words.t("services.revoke")}: ${who(one)}`}
            onClick=${() => setEnded(one)}>${words.t("services.revoke")}</button></div>
        </li>`,
      )}
    </ul>
    ${
      ended &&
      html`<${Sheet} words=${words} title=${words.t("services.revoke.title")} run=${run} risky
        action=${words.t("services.revoke")} done=${done} close=${() => setEnded(null)}>
        <${Facts} rows=${[[words.t("fact.service"), who(ended)]]} />
        <p class="quiet">${words.t("services.revoke.text")}</p>
      <//>`
    }
  </section>`;
}
