/**
 * What purses say to each other with no network: the fixed binary layout of docs/offline.md.
 *
 * It takes bytes apart and puts them together and checks no signature: what can be read is not
 * therefore true. Amounts are BigInt in tiyn, times numbers in ms UTC, keys and ids bytes. Ids of
 * payments and purses are hashes, so whatever needs them is a promise.
 */

import { fromBase45, toBase45 } from "./base45.js";
import { concat, fromB64u, same, sha256, toB64u, utf8 } from "./bytes.js";
import { thumbprint } from "./sign.js";

const TAG = utf8("tenge-offline/1\0");

/** What every text form begins with; base45 follows. */
export const PREFIX = "TENGE1:";

/** First byte of each form. */
export const FORM = { chain: 1, certificate: 2, notice: 3, address: 4 };

/** The source of what is paid out of a load, and what a first payment follows. */
export const NONE = new Uint8Array(32);

/** Payments in a chain from load to deposit. */
export const HOPS_MAX = 3;

const AMOUNT_END = 1n << 63n;

/** What cannot be read: `code` is "prefix", "base45", "form", "size", "hops", …. */
export class Malformed extends Error {
  constructor(code, message) {
    super(message);
    this.name = "Malformed";
    this.code = code;
  }
}

/** A form as its QR code holds it. */
export const toText = (bytes) => PREFIX + toBase45(bytes);

/** The inverse; throws Malformed. */
export function fromText(text) {
  if (!text.startsWith(PREFIX)) throw new Malformed("prefix", `a form begins with ${PREFIX}`);
  try {
    return fromBase45(text.slice(PREFIX.length));
  } catch {
    throw new Malformed("base45", "write bytes as base45 (RFC 9285), capitals only");
  }
}

/** The id of a device's purse, 16 bytes. */
export const purseId = async (device) =>
  fromB64u(await thumbprint({ x: toB64u(device) })).subarray(0, 16);

// Certificate -------------------------------------------------------------------------------------

/** {ledger, certificate} of a certificate's own form. */
export function readCertificate(bytes) {
  const reader = open(bytes, FORM.certificate);
  const read = { ledger: reader.take(16), certificate: certificateFrom(reader) };
  reader.end();
  return read;
}

/** The bytes that the bank signs. */
export const certificateSigned = (ledger, certificate) =>
  concat(TAG, [FORM.certificate], ledger, certificateBody(certificate));

/** The form of a certificate by itself. */
export const certificateBytes = (ledger, certificate) =>
  concat([FORM.certificate], ledger, certificateBody(certificate), certificate.signature);

const certificateBody = (one) =>
  concat(
    one.issuer,
    one.device,
    [one.bearer, one.hops],
    big(one.paymentMax, 8),
    big(one.purseMax, 8),
    big(one.loaded, 8),
    big(one.endsAt, 6),
    big(one.closesAt, 6),
  );

function certificateFrom(reader) {
  const [issuer, device] = [reader.take(8), reader.take(32)];
  const [bearer, hops] = [reader.number(1), reader.number(1)];
  if (![1, 2].includes(bearer) || hops < 1 || hops > HOPS_MAX) {
    throw new Malformed("certificate", "no device may be certified like this");
  }
  return {
    issuer,
    device,
    bearer,
    hops,
    paymentMax: reader.amount(),
    purseMax: reader.amount(),
    loaded: reader.amount(),
    endsAt: reader.number(6),
    closesAt: reader.number(6),
    signature: reader.take(64),
  };
}

// Payment and chain -------------------------------------------------------------------------------

/** The bytes that a device signs. */
export const paymentSigned = (ledger, one) =>
  concat(
    TAG,
    [FORM.chain],
    ledger,
    one.payer,
    big(one.counter, 4),
    one.previous,
    one.source,
    big(one.spent, 8),
    big(one.amount, 8),
    big(one.at, 6),
    one.payee,
  );

/** A payment's id, 32 bytes. */
export const paymentId = (ledger, payment) => sha256(paymentSigned(ledger, payment));

/**
 * Take a chain apart: {ledger, links: [{certificate, payment}]}; each payment has its `id`, `payer`
 * and `source`, each certificate its `purse`. A link more than HOPS_MAX is read where asked for:
 * who empties a purse pays itself last.
 */
export async function readChain(bytes, hopsMax = HOPS_MAX) {
  const reader = open(bytes, FORM.chain);
  const [ledger, count] = [reader.take(16), reader.number(1)];
  if (count < 1 || count > hopsMax) throw new Malformed("hops", `a chain has 1 to ${hopsMax} links`);
  const links = [];
  let source = NONE;
  for (let place = 0; place < count; place++) {
    const certificate = certificateFrom(reader);
    const payment = paymentFrom(reader, certificate.device, source);
    certificate.purse = await purseId(certificate.device);
    source = payment.id = await paymentId(ledger, payment);
    if (place && !same(links[place - 1].payment.payee, certificate.purse)) {
      throw new Malformed("payee", "each payer is who the payment before it paid");
    }
    links.push({ certificate, payment });
  }
  reader.end();
  return { ledger, links };
}

