/**
 * A device with a purse: with no network it pays, is paid, and lets itself be cheated by nobody
 * (docs/offline.md; the same checks as sandbox_api/purse.py, code for code).
 *
 * All that it knows is one value in this browser's store, kept before a payment is shown; two
 * windows never spend the same money, because a change is put only over the revision it came from.
 * The device's key is made by openKey and cannot be read out where WebCrypto can help it. Nothing
 * here speaks to a network or looks at a clock: the time is given. Amounts are BigInt in tiyn. A
 * store that is restored from an older copy contradicts itself, and the ledger finds it.
 */

import { fromB64u, same, toB64u } from "./bytes.js";
import {
  addressBytes,
  certificateSigned,
  chainBytes,
  contradicts,
  fromText,
  HOPS_MAX,
  Malformed,
  NONE,
  paymentId,
  paymentSigned,
  purseId,
  readAddress,
  readCertificate,
  readChain,
  readNotice,
  toText,
} from "./offline.js";
import { nonce, openKey, thumbprint, verify } from "./sign.js";

const STATE = "purse";
const SIGNED_KEPT = 64; // payments that can be shown again

/** How far a payer's clock may be ahead of the payee's. */
export const AHEAD_MS = 5 * 60_000;

/** How long a payee wants to have at least to bring a payment to the ledger. */
export const REACH_MS = 3_600_000;

/** A device said no. `code` is stable, `params` say more: amounts in tiyn, times in ms UTC. */
export class Refused extends Error {
  constructor(code, params = {}) {
    super(code);
    this.name = "Refused";
    this.code = code;
    this.params = params;
  }
}

/** What this browser keeps of its purse, or undefined. */
export const kept = (keep) => keep.get(STATE);

/** A new device's key, by the name it is kept under: {name, key, id} (`id`: the purse's, text). */
export async function newDevice(keep, name = `purse:${nonce()}`) {
  const key = await openKey(name, keep);
  return { name, key, id: toB64u(await purseId(fromB64u(key.jwk.x))) };
}

/**
 * Begin a purse that has nothing yet, over whatever purse was kept. `ledger`, `home` (the wallet it
 * is emptied into) and `centralBank` (the public key to trust) are texts in base64url.
 */
export async function begin(keep, { name, id, ledger, home, centralBank }) {
  const before = await kept(keep);
  const state = {
    revision: (before?.revision ?? 0) + 1,
    name,
    id: fromB64u(id),
    ledger: fromB64u(ledger),
    home: fromB64u(home),
    centralBank: fromB64u(centralBank),
    certificate: null,
    notice: null,
    counter: 0,
    last: NONE,
    sources: [{ chain: null, spent: 0n }],
    signed: [],
    outbox: [],
    seen: {},
    offsetMs: 0,
  };
  if (!(await keep.swap(STATE, before?.revision, state))) throw new Refused("changed");
}

/** Change what is kept: `work(state)` answers {state, answer}; again where another window was first. */
async function change(keep, work) {
  for (;;) {
    const before = await kept(keep);
    if (!before) throw new Refused("none");
    const { state, answer } = await work(before);
    const after = { ...before, ...state, revision: before.revision + 1 };
    if (await keep.swap(STATE, before.revision, after)) return answer;
  }
}

// With a network, between times -------------------------------------------------------------------

/** Take the central bank's newest notice (bytes). */
export const takeNotice = (keep, bytes) =>
  change(keep, async (state) => {
    const notice = readNotice(bytes);
    if (
      !same(notice.ledger, state.ledger) ||
      !(await verify(state.centralBank, notice.signed, notice.signature))
    ) {
      throw new Refused("notice");
    }
    if (state.notice && readNotice(state.notice).size > notice.size) throw new Refused("notice");
    return { state: { notice: bytes } };
  });

