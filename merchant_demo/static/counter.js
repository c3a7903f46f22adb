/** What stands on a till's counter: place and what it takes, keypad, the sale, the last sales. */

import { Held } from "./deposit.js";
import { Accepted, Countdown, Icon, Reasons } from "./parts.js";
import { isDeposit, isOpen, LIFE_MS, moneyOf } from "./sale.js";
import { html, useEffect, useRef } from "./view.js";

const KEYS = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "00", "0", "back"];
const MARKS = {
  waiting: "clock",
  paid: "check",
  held: "lock",
  void: "undo",
  refused: "cross",
  expired: "clock",
};
const SALES_SHOWN = 12;

/** With what it was paid: "digital tenge", or the crypto amount and the asset. */
export function Paid({ words, payment }) {
  if (!payment) return null;
  const name = words.assetName(payment.asset);
  if (name !== payment.asset) return html`${name}`;
  return html`${words.amount(payment.amount, payment.asset)}`;
}

/** Where this till stands and what it may take, said before anybody pays. */
export function Place({ words, name, terminal, link }) {
  const inside = Boolean(terminal.zone);
  return html`<section class="place card ${inside ? "inside" : ""}" aria-labelledby="place-title">
    <div class="place-head">
      <span class="round"><${Icon} name=${name === "cafe" ? "cup" : "basket"} /></span>
      <div>
        <h1 id="place-title">${words.t(`till.${name}.name`)}</h1>
        <p class="quiet"><${Icon} name="pin" size="18" />
          <span>${words.t(inside ? "place.inside" : "place.outside")}</span></p>
      </div>
    </div>
    <div class="place-sub">
      <h2 class="small">${words.t("accepts.title")}</h2>
      <span class="link ${link}">
        <i aria-hidden="true" /><span>${words.t(`link.${link}`)}</span>
      </span>
    </div>
    <${Accepted} words=${words} accepts=${terminal.accepts} />
  </section>`;
}

/** Digits, the amount they make, and the one way on. */
export function Keypad({ words, keys, amount, ready, type, ask, deposit }) {
  return html`<div class="keypad">
    <p class="typed ${keys ? "" : "empty"}">
      <span class="hidden">${words.t("till.amount")}</span>
      <output aria-live="polite">${words.money(keys ? amount : "0")}</output>
    </p>
    <div class="keys" role="group" aria-label=${words.t("till.keypad")}>
      ${KEYS.map(
        (key) => html`<button type="button" key=${key} onClick=${() => type(key)}
          aria-label=${key === "back" ? words.t("till.back") : undefined}>
          ${key === "back" ? html`<${Icon} name="back" size="28" />` : key}
        </button>`,
      )}
    </div>
    <button type="button" class="button big" disabled=${!ready} onClick=${ask}>
      <${Icon} name="scan" /><span>${words.t("till.ask")}</span>
    </button>
    <button type="button" class="button plain" disabled=${!ready} onClick=${deposit}>
      <${Icon} name="lock" size="20" /><span>${words.t("till.deposit")}</span>
    </button>
  </div>`;
}

/** One sale: its state as colour, icon and words; the QR while it can still be paid. `children`:
 * what can be done with its money. */
export function Sale({ words, sale, left, accepts, done, repeat, children }) {
  const open = isOpen(sale);
  const state = useRef(null);
  const taken = (asset) => accepts.find((one) => one.asset === asset)?.accepted ?? true;
  useEffect(() => state.current.focus(), [sale.id]);
  const url = `${location.origin}/p/${sale.id}`;
  return html`<div class="sale ${sale.status}">
    <p class="state" role="status" tabindex="-1" ref=${state}>
      <${Icon} name=${MARKS[sale.status]} size="28" /><span>${words.t(`sale.${sale.status}`)}</span>
    </p>
    <p class="total">${words.money(moneyOf(sale))}</p>
    ${
      open && isDeposit(sale) && html`<p class="chip test">${words.t("pay.deposit")}</p>`
    }
    ${
      sale.status === "refused" &&
      html`<div class="refused-box" role="alert">
      <${Reasons} words=${words} reasons=${sale.refusal.reasons} />
      <p class="hint">
        <${Icon} name="info" size="20" /><span>${words.t("till.hint.tenge")}</span>
      </p>
    </div>`
    }
    ${
      sale.status === "paid" &&
      html`<p class="lead"><${Paid} words=${words} payment=${sale.payment} /></p>`
    }
    ${sale.hold && html`<${Held} words=${words} hold=${sale.hold} />`}
    ${sale.status === "void" && html`<p class="lead">${words.t("sale.void.text")}</p>`}
    ${children}
    ${sale.status === "expired" && html`<p class="lead">${words.t("sale.expired.text")}</p>`}
    ${
      open &&
      html`<div class="qr">
        <img src=${`/v1/payment-requests/${sale.id}/qr.svg`} alt=${words.t("till.qr")}
          width="280" height="280" />
      </div>
      <p class="under">
        <${Countdown} left=${left} whole=${LIFE_MS} />
        <span>${words.t("till.point")}</span>
      </p>
      <ul class="tenders" aria-label=${words.t("till.tenders")}>
        ${sale.tenders
          .filter(({ asset }) => taken(asset))
          .map(
            (tender) =>
              html`<li key=${tender.asset}>${words.amount(tender.amount, tender.asset)}</li>`,
          )}
      </ul>`
    }
    <div class="row">
      ${
        open &&
        html`<a class="button soft" href=${url} target="_blank" rel="noopener">
        <${Icon} name="open" size="20" /><span>${words.t("till.link")}</span></a>`
      }
      ${
        sale.status === "expired" &&
        html`<button type="button" class="button" onClick=${repeat}>
          ${words.t("till.repeat")}
        </button>`
      }
      <button type="button" class="button ${open ? "plain" : "soft"}" onClick=${done}>
        ${words.t(open ? "till.other" : "till.next")}
      </button>
    </div>
  </div>`;
}

/** The last sales of this device; each opens again. */
export function Sales({ words, sales, show }) {
  return html`<section class="sales card" aria-labelledby="sales-title">
    <h2 id="sales-title">${words.t("till.sales")}</h2>
    ${
      sales.length === 0
        ? html`<p class="quiet">${words.t("till.sales.none")}</p>`
        : html`<ul>
          ${sales.slice(0, SALES_SHOWN).map(
            (sale) => html`<li key=${sale.id}>
              <button type="button" class="line ${sale.status}" onClick=${() => show(sale.id)}>
                <span class="round small"><${Icon} name=${MARKS[sale.status]} size="18" /></span>
                <span class="who"><b>${words.t(`sale.${sale.status}`)}</b>
                  <small>${sale.reference.replace(/^DEPOSIT /, "")} · ${words.time(sale.at)}</small></span>
                <span class="sum">${words.money(moneyOf(sale))}
                  ${
                    sale.payment &&
                    html`<small><${Paid} words=${words} payment=${sale.payment} /></small>`
                  }
                </span>
              </button>
            </li>`,
          )}
        </ul>`
    }
  </section>`;
}
