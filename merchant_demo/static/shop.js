/**
 * What a shop does with money that is reserved for it or was paid to it: take, let go, give back.
 *
 * A till's key only asks for money (docs/threat-model.md). These are signed by a key of the shop
 * itself, made on this device and registered once by the shop's own key, which is not kept.
 */

import { fromB64u } from "/static/client/bytes.js";
import { keyFromSeed, nonce, openKey, seal } from "/static/client/sign.js";

const SEND_MS = 10 * 60_000;
const ROWS = 200;

/** This device's key of the shop: {key, connected}. */
export async function openShop({ api, keep }, name, merchant) {
  const key = await openKey(`shop:${name}`, keep);
  return { key, merchant, connected: await isConnected(api, key, merchant) };
}

async function isConnected(api, key, merchant) {
  try {
    const known = await api.get(`/v1/keys/${key.kid}`);
    return known.owner === merchant && known.status === "active";
  } catch (error) {
    if (error.status === 404) return false;
    throw error;
  }
}

/** The key in a line of JWK, or null where it is none. */
export async function keyIn(text) {
  try {
    const { crv, d, x } = JSON.parse(text);
    const key = crv === "Ed25519" ? await keyFromSeed(fromB64u(d)) : null;
    return key?.jwk.x === x ? key : null;
  } catch {
    return null;
  }
}

/** Let the shop's own key `owner` register this device's. */
export const connect = ({ api }, { key, merchant }, owner, onWait) =>
  sign(api, owner, "key/1", { party: merchant, key: key.jwk.x }, onWait);

/** Take `amount` of a hold; with the `last` the rest goes back. */
export const capture = ({ api }, { key }, { hold, amount, last }, onWait) =>
  sign(api, key, "capture/1", { hold: hold.id, amount, last }, onWait);

/** Let go of what is left of a hold. */
export const letGo = ({ api }, { key }, hold, onWait) =>
  sign(api, key, "void/1", { hold: hold.id }, onWait);

/** Give `amount` of a paid sale back to the account that paid it. */
export async function giveBack({ api }, { key }, { sale, from, amount }, onWait) {
  const to = sale.hold?.from ?? (await api.get(`/v1/transactions/${sale.payment.id}`)).payload.from;
  return sign(api, key, "refund/1", { payment: sale.id, from, to, amount }, onWait);
}

async function sign(api, key, kind, members, onWait) {
  const payload = {
    kind,
    ledger: api.ledger,
    nonce: nonce(),
    not_after: api.now() + SEND_MS,
    ...members,
  };
  return api.submit((await seal(payload, "tenge-tx", key)).jws, { onWait });
}

/**
 * The hold that a request led to, or null: told by its id where that is known, else looked for among
 * the open ones of the shop's accounts.
 */
export async function holdOf({ api }, accounts, sale) {
  if (sale.hold) return api.get(`/v1/holds/${sale.hold.id}`);
  for (const { id } of accounts) {
    for (let after = ""; after !== null; ) {
      const page = await api.get(`/v1/accounts/${id}/holds?limit=${ROWS}${after}`);
      const found = page.holds.find((one) => one.payment === sale.id);
      if (found) return found;
      after = page.next && `&after=${page.next}`;
    }
  }
  return null;
}