/** Take the bank's newest word on this device (bytes). */
export const takeCertificate = (keep, bytes) =>
  change(keep, async (state) => {
    const { ledger, certificate } = readCertificate(bytes);
    if (!same(ledger, state.ledger) || !same(await purseId(certificate.device), state.id)) {
      throw new Refused("certificate");
    }
    if (!(await certified(certificate, state.ledger, noticeOf(state)))) {
      throw new Refused("certificate");
    }
    const newer = state.certificate && certificateOf(state).loaded > certificate.loaded;
    if (newer) throw new Refused("certificate");
    return { state: { certificate: bytes } };
  });

/** Remember how far the sandbox's clock is from this device's, for when there is no network. */
export const takeClock = (keep, offsetMs) => change(keep, async () => ({ state: { offsetMs } }));

/**
 * Sign everything away into the wallet behind this purse, for `purse_unload/1`: chains in base64url.
 * All that were signed are given again until `emptied` says that the ledger has them.
 */
export const empty = (keep, at) =>
  change(keep, async (state) => {
    const { worths } = await sourcesOf(state);
    let now = state;
    for (const [place, { spent }] of state.sources.entries()) {
      const left = worths[place] - spent;
      if (left > 0n) ({ state: now } = await spend(keep, now, place, left, state.home, at));
    }
    return { state: now, answer: now.outbox.map(toB64u) };
  });

/** The ledger has this chain of `empty`. */
export const emptied = (keep, chain) =>
  change(keep, async ({ outbox }) => ({
    state: { outbox: outbox.filter((one) => toB64u(one) !== chain) },
  }));

// Without a network -------------------------------------------------------------------------------

/**
 * What a device has: {id, ledger, home, balance, certificate, notice, received, paid, outbox};
 * `certificate` and `notice` are null before the first. Rows: received {id, payer, amount, left,
 * hops, at, before, chain}, newest first; paid {id, payee, amount, at, text}, newest first. Ids and
 * chains are texts in base64url, `text` is that of a QR code.
 */
export async function look(state) {
  const { chains, worths } = await sourcesOf(state);
  const received = chains.flatMap((chain, place) => {
    if (!chain) return [];
    const { certificate, payment } = chain.links.at(-1);
    return {
      id: toB64u(payment.id),
      payer: toB64u(certificate.purse),
      amount: payment.amount,
      left: payment.amount - state.sources[place].spent,
      hops: chain.links.length,
      at: payment.at,
      before: closing(chain),
      chain: toB64u(state.sources[place].chain),
    };
  });
  const paid = await Promise.all(
    state.signed.map(async (form) => {
      const { payment } = (await readChain(form)).links.at(-1);
      const { payee, amount, at } = payment;
      return { id: toB64u(payment.id), payee: toB64u(payee), amount, at, text: toText(form) };
    }),
  );
  return {
    id: toB64u(state.id),
    ledger: toB64u(state.ledger),
    home: toB64u(state.home),
    balance: state.sources.reduce((sum, { spent }, place) => sum + worths[place] - spent, 0n),
    certificate: state.certificate && certificateOf(state),
    notice: state.notice && noticeOf(state),
    received: received.reverse(),
    paid: paid.reverse(),
    outbox: state.outbox.length,
  };
}

/** What a payee shows: its own place, and how much it wants (0n where the payer is to say). */
export const addressOf = ({ ledger, id }, amount = 0n) =>
  toText(addressBytes({ ledger, payee: id, amount }));

/** The address in a text, for this purse: {payee, amount} with the payee as text. */
export function readPayee(state, text) {
  const { ledger, payee, amount } = readAddress(fromText(text));
  if (!same(ledger, state.ledger)) throw new Refused("ledger");
  if (same(payee, state.id)) throw new Refused("own_address");
  return { payee: toB64u(payee), amount };
}

/**
 * Pay to an address: the texts of QR codes, as a rule one, all of them for the payee to take. Money
 * comes from as few sources as can be; of what was received only what has hops left.
 */
