/**
 * A sale at the till: a payment request and what became of it. Pure.
 *
 * States: "waiting" (nobody has paid), "refused" (an attempt failed; the same request can still be
 * paid), "paid", "expired". What the API says of the request decides; the till only adds that its
 * time ran out.
 */

/** How long a QR may be paid, in ms. */
export const LIFE_MS = 5 * 60_000;

/** How many sales a till remembers on its screen. */
export const SALES_MAX = 50;

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
});

/** The sale after the API's answer to GET /v1/payment-requests/{id}. */
export function withAnswer(sale, { status, payment, refusal }) {
  if (status === "paid") return { ...sale, status: "paid", payment, refusal };
  if (status === "expired") return { ...sale, status: "expired", refusal };
  return { ...sale, status: refusal ? "refused" : "waiting", refusal };
}

/** The sale at time `now`: a request whose time ran out is not paid any more. */
export const atTime = (sale, now) =>
  isOpen(sale) && now > sale.notAfter ? { ...sale, status: "expired" } : sale;

/** Whether money may still come. */
export const isOpen = (sale) => sale.status === "waiting" || sale.status === "refused";

/** The payment request that a pasted text means: a link to /p/<id>, or the id alone; else null. */
export function requestIn(text) {
  return /(?:^|\/p\/)([A-Za-z0-9_-]{22})\/?$/.exec(text.trim())?.[1] ?? null;
}
