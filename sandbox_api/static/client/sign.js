/**
 * Keys made in this browser, and the envelopes they sign (design D2, D12).
 *
 * A key is made by WebCrypto and cannot be read out of the browser, not even by this page. Where
 * WebCrypto is missing (a page over plain http from another machine, an old browser) the key is
 * made by vendored code and its seed lies readable in IndexedDB: `kind` is then "software" and the
 * page must say so. Forms are those of docs/http-api.md, "Signing a transaction".
 */

import { concat, fromB64u, sha256, toB64u, utf8 } from "./bytes.js";
import { openKeep } from "./keep.js";

const ALGORITHM = "Ed25519";

/**
 * The key called `name`, made at first use.
 * @returns {Promise<{kid, jwk, kind, sign}>} `kid`: RFC 7638 thumbprint; `jwk`: the public key;
 *   `kind`: "webcrypto" or "software"; `sign(bytes)`: 64 bytes.
 */
export async function openKey(name, keep = openKeep()) {
  const kept = await keep.get(`key:${name}`);
  return wake(kept ?? (await keep.putFirst(`key:${name}`, await makeKey())));
}

async function makeKey() {
  if (globalThis.crypto?.subtle) {
    try {
      return { pair: await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"]) };
    } catch (error) {
      if (error.name !== "NotSupportedError") throw error;
    }
  }
  return { seed: crypto.getRandomValues(new Uint8Array(32)) };
}

async function wake({ pair, seed }) {
  let x, sign;
  if (pair) {
    x = toB64u(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
    sign = async (bytes) =>
      new Uint8Array(await crypto.subtle.sign(ALGORITHM, pair.privateKey, bytes));
  } else {
    const ed = await software();
    x = toB64u(ed.getPublicKey(seed));
    sign = async (bytes) => ed.sign(bytes, seed);
  }
  const jwk = { crv: ALGORITHM, kty: "OKP", x };
  return { kid: await thumbprint(jwk), jwk, kind: pair ? "webcrypto" : "software", sign };
}

/** A key from its 32-byte seed: for tests with known answers, never for a wallet. */
export const keyFromSeed = (seed) => wake({ seed });

/** RFC 7638 thumbprint of an Ed25519 public key, 43 characters. */
export async function thumbprint({ x }) {
  return toB64u(await sha256(utf8(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`)));
}

/**
 * Sign `payload` (an object, written as it stands) as an envelope of type `typ`.
 * @returns {Promise<{jws, id, digest}>} `id` is the transaction id, `digest` its 32 bytes.
 */
export async function seal(payload, typ, key) {
  const body = utf8(JSON.stringify(payload));
  const header = utf8(`{"alg":"EdDSA","kid":"${key.kid}","typ":"${typ}"}`);
  const input = `${toB64u(header)}.${toB64u(body)}`;
  const digest = await sha256(body);
  return {
    jws: `${input}.${toB64u(await key.sign(utf8(input)))}`,
    id: `${payload.not_after}.${toB64u(digest)}`,
    digest,
  };
}

/**
 * Key of what a transaction or request creates under `label`, such as a payment request's id:
 * six bytes of `not_after`, then ten of SHA-256(digest + label).
 */
export async function derivedKey(notAfter, digest, label) {
  const time = new Uint8Array(6);
  for (let at = 5, rest = notAfter; at >= 0; at--, rest = Math.floor(rest / 256)) {
    time[at] = rest % 256;
  }
  return toB64u(concat(time, (await sha256(concat(digest, utf8(label)))).subarray(0, 10)));
}

/** 16 random bytes as text, for `nonce`. */
export const nonce = () => toB64u(crypto.getRandomValues(new Uint8Array(16)));

/** The payload of a compact JWS, parsed. Checks no signature. */
export function payloadOf(jws) {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromB64u(jws.split(".")[1])));
}

/** The y coordinates of points of small order, in every spelling (the sign bit left out). */
const SMALL = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

function isSmall(point) {
  const hex = (byte) => byte.toString(16).padStart(2, "0");
  return SMALL.includes([...point.subarray(0, 31)].map(hex).join("") + hex(point[31] & 127));
}

/**
 * Whether `signature` over `bytes` is good for the 32-byte `publicKey` (RFC 8032, strict): what a
 * browser takes although the ledger would not, points of small order, is not good here either.
 */
export async function verify(publicKey, bytes, signature) {
  if (signature.length !== 64 || isSmall(publicKey) || isSmall(signature.subarray(0, 32))) {
    return false;
  }
  if (globalThis.crypto?.subtle) {
    try {
      const key = await crypto.subtle.importKey("raw", publicKey, ALGORITHM, false, ["verify"]);
      return await crypto.subtle.verify(ALGORITHM, key, signature, bytes);
    } catch (error) {
      if (error.name !== "NotSupportedError") return false;
    }
  }
  const ed = await software();
  return ed.verify(signature, bytes, publicKey, { zip215: false });
}

let loading;

/** The vendored Ed25519, loaded only where it is needed. */
function software() {
  return (loading ??= Promise.all([
    import("../vendor/noble-ed25519/index.js"),
    import("../vendor/noble-hashes/sha2.js"),
  ]).then(([ed, hashes]) => {
    ed.hashes.sha512 = hashes.sha512;
    return ed;
  }));
}