export const pay = (keep, address, amount, at) =>
  change(keep, async (state) => {
    const to = readPayee(state, address);
    const wanted = amount ?? to.amount;
    if (!wanted || (to.amount && wanted !== to.amount)) throw new Refused("amount");
    let now = state;
    const texts = [];
    for (const [place, part] of await partsOf(state, wanted, at)) {
      const spent = await spend(keep, now, place, part, fromB64u(to.payee), at);
      now = spent.state;
      texts.push(toText(spent.form));
    }
    return { state: now, answer: texts };
  });

/**
 * Check a payment to this purse and take it: {id, payer, amount, hops, before}, where `before` (ms
 * UTC) is when it must be on the ledger. Throws Malformed where it cannot be read, else Refused.
 */
export const receive = (keep, text, at) =>
  change(keep, async (state) => {
    const form = fromText(text);
    const chain = await readChain(form);
    const { certificate: payer, payment } = chain.links.at(-1);
    const id = toB64u(payment.id);
    if (id in state.seen) throw new Refused("seen");
    if (same(payer.purse, state.id)) throw new Refused("own");
    const before = await checkChain(chain, noticeOf(state), {
      ledger: state.ledger,
      centralBank: state.centralBank,
      payee: state.id,
      at,
    });
    const { chains, worths } = await sourcesOf(state);
    checkHistory(state, chains, chain);
    const left = state.sources.reduce((sum, { spent }, place) => sum + worths[place] - spent, 0n);
    const { purseMax } = certificateOf(state);
    if (left + payment.amount > purseMax) throw new Refused("purse_max", { limit: purseMax });
    return {
      state: {
        sources: [...state.sources, { chain: form, spent: 0n }],
        seen: { ...state.seen, [id]: [payment.counter, toB64u(payer.purse)] },
      },
      answer: {
        id,
        payer: toB64u(payer.purse),
        amount: payment.amount,
        hops: chain.links.length,
        before,
      },
    };
  });

/**
 * What any payee checks with no network, one without a purse too. Keys and ids are bytes. Answers
 * until when (ms UTC) the payment must be brought to the ledger; throws Refused.
 */
export async function checkChain(chain, notice, { ledger, centralBank, payee, at }) {
  if (!same(chain.ledger, ledger) || !same(notice.ledger, ledger)) throw new Refused("ledger");
  if (!same(chain.links.at(-1).payment.payee, payee)) throw new Refused("payee");
  if (!(await verify(centralBank, notice.signed, notice.signature))) throw new Refused("notice");
  if (at >= notice.until) throw new Refused("notice", { until: notice.until });
  let worth = chain.links[0].certificate.loaded;
  for (const [place, link] of chain.links.entries()) {
    await checkLink(link, place + 1, notice, { ledger, at });
    const { payment } = link;
    if (payment.spent + payment.amount > worth) throw new Refused("source");
    if (chain.links.slice(0, place).some((one) => contradicts(payment, one.payment))) {
      throw new Refused("contradiction");
    }
    worth = payment.amount;
  }
  const before = closing(chain);
  if (at + REACH_MS > before) throw new Refused("closes_at", { before });
  return before;
}

async function checkLink({ certificate, payment }, hop, notice, { ledger, at }) {
  if (!(await certified(certificate, ledger, notice))) throw new Refused("certificate");
  if (notice.frozen.some((one) => same(one, certificate.purse))) throw new Refused("frozen");
  if (!(await verify(certificate.device, paymentSigned(ledger, payment), payment.signature))) {
    throw new Refused("signature");
  }
  if (hop > certificate.hops) throw new Refused("hops", { limit: certificate.hops });
  if (payment.amount > certificate.paymentMax) {
    throw new Refused("payment_max", { limit: certificate.paymentMax });
  }
  if (payment.at >= certificate.endsAt) throw new Refused("ends_at", { ends: certificate.endsAt });
  if (payment.at > at + AHEAD_MS) throw new Refused("at");
}

