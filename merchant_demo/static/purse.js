/**
 * What the wallet knows and does, without a screen: joining, balances, history, signing, receipts.
 *
 * A signed transaction is kept in the outbox before it is sent and dropped when the ledger has
 * answered, so that a closed window never leaves "did I pay?" open: the same bytes go again.
 */

import { Problem } from "/static/client/api.js";
import { leafOf, verifyReceipt } from "/static/client/proof.js";
import { nonce, openKey, seal } from "/static/client/sign.js";

const OUTBOX = "wallet:outbox";
const NOTES = "wallet:notes";
const PAY_MS = 10 * 60_000;
const NOTES_MAX = 200;
const PAGE = 30;

/** The code of digital tenge among `assets`. */
export const tengeOf = (assets) => assets.find((asset) => asset.class === "digital_tenge").code;

/**
 * Make or find the key and join: the demo bank opens the accounts and gives play money.
 * `step(name)` is told "key", "bank" and "look" as they begin.
 */
export async function join({ api, keep }, step = () => {}) {
  step("key");
  const key = await openKey("wallet", keep);
  step("bank");
  const holder = await api.post("/v1/sandbox/onboard", { jwk: key.jwk });
  step("look");
  const sandbox = await api.get("/v1/sandbox");
  return { key, holder, sandbox, assets: sandbox.assets, ledger: api.ledger };
}

/** Balances and rates as they are now, tenge first: [{id, asset, class, scale, balance, status,
 * freeze, rate}]. */
export async function balances({ api }, { holder, assets }) {
  const [{ rates }, ...accounts] = await Promise.all([
    api.get("/v1/rates"),
    ...holder.accounts.map(({ id }) => api.get(`/v1/accounts/${id}`)),
  ]);
  return accounts
    .map(({ id, asset, balance, status, freeze }) => ({
      ...assets.find((one) => one.code === asset),
      id,
      asset,
      balance,
      status,
      freeze,
      rate: rates.find((one) => one.asset === asset) ?? null,
    }))
    .sort((one, other) => (other.class === "digital_tenge") - (one.class === "digital_tenge"));
}

/** The last movements of all accounts, newest first, with what this browser noted of its own. */
export async function movements({ api, keep }, { holder }) {
  const notes = (await keep.get(NOTES)) ?? {};
  const pages = await Promise.all(
    holder.accounts.map(async ({ id, asset }) => {
      const { rows } = await api.get(`/v1/accounts/${id}/statement?limit=${PAGE}`);
      return rows.map((row) => ({ ...row, account: id, asset, note: notes[row.id] ?? null }));
    }),
  );
  return pages.flat().sort((one, other) => other.index - one.index);
}

/** All that the pay screen must know: the request, what its till accepts, who asks. */
export async function requestOf({ api }, id) {
  const request = await api.get(`/v1/payment-requests/${encodeURIComponent(id)}`);
  const terminal = await api.get(`/v1/terminals/${request.terminal}`);
  return { ...request, place: terminal };
}

/** Sign and send one payment of `request` from `account`; answers {id, index, …} or throws. A
 * deposit is held until `until` (ms UTC), not paid. */
export function pay(app, joined, { request, account, note, until, onWait }) {
  const members = { from: account, request: request.request };
  return act(app, joined, until ? "hold_request/1" : "pay/1", {
    members: until ? { ...members, ends_at: until } : members,
    request: request.id,
    note,
    onWait,
  });
}

/**
 * Sign a transaction of this kind and send it until there is an answer: {id, index, …}, or a throw.
 * `note` is kept for the history; `request` is the payment request that it is about.
 */
export async function act({ api, keep }, { key }, kind, { members, note, request, onWait }) {
  await send({ api, keep }, onWait).catch(unlessRefused); // an earlier one first
  const payload = {
    kind,
    ledger: api.ledger,
    nonce: nonce(),
    not_after: api.now() + PAY_MS,
    ...members,
  };
  const { jws, id } = await seal(payload, "tenge-tx", key);
  await keep.put(OUTBOX, { jws, id, note, request });
  return send({ api, keep }, onWait);
}

function unlessRefused(error) {
  if (!(error instanceof Problem)) throw error;
}

/** Send what the outbox holds, if anything: after a reload too. */
export async function send({ api, keep }, onWait) {
  const waiting = await keep.get(OUTBOX);
  if (!waiting) return null;
  try {
    const answer = await api.submit(waiting.jws, { onWait });
    const notes = Object.entries((await keep.get(NOTES)) ?? {}).slice(1 - NOTES_MAX);
    notes.push([waiting.id, { ...waiting.note, jws: waiting.jws }]);
    await keep.put(NOTES, Object.fromEntries(notes));
    await keep.drop(OUTBOX);
    return { ...answer, request: waiting.request };
  } catch (error) {
    if (error instanceof Problem) await keep.drop(OUTBOX);
    throw error;
  }
}

/** Whether something was sent and not yet answered: its request's id ("" for none), or null. */
export async function unanswered({ keep }) {
  const waiting = await keep.get(OUTBOX);
  return waiting ? (waiting.request ?? "") : null;
}

/**
 * Fetch the receipt of transaction `id` and check it here: the very bytes that this browser signed
 * (`jws`) must be in the tree, under the log key that it saw first. Answers {index, size, text};
 * throws NotProven or Problem.
 */
export async function checkReceipt({ api, keep }, { sandbox, ledger }, { id, jws }) {
  const [text, transaction] = await Promise.all([
    api.get(`/v1/receipts/${id}`),
    api.get(`/v1/transactions/${id}`),
  ]);
  const key = await keep.putFirst(`log:${ledger}`, sandbox.log_key);
  const { index, size } = await verifyReceipt(leafOf(jws, transaction), text, key);
  return { text, index: String(index), size: String(size) };
}
