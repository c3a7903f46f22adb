/**
 * What the page of the offline purse does with a network, without a screen: setting the device up,
 * loading it, telling it what is new, bringing in what it received. What it does without a network is
 * /static/client/purse.js.
 */

import { Problem } from "/static/client/api.js";
import { fromB64u, toB64u } from "/static/client/bytes.js";
import * as purse from "/static/client/purse.js";
import { wire } from "./money.js";
import { act, join, tengeOf } from "./purse.js";

const ROWS = 200;
const SETTLED = "purse:settled"; // what the ledger said last of payments, by id

/** Amounts of a purse in wire form. */
export const amountOf = (tiyn) => wire(tiyn, 2);

/**
 * What this browser has of its purse, with no network: what `look` tells, `state`, `keyKind`,
 * `frozen` (by its own notice) and `settled` (what the ledger said last of payments, by id); null
 * where it has none.
 */
export async function atHand({ keep, api }) {
  const state = await purse.kept(keep);
  if (!state) return null;
  if (!api.ledger) api.offsetMs = state.offsetMs; // until the sandbox is heard again
  const seen = await purse.look(state);
  const { key } = await purse.newDevice(keep, state.name);
  const frozen = seen.notice?.frozen.some((id) => toB64u(id) === seen.id) ?? false;
  return { ...seen, state, keyKind: key.kind, frozen, settled: (await keep.get(SETTLED)) ?? {} };
}

/** Have the demo bank make this browser a purse of its wallet's, over an older one if any. */
export async function setUp(app, wallet) {
  const { api, keep } = app;
  const home = homeOf(wallet);
  const { name, key, id } = await purse.newDevice(keep);
  await api.post("/v1/sandbox/purses", { jwk: key.jwk, home: home.id });
  const { signer } = await api.get("/v1/offline-notice");
  await purse.begin(keep, { name, id, home: home.id, ledger: api.ledger, centralBank: signer.x });
  return renew(app);
}

/** The wallet behind the purse: {key, holder, …} of purse.js. */
export const openWallet = (app) => join(app);

/** The account of digital tenge of a wallet: {id, asset}. */
export const homeOf = ({ holder, assets }) =>
  holder.accounts.find(({ asset }) => asset === tengeOf(assets));

/**
 * Give the device the newest notice and certificate, and learn what the ledger has of it: {purse,
 * older}, or null where this purse is of another ledger than the sandbox's. `older`: the ledger has a
 * payment of this device that the device does not know, so it was restored from an older copy.
 */
export async function renew({ api, keep }) {
  const state = await purse.kept(keep);
  const id = toB64u(state.id);
  const notice = await api.get("/v1/offline-notice");
  if (api.ledger !== toB64u(state.ledger)) return null;
  const found = await api.get(`/v1/purses/${id}`);
  await purse.takeNotice(keep, fromB64u(notice.form));
  if (found.status === "open") {
    const paper = await api.get(`/v1/purses/${id}/certificate`);
    await purse.takeCertificate(keep, fromB64u(paper.form));
  }
  await purse.takeClock(keep, api.offsetMs);
  const payments = await settledOf(api, id);
  await keep.put(SETTLED, Object.fromEntries(payments.map((one) => [one.id, one])));
  const { counter } = await purse.kept(keep); // as it is now: another window may have paid
  return { purse: found, older: payments.some((one) => one.purse === id && one.counter > counter) };
}

/** All payments of a purse, and to it, that the ledger has settled. */
async function settledOf(api, id) {
  const all = [];
  for (let after = ""; after !== null; ) {
    const query = `limit=${ROWS}${after && `&after=${after}`}`;
    const { payments, next } = await api.get(`/v1/accounts/${id}/offline-payments?${query}`);
    all.push(...payments);
    after = next;
  }
  return all;
}

/** Put money on the purse. */
export function load(app, wallet, { id, amount, onWait }) {
  const members = { from: homeOf(wallet).id, purse: id, amount };
  return act(app, wallet, "purse_load/1", { members, onWait });
}

/** Bring one received payment to the ledger: {id, status, paid, …}, what became of it. */
export async function deposit(app, wallet, { id, chain }) {
  await act(app, wallet, "purse_deposit/1", { members: { chain } }).catch(unlessSettled);
  return app.api.get(`/v1/offline-payments/${id}`);
}

/** Bring everything home into the wallet. What was signed is sent again until the ledger has it. */
export async function bringHome(app, wallet, onWait) {
  for (const chain of await purse.empty(app.keep, app.api.now())) {
    await act(app, wallet, "purse_unload/1", { members: { chain }, onWait }).catch(unlessSettled);
    await purse.emptied(app.keep, chain);
  }
}

function unlessSettled(error) {
  const codes = error instanceof Problem ? error.reasons.map((reason) => reason.code) : [];
  if (codes.length !== 1 || codes[0] !== "PAYMENT_SETTLED") throw error;
}

/** Have this page kept for when there is no network. Answers whether it is. */
export async function keepPage() {
  if (!navigator.serviceWorker) return false; // no secure context
  navigator.storage?.persist?.().catch(() => {}); // a browser that is short of room spares it then
  const options = { scope: "/wallet/offline", updateViaCache: "none" };
  const registered = await navigator.serviceWorker.register("/wallet/offline.worker.js", options);
  await navigator.serviceWorker.ready;
  registered.active?.postMessage("renew");
  return true;
}
