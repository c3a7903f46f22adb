/**
 * A sale at the till: a payment request and what became of it. Pure.
 *
 * States: "waiting" (nobody has paid), "refused" (an attempt failed; the same request can still be
 * paid), "held" (a deposit is reserved), "paid", "void" (a deposit went back), "expired". What the
 * API says of the request and its hold decides; the till only adds that its time ran out.
 */

const DEPOSIT = "DEPOSIT ";

/** How long a QR may be paid, in ms. */
export const LIFE_MS = 5 * 60_000;

/** How long a deposit is reserved for the shop, in ms. */
export const HOLD_MS = 24 * 3_600_000;

/** How many sales a till remembers on its screen. */
export const SALES_MAX = 50;

/** Whether a till asks to reserve and not to pay: its signed reference says so. A wallet that does
 * not know the word pays, which is as good for the till. */
export const isDeposit = ({ reference }) => reference.startsWith(DEPOSIT);

/** The reference of a till's sale number `count`; `name` is the till's. */
export const referenceOf = (name, count, deposit) =>
  `${deposit ? DEPOSIT : ""}${name[0].toUpperCase()}-${count}`;

/** The payload of a payment request; `offers`: the tenders, each an asset, account and amount. */
export function requestPayload({ ledger, nonce, now, total, reference, offers }) {
  return {
    kind: "request/1",
    ledger,
    nonce,
    not_after: now + LIFE_MS,
    total,
    reference,
    reusable: false,
    tenders: offers,
  };
}

/** A sale that was just asked for. */
export const openSale = ({ id, jws, payload, at }) => ({
  id,
  jws,
  total: payload.total,
  reference: payload.reference,
  tenders: payload.tenders,
  notAfter: payload.not_after,
  at,
  status: "waiting",
  payment: null,
  refusal: null,
  hold: null,
});

/**
 * The sale after the API's answer to GET /v1/payment-requests/{id}; `hold`: what GET /v1/holds/{id}
 * says, where money was reserved. While some of it is left the sale is "held", whatever was taken.
 */
export function withAnswer(sale, { status, payment, refusal }, hold = null) {
  const told = { ...sale, payment: payment ?? null, refusal, hold };
  if (hold?.status === "open") return { ...told, status: "held" };
  if (["paid", "held", "void", "expired"].includes(status)) return { ...told, status };
  return { ...told, status: refusal ? "refused" : "waiting" };
}

/** The sale at time `now`: a request whose time ran out is not paid any more. */
export const atTime = (sale, now) =>
  isOpen(sale) && now > sale.notAfter ? { ...sale, status: "expired" } : sale;

/** What a sale comes to in tenge: of a deposit that is over, what was taken. */
export const moneyOf = ({ status, total, hold, payment }) =>
  status === "paid" && hold ? payment.value : total;

/** Whether money may still come. */
export const isOpen = (sale) => sale.status === "waiting" || sale.status === "refused";

/** Whether something may still become of it: money may come, or be taken or let go of. */
export const isLive = (sale) => isOpen(sale) || sale.status === "held";

/** The payment request that a pasted text means: a link to /p/<id>, or the id alone; else null. */
export function requestIn(text) {
  return /(?:^|\/p\/)([A-Za-z0-9_-]{22})\/?$/.exec(text.trim())?.[1] ?? null;
}
