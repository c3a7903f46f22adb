/**
 * Receipts checked offline: does a log, whose key one knows, hold this leaf? (design D7)
 *
 * Reads C2SP tlog-proof text (c2sp.org/tlog-proof), the checkpoint in it (c2sp.org/signed-note,
 * c2sp.org/tlog-checkpoint) and the audit path of RFC 6962. The key must come from elsewhere: a
 * receipt cannot vouch for itself. Sizes are BigInt: a log may outgrow 2**53.
 */

import { concat, fromBase64, same, sha256, utf8 } from "./bytes.js";
import { verify } from "./sign.js";

const HEADER = "c2sp.org/tlog-proof@v1";
const ED25519 = 1;
const PATH_MAX = 63;

/** Why a receipt does not hold: `code` is "malformed", "key", "signature", "leaf" or "path". */
export class NotProven extends Error {
  constructor(code, message) {
    super(message);
    this.name = "NotProven";
    this.code = code;
  }
}

/**
 * Verify that the log `vkey` signs for holds `leaf` (its exact bytes) where the receipt says.
 * @returns {Promise<{origin, index, size, root}>} index and size are BigInt; throws NotProven.
 */
export async function verifyReceipt(leaf, text, vkey) {
  const receipt = decodeReceipt(text);
  const checkpoint = await openCheckpoint(receipt.checkpoint, await decodeVkey(vkey));
  let named;
  try {
    named = /^\{"v":1,"index":(\d+),/.exec(new TextDecoder("utf-8", { fatal: true }).decode(leaf));
  } catch {
    named = null;
  }
  if (!named || BigInt(named[1]) !== receipt.index) {
    throw new NotProven("leaf", "the leaf and the receipt name different indexes");
  }
  const reached = await climb(receipt, checkpoint.size, await leafHash(leaf));
  if (!reached || !same(reached, checkpoint.root)) {
    throw new NotProven("path", "the path does not lead from the leaf to the root");
  }
  return { ...checkpoint, index: receipt.index };
}

/**
 * The bytes of a leaf (docs/log-format.md) made again from what was signed, `jws`, and what
 * GET /v1/transactions/{id} answers. Amounts are told with all their digits, so without the point
 * they are minor units. Only a receipt shows whether the log holds just these bytes.
 */
export function leafOf(jws, { index, at, pack, postings, facts }) {
  const minor = (amount) => BigInt(amount.replace(".", "")).toString();
  return utf8(
    JSON.stringify({
      v: 1,
      index,
      at,
      pack: pack ?? "",
      tx: jws,
      postings: postings.map(({ debit, credit, asset, amount }) => [
        debit,
        credit,
        asset,
        minor(amount),
      ]),
      facts,
    }),
  );
}

/** Read tlog-proof text: {index, hashes, checkpoint}. Checks nothing but the form. */
export function decodeReceipt(text) {
  const gap = text.indexOf("\n\n");
  const lines = text.slice(0, Math.max(gap, 0)).split("\n");
  if (gap < 0 || lines.shift() !== HEADER) throw malformed(`a receipt starts with ${HEADER}`);
  if (lines[0]?.startsWith("extra ")) lines.shift();
  const index = decimal(/^index (.*)$/.exec(lines.shift() ?? "")?.[1]);
  if (lines.length > PATH_MAX) throw malformed("a path has at most 63 hashes");
  return { index, hashes: lines.map(hash), checkpoint: text.slice(gap + 2) };
}

/** Open a checkpoint signed by `key` (of `decodeVkey`): {origin, size, root}. */
export async function openCheckpoint(text, key) {
  const gap = text.lastIndexOf("\n\n");
  if (gap < 0 || !text.endsWith("\n")) throw malformed("a note ends with signature lines");
  const body = text.slice(0, gap + 1);
  const lines = body.split("\n");
  if (lines.length < 4 || lines.pop() !== "" || lines.some((line) => !line)) {
    throw malformed("a checkpoint has three lines or more");
  }
  const [origin, size, root] = lines;
  if (origin !== key.name) throw new NotProven("key", `the checkpoint is of ${origin}`);
  for (const line of text.slice(gap + 2, -1).split("\n")) {
    const found = /^— (\S+) (\S+)$/.exec(line);
    if (!found) throw malformed("a signature line is a dash, a name and base64");
    const signed = base64(found[2]);
    if (found[1] !== key.name || !same(signed.subarray(0, 4), key.id)) continue;
    if (await verify(key.publicKey, utf8(body), signed.subarray(4))) {
      return { origin, size: decimal(size), root: hash(root) };
    }
    throw new NotProven("signature", "the signature on the checkpoint is wrong");
  }
  throw new NotProven("key", "the key given did not sign the checkpoint");
}

/** Read a log's key line, `name+hexid+base64(0x01 || key)`: {name, id, publicKey}. */
export async function decodeVkey(text) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text);
  const typed = found ? base64(found[3]) : null;
  if (!typed || typed.length !== 33 || typed[0] !== ED25519) throw malformed("not a log's key");
  const id = (await sha256(concat(utf8(`${found[1]}\n`), typed))).subarray(0, 4);
  const hex = [...id].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== found[2]) throw malformed("the key's id is not its hash");
  return { name: found[1], id, publicKey: typed.subarray(1) };
}

/** RFC 6962 section 2.1: hash of a leaf. */
export const leafHash = (leaf) => sha256(concat([0], leaf));

/** The root that the path leads to from `leaf`, or null (RFC 9162 section 2.1.3.2). */
async function climb({ index, hashes }, size, leaf) {
  if (index >= size) return null;
  let position = index;
  let last = size - 1n;
  let reached = leaf;
  for (const sibling of hashes) {
    if (last === 0n) return null;
    if (position & 1n || position === last) {
      reached = await sha256(concat([1], sibling, reached));
      while (!(position & 1n) && position) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      reached = await sha256(concat([1], reached, sibling));
    }
    position >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? reached : null;
}

function decimal(text) {
  if (!/^(0|[1-9]\d{0,18})$/.test(text ?? "")) throw malformed("sizes are written in digits");
  return BigInt(text);
}

function hash(text) {
  const bytes = base64(text);
  if (bytes.length !== 32) throw malformed("a hash has 32 bytes");
  return bytes;
}

function base64(text) {
  try {
    return fromBase64(text);
  } catch {
    throw malformed("not base64");
  }
}

const malformed = (message) => new NotProven("malformed", message);
