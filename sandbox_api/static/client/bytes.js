/**
 * Bytes and their texts: base64url and base64 in their one spelling, UTF-8, SHA-256.
 *
 * SHA-256 is the browser's own where the page is a secure context; elsewhere (http over a LAN)
 * `crypto.subtle` does not exist and the vendored implementation is loaded.
 */

const ENCODER = new TextEncoder();

/** UTF-8 bytes of `text`. */
export const utf8 = (text) => ENCODER.encode(text);

/** Canonical unpadded base64url (RFC 4648 section 5). */
export function toB64u(bytes) {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Bytes of canonical unpadded base64url; throws RangeError on any other spelling. */
export function fromB64u(text) {
  const padded =
    text.replaceAll("-", "+").replaceAll("_", "/") + "===".slice((text.length + 3) % 4);
  const bytes = decode(padded);
  if (toB64u(bytes) !== text) throw new RangeError("not canonical base64url");
  return bytes;
}

/** Standard padded base64 (RFC 4648 section 4), as C2SP texts use it. */
export function toBase64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Bytes of standard padded base64; throws RangeError on any other spelling. */
export function fromBase64(text) {
  const bytes = decode(text);
  if (toBase64(bytes) !== text) throw new RangeError("not canonical base64");
  return bytes;
}

function decode(base64) {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    throw new RangeError("not base64");
  }
}

/** Bytes one after another. */
export function concat(...parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Whether two byte strings are the same. */
export const same = (one, other) =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

/** SHA-256 of `bytes`: 32 bytes. */
export async function sha256(bytes) {
  if (globalThis.crypto?.subtle) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  }
  const hashes = await import("../vendor/noble-hashes/sha2.js");
  return hashes.sha256(bytes);
}
