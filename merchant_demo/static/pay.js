/** The pay screen: who asks, how much, in which asset; then paid, or refused with every reason. */

import { Problem } from "/static/client/api.js";
import { Convert } from "./convert.js";
import { covers } from "./money.js";
import { Busy, Countdown, Flood, Icon, Reasons, Trouble, useTick } from "./parts.js";
import { pay, requestOf, send, tengeOf, unanswered } from "./purse.js";
import { HOLD_MS, isDeposit, LIFE_MS } from "./sale.js";
import { chime, thud } from "./sound.js";
import { html, useEffect, useRef, useState } from "./view.js";

const ICONS = { cafe: "cup" };
const focus = (element) => element?.focus();
const GONE = ["REQUEST_EXPIRED", "REQUEST_PAID"];
/** What is said of a request that cannot be paid any more, and with which sign. */
const OVER = { paid: "check", held: "lock", void: "undo" };

/** `changed` counts the events seen: each is a reason to look again. */
export function Pay({ app, joined, accounts, changed, id }) {
  const { api, words } = app;
  const [request, setRequest] = useState(null);
  const [asset, setAsset] = useState(null);
  const [phase, setPhase] = useState("choose"); // choose, sending, waiting, refused, paid
  const [refusal, setRefusal] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const working = useRef(false);
  const tenge = tengeOf(joined.assets);
  useTick(500, request?.status === "open");

  const look = async () => {
    const found = await requestOf(app, id);
    setRequest(found);
    return found;
  };

  const settle = async (work) => {
    if (working.current) return; // two taps are one payment
    working.current = true;
    setPhase("sending");
    setRefusal(null);
    setTrouble(null);
    try {
      await work(() => setPhase("waiting"));
      await look().catch(() => {}); // it is done, whether or not we can see the request now
      chime();
      setPhase("paid");
    } catch (error) {
      await look().catch(() => {});
      if (error instanceof Problem && error.reasons.length) {
        setRefusal(error.reasons);
        setPhase("refused");
        thud();
      } else {
        setTrouble(error);
        setPhase("choose");
      }
    } finally {
      working.current = false;
    }
  };

  const note = () => ({ till: `till.${tillOf(joined, request)}.name`, total: request.total });

  const payWith = (code) => {
    const { id: account } = accounts.find((one) => one.asset === code);
    setAsset(code);
    const until = isDeposit(request) ? api.now() + HOLD_MS : null;
    settle((onWait) => pay(app, joined, { request, account, note: note(), until, onWait }));
  };

  const choose = (code) => {
    setAsset(code);
    setPhase("choose");
    setRefusal(null);
  };

  const open = async () => {
    setTrouble(null);
    try {
      const found = await look();
      setAsset((now) => now ?? found.tenders.find((one) => one.asset === tenge)?.asset);
      if ((await unanswered(app)) === id) settle((onWait) => send(app, onWait));
    } catch (error) {
      setTrouble(error);
    }
  };

  useEffect(() => void open(), [id]);
  useEffect(() => {
    if (request && phase !== "sending") look().catch(() => {}); // paid, taken, let go of
  }, [changed]);

  if (!request) {
    return html`<main id="screen" class="wallet narrow">
      ${
        trouble
          ? html`<${Trouble} words=${words} error=${trouble} retry=${open} />
            <${Home} words=${words} />`
          : html`<${Busy} label=${words.t("pay.opening")} />`
      }
    </main>`;
  }

  const left = request.not_after - api.now();
  const payable = request.status === "open" && left > 0;
  const gone = refusal?.some((reason) => GONE.includes(reason.code));
  const tender = request.tenders.find((one) => one.asset === asset);
  const busy = phase === "sending" || phase === "waiting";
  const accountIn = (code) => accounts.find((one) => one.asset === code);
  const offered = request.tenders.filter((one) => accountIn(one.asset));
  const hereFor = (code) => request.place.accepts.find((one) => one.asset === code);
  const place = hereFor(asset);
  const refusing = place && !place.accepted;
  const till = tillOf(joined, request);
  const deposit = isDeposit(request);
  const over = OVER[request.status];
  const takesTenge = request.tenders.some((one) => one.asset === tenge);
  const convertible =
    (refusing || phase === "refused") && tender?.rate && takesTenge && !deposit && !busy && !gone;
  const what = tender ? words.amount(tender.amount, asset) : words.money(request.total);

  return html`<main id="screen" class="wallet narrow ${phase === "paid" ? "beneath" : ""}">
    <section class="card bill" aria-labelledby="bill-to">
      <span class="round large"><${Icon} name=${ICONS[till] ?? "basket"} size="34" /></span>
      <h1 id="bill-to">${words.t(`till.${till}.name`)}</h1>
      ${request.merchant_name && html`<p class="quiet">${request.merchant_name}</p>`}
      <p class="total">${words.money(request.total)}</p>
      ${deposit && html`<p class="chip test">${words.t("pay.deposit")}</p>`}
      ${
        payable &&
        html`<p class="under"><${Countdown} left=${left} whole=${LIFE_MS} />
        <span>${words.t("pay.until", { at: request.not_after })}</span></p>`
      }
    </section>
    ${trouble && html`<${Trouble} words=${words} error=${trouble} />`}
    ${
      phase === "refused" &&
      html`<section class="refused-box" role="alert">
      <h2><${Icon} name="cross" /><span>${words.t("pay.refused")}</span></h2>
      <${Reasons} words=${words} reasons=${refusal} />
      <p class="quiet">${words.t("pay.untouched")}</p>
      ${
        payable &&
        !gone &&
        asset !== tenge &&
        html`<button type="button" class="button big" ref=${focus} onClick=${() => payWith(tenge)}>
        ${words.t(deposit ? "pay.instead.deposit" : "pay.instead", { total: request.total })}
      </button>`
      }
    </section>`
    }
    ${
      over &&
      phase !== "paid" &&
      !busy &&
      html`<p class="card done" role="status"><${Icon} name=${over} />
        <span>${words.t(`pay.is.${request.status}`)}</span></p>`
    }
    ${
      !over &&
      !payable &&
      html`<p class="card done"><${Icon} name="clock" /><span>${words.t("pay.expired")}</span></p>`
    }
    ${
      payable &&
      html`
      <fieldset class="choose" disabled=${busy}>
        <legend>${words.t(deposit ? "pay.choose.deposit" : "pay.choose")}</legend>
        ${offered.map(
          (one) => html`<${Tender} key=${one.asset} words=${words} tender=${one}
          account=${accountIn(one.asset)} place=${hereFor(one.asset)}
          chosen=${one.asset === asset} choose=${() => choose(one.asset)} />`,
        )}
      </fieldset>
      ${
        refusing &&
        phase !== "refused" &&
        html`<div class="card caution"><${Icon} name="warn" />
        <div><${Reasons} words=${words} reasons=${place.reasons} />
          <p class="quiet">${words.t("pay.try")}</p></div></div>`
      }
      ${
        convertible &&
        html`<${Convert} key=${asset} app=${app} joined=${joined} request=${request}
          account=${accountIn(asset)} tenge=${tenge} note=${note()} settle=${settle} />`
      }
      ${
        deposit &&
        html`<p class="quiet">${words.t("pay.deposit.text", { at: api.now() + HOLD_MS })}</p>`
      }
      ${
        phase !== "refused" &&
        html`<div class="bottom ${refusing ? "still" : ""}">
        <button type="button" class="button big ${refusing ? "risky" : ""}"
          disabled=${busy || !tender} onClick=${() => payWith(asset)}>
          ${
            busy
              ? html`<span class="dots" aria-hidden="true"><i /><i /><i /></span>
                <span role="status">${words.t(`pay.${phase}`)}</span>`
              : html`<span>${words.t(deposit ? "pay.reserve" : "pay.pay", { what })}</span>`
          }
        </button>
      </div>`
      }`
    }
    <${Home} words=${words} />
    ${
      phase === "paid" &&
      html`<${Flood} kind="paid" title=${words.t(deposit ? "sale.held" : "sale.paid")}
      action=${words.t("pay.home")}
      close=${() => location.assign("/wallet")}>
      <p class="flood-amount">${words.money(request.total)}</p>
      <p>${words.t(`till.${till}.name`)}</p>
      ${
        request.payment &&
        request.payment.asset !== tenge &&
        html`<p>${words.amount(request.payment.amount, request.payment.asset)}</p>`
      }
    <//>`
    }
  </main>`;
}

const Home = ({ words }) =>
  html`<p class="home"><a class="button plain" href="/wallet"><${Icon} name="left" size="20" />
    <span>${words.t("pay.home")}</span></a></p>`;

/** One way to pay: the amount in that asset, its rate, what one has, whether it passes here. */
function Tender({ words, tender, account, place, chosen, choose }) {
  const name = words.assetName(tender.asset);
  const short = !covers(account.balance, tender.amount);
  const accepted = place?.accepted ?? true;
  return html`<label class="tender ${chosen ? "chosen" : ""} ${accepted ? "" : "not"}">
    <input type="radio" name="asset" value=${tender.asset} checked=${chosen} onChange=${choose} />
    <span class="about">
      <span><span><b>${name}</b>
        ${tender.rate && html` <span class="chip test">${words.t("wallet.test")}</span>`}</span>
        <span class="sum">${words.amount(tender.amount, tender.asset)}</span></span>
      <span><small>${words.t("pay.have", { balance: account.balance, asset: tender.asset })}
        ${short ? html` · <span class="wrong">${words.t("pay.short")}</span>` : ""}</small>
        <small class="here">${
          !accepted
            ? words.t("accepts.no")
            : tender.rate && account.rate
              ? words.t("pay.rate", { asset: tender.asset, rate: account.rate.rate })
              : words.t("accepts.yes")
        }</small></span>
    </span>
  </label>`;
}

/** The short name of the sandbox's till that asks, or "other". */
function tillOf({ sandbox }, request) {
  return sandbox.tills.find((one) => one.merchant === request.merchant)?.till ?? "other";
}