/** The form of a chain. */
export const chainBytes = ({ ledger, links }) =>
  concat(
    [FORM.chain],
    ledger,
    [links.length],
    ...links.flatMap(({ certificate, payment }) => [
      certificateBody(certificate),
      certificate.signature,
      big(payment.counter, 4),
      payment.previous,
      big(payment.spent, 8),
      big(payment.amount, 8),
      big(payment.at, 6),
      payment.payee,
      payment.signature,
    ]),
  );

function paymentFrom(reader, payer, source) {
  const payment = {
    payer,
    source,
    counter: reader.number(4),
    previous: reader.take(32),
    spent: reader.amount(),
    amount: reader.amount(),
    at: reader.number(6),
    payee: reader.take(16),
    signature: reader.take(64),
  };
  const { counter, previous, spent, amount } = payment;
  if (!counter || !amount || spent + amount >= AMOUNT_END) {
    throw new Malformed("payment", "a payment is counted from 1 and pays something");
  }
  if ((counter === 1) !== same(previous, NONE)) {
    throw new Malformed("previous", "the first payment, and no other, follows none");
  }
  return payment;
}

/** Whether two payments of one device cannot both be an honest device's; both with their ids. */
export function contradicts(one, other) {
  if (!same(one.payer, other.payer) || same(one.id, other.id)) return false;
  const [first, second] = one.counter <= other.counter ? [one, other] : [other, one];
  if (first.counter === second.counter) return true;
  if (first.counter + 1 === second.counter && !same(second.previous, first.id)) return true;
  return (
    same(first.source, second.source) &&
    first.spent < second.spent + second.amount &&
    second.spent < first.spent + first.amount
  );
}

// Notice and address ------------------------------------------------------------------------------

/** Take a notice apart; `signed` are the bytes that the central bank signs. */
export function readNotice(bytes) {
  const reader = open(bytes, FORM.notice);
  const notice = {
    ledger: reader.take(16),
    size: reader.amount(),
    at: reader.number(6),
    until: reader.number(6),
    banks: reader.list(1, 32),
    frozen: reader.list(2, 16),
    signature: reader.take(64),
  };
  reader.end();
  notice.signed = concat(TAG, bytes.subarray(0, -64));
  return notice;
}

/** The form of a notice. */
export const noticeBytes = ({ ledger, size, at, until, banks, frozen, signature }) =>
  concat(
    [FORM.notice],
    ledger,
    big(size, 8),
    big(at, 6),
    big(until, 6),
    [banks.length],
    ...banks,
    big(frozen.length, 2),
    ...frozen,
    signature,
  );

/** Take an address apart: {ledger, payee, amount}; the amount is 0n where the payer is to say. */
export function readAddress(bytes) {
  const reader = open(bytes, FORM.address);
  const address = { ledger: reader.take(16), payee: reader.take(16), amount: reader.amount() };
  reader.end();
  return address;
}

/** The form of an address. */
export const addressBytes = ({ ledger, payee, amount }) =>
  concat([FORM.address], ledger, payee, big(amount, 8));

// Bytes -------------------------------------------------------------------------------------------

/** A whole number in `size` bytes, the highest first. */
function big(number, size) {
  const bytes = new Uint8Array(size);
  for (let at = size - 1, rest = BigInt(number); at >= 0; at--, rest >>= 8n) {
    bytes[at] = Number(rest & 255n);
  }
  return bytes;
}

/** Takes bytes off the front of a form. */
function open(bytes, form) {
  let at = 0;
  const take = (size) => {
    if (at + size > bytes.length) throw new Malformed("size", "the bytes end too soon");
    return bytes.slice(at, (at += size));
  };
  const whole = (size) => take(size).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const number = (size) => Number(whole(size));
  const text = (one) => one.reduce((all, byte) => all + String.fromCharCode(byte), "");
  if (number(1) !== form) throw new Malformed("form", `a form ${form} is asked here`);
  return {
    take,
    number,
    amount: () => whole(8),
    list: (count, size) => {
      const items = Array.from({ length: number(count) }, () => take(size));
      if (items.some((item, place) => place && text(items[place - 1]) >= text(item))) {
        throw new Malformed("order", "banks and purses stand in rising order, each once");
      }
      return items;
    },
    end: () => {
      if (at !== bytes.length) throw new Malformed("size", "there are bytes too many");
    },
  };
}