/** Refuse what contradicts a payment of the same device that is here already. */
function checkHistory(state, chains, chain) {
  const own = chain.links.filter(({ certificate }) => same(certificate.purse, state.id));
  if (own.some(({ payment }) => payment.counter > state.counter)) throw new Refused("older_copy");
  const known = chains.flatMap((one) => one?.links ?? []);
  for (const { payment } of chain.links) {
    if (known.some((link) => contradicts(payment, link.payment))) {
      throw new Refused("contradiction");
    }
  }
}

/** Sources by place and how much of each, at most `paymentMax` a payment. */
async function partsOf(state, wanted, at) {
  const certificate = certificateOf(state);
  if (at >= certificate.endsAt) throw new Refused("ends_at", { ends: certificate.endsAt });
  const { chains, worths } = await sourcesOf(state);
  const left = new Map();
  for (const [place, { spent }] of state.sources.entries()) {
    const hops = chains[place]?.links.length ?? 0;
    if (hops < certificate.hops) left.set(place, worths[place] - spent);
  }
  const places = [...left.keys()];
  const enough = places.find((place) => left.get(place) >= wanted);
  const order =
    enough === undefined
      ? places.sort((one, other) => Number(left.get(other) - left.get(one)) || one - other)
      : [enough];
  const parts = [];
  let rest = wanted;
  for (const place of order) {
    let there = left.get(place);
    while (rest > 0n && there > 0n) {
      const part = least(rest, there, certificate.paymentMax);
      parts.push([place, part]);
      rest -= part;
      there -= part;
    }
  }
  if (rest > 0n) throw new Refused("funds", { available: wanted - rest });
  return parts;
}

/** Sign a payment out of a source: {state, form}. Nobody may see the form before it is kept. */
async function spend(keep, state, place, amount, payee, at) {
  const source = state.sources[place];
  const before = source.chain ? (await readChain(source.chain)).links : [];
  const certificate = certificateOf(state);
  const payment = {
    payer: certificate.device,
    counter: state.counter + 1,
    previous: state.last,
    source: before.at(-1)?.payment.id ?? NONE,
    spent: source.spent,
    amount,
    at,
    payee,
  };
  const key = await openKey(state.name, keep);
  payment.signature = await key.sign(paymentSigned(state.ledger, payment));
  const form = chainBytes({ ledger: state.ledger, links: [...before, { certificate, payment }] });
  const home = same(payee, state.home);
  return {
    form,
    state: {
      ...state,
      counter: payment.counter,
      last: await paymentId(state.ledger, payment),
      sources: state.sources.map((one) =>
        one === source ? { ...source, spent: source.spent + amount } : one,
      ),
      signed: home ? state.signed : [...state.signed, form].slice(-SIGNED_KEPT),
      outbox: home ? [...state.outbox, form] : state.outbox,
    },
  };
}

/** Whether a bank of the notice signed this certificate. */
async function certified(certificate, ledger, notice) {
  const message = certificateSigned(ledger, certificate);
  for (const bank of notice.banks) {
    const kid = fromB64u(await thumbprint({ x: toB64u(bank) }));
    if (!same(kid.subarray(0, certificate.issuer.length), certificate.issuer)) continue;
    if (await verify(bank, message, certificate.signature)) return true;
  }
  return false;
}

/** The chains that money came by, null for what was loaded, and what there was on each source. */
async function sourcesOf(state) {
  const chains = await Promise.all(
    state.sources.map(({ chain }) => (chain ? readChain(chain, HOPS_MAX) : null)),
  );
  const loaded = state.certificate ? certificateOf(state).loaded : 0n;
  return { chains, worths: chains.map((chain) => chain?.links.at(-1).payment.amount ?? loaded) };
}

function certificateOf(state) {
  if (!state.certificate) throw new Refused("certificate");
  return readCertificate(state.certificate).certificate;
}

function noticeOf(state) {
  if (!state.notice) throw new Refused("notice");
  return readNotice(state.notice);
}

const closing = ({ links }) => Math.min(...links.map(({ certificate }) => certificate.closesAt));

const least = (...numbers) => numbers.reduce((one, other) => (one < other ? one : other));

export { Malformed };
