/** Convert, then pay: where crypto does not pass, the exchange takes it and the shop gets tenge. The
 * price is asked for first and shown; it holds for a minute, and is paid by a second tap. */

import { Busy, Countdown, Trouble, useTick } from "./parts.js";
import { act } from "./purse.js";
import { html, useState } from "./view.js";

const QUOTE_MS = 60_000;

/** A price of the exchange: what of `sell` it takes for exactly `total` of `buy`, for us alone. */
const quoteFor = ({ api }, { holder }, { sell, buy, total }) =>
  api.post("/v1/quotes", { sell, buy, buy_amount: total, taker: holder.party });

/** Pay `request` from `account` with what the quote takes; the shop gets tenge. */
const convertPay = (app, joined, { request, account, quote, note, onWait }) =>
  act(app, joined, "convert_pay/1", {
    members: { from: account, request: request.request, quote: quote.quote },
    request: request.id,
    note,
    onWait,
  });

/** `settle` plays the payment as the screen plays any; `note` is kept for the history. */
export function Convert({ app, joined, request, account, tenge, note, settle }) {
  const { api, words } = app;
  const [quote, setQuote] = useState(null);
  const [asking, setAsking] = useState(false);
  const [trouble, setTrouble] = useState(null);
  useTick(500, quote !== null);
  const left = quote ? quote.not_after - api.now() : 0;

  const ask = async () => {
    setAsking(true);
    setTrouble(null);
    try {
      setQuote(await quoteFor(app, joined, { sell: account.asset, buy: tenge, total: request.total }));
    } catch (error) {
      setTrouble(error);
    } finally {
      setAsking(false);
    }
  };

  const take = () => {
    const taken = quote;
    setQuote(null); // it is good once, whatever comes of it
    settle((onWait) =>
      convertPay(app, joined, { request, account: account.id, quote: taken, note, onWait }),
    );
  };

  return html`<section class="card convert" aria-labelledby="convert">
    <h2 id="convert">${words.t("pay.convert")}</h2>
    <p class="quiet">${words.t("pay.convert.text")}</p>
    ${trouble && html`<${Trouble} words=${words} error=${trouble} />`}
    ${
      left > 0
        ? html`<p class="under" role="status"><${Countdown} left=${left} whole=${QUOTE_MS} />
            <span>${words.t("pay.convert.price", {
              what: words.amount(quote.sell.amount, quote.sell.asset),
              total: quote.buy.amount,
            })}</span></p>
          <button type="button" class="button big" onClick=${take}>
            ${words.t("pay.convert.take", {
              what: words.amount(quote.sell.amount, quote.sell.asset),
            })}
          </button>`
        : asking
          ? html`<${Busy} label=${words.t("pay.convert.asking")} />`
          : html`<button type="button" class="button" onClick=${ask}>
              ${words.t("pay.convert.ask")}</button>`
    }
  </section>`;
}
