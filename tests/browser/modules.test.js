/** The browser's modules under node: known answers, and what they do when answers are lost. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

const CLIENT = "../../sandbox_api/static/client";
const { openApi, Problem, Unreachable } = await import(`${CLIENT}/api.js`);
const { fromB64u, fromBase64, toB64u } = await import(`${CLIENT}/bytes.js`);
const { openMemory } = await import(`${CLIENT}/keep.js`);
const offline = await import(`${CLIENT}/offline.js`);
const { fromBase45, toBase45 } = await import(`${CLIENT}/base45.js`);
const { leafOf, verifyReceipt } = await import(`${CLIENT}/proof.js`);
const { derivedKey, keyFromSeed, openKey, seal, verify } = await import(`${CLIENT}/sign.js`);
const { follow } = await import(`${CLIENT}/stream.js`);
const { amountFor, entered, press, typed, valueOf } = await import(
  "../../merchant_demo/static/money.js"
);
const sales = await import("../../merchant_demo/static/sale.js");

const VECTORS = new URL("../vectors/envelope/", import.meta.url);
const hex = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const vector = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, VECTORS)));

for (const name of ["request", "transfer", "pay"]) {
  test(`the envelope "${name}" has the bytes that the vectors pin`, async () => {
    const known = vector(name);
    const key = await keyFromSeed(hex(known.seed));

    const sealed = await seal(JSON.parse(known.payload), known.typ, key);

    assert.equal(key.kid, known.kid);
    assert.equal(sealed.jws, known.jws);
    assert.equal(Buffer.from(sealed.digest).toString("hex"), known.digest);
    if (known.id) assert.equal(sealed.id, known.id);
    const notAfter = JSON.parse(known.payload).not_after;
    for (const [label, id] of Object.entries(known.derived ?? {})) {
      assert.equal(await derivedKey(notAfter, sealed.digest, label), id);
    }
  });
}

const speccheck = JSON.parse(
  readFileSync(new URL("../vectors/ed25519/speccheck.json", import.meta.url)),
);
for (const { vector: number, meaning, message, public_key, signature, good } of speccheck) {
  test(`signature ${number} (${meaning}) is ${good ? "good" : "not good"} here as it is there`, async () => {
    assert.equal(await verify(hex(public_key), hex(message), hex(signature)), good);
  });
}

// Offline purses: docs/offline.md, tests/vectors/offline.
const hexOf = (bytes) => Buffer.from(bytes).toString("hex");
const spoken = (name) =>
  JSON.parse(readFileSync(new URL(`../vectors/offline/${name}.json`, import.meta.url)));

/** What a form says, as the vectors write it: bytes in hex, snake_case, plain numbers. */
function told(value) {
  if (value instanceof Uint8Array) return hexOf(value);
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(told);
  if (typeof value !== "object") return value;
  const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [snake(key), told(one)]));
}

const less = ({ ...value }, ...names) => {
  for (const name of names) delete value[name];
  return value;
};

async function toldChain({ links }) {
  return {
    links: links.map(({ certificate, payment }) => ({
      certificate: told(less(certificate, "signature")),
      certificate_signature: told(certificate.signature),
      payment: told(less(payment, "signature", "payer")),
    })),
  };
}

for (const name of ["chain-1", "chain-2", "chain-3"]) {
  test(`the ${name} of the vectors is read and written byte for byte`, async () => {
    const known = spoken(name);
    const bytes = offline.fromText(known.text);
    const chain = await offline.readChain(bytes);
    const last = chain.links.at(-1).payment;

    assert.equal(hexOf(bytes), known.bytes);
    assert.equal(offline.toText(offline.chainBytes(chain)), known.text);
    assert.deepEqual(await toldChain(chain), known.says);
    const messages = chain.links.map(({ payment }) => offline.paymentSigned(chain.ledger, payment));
    assert.ok(known.signed.some(({ message }) => message === hexOf(messages.at(-1))));
    assert.ok(await verify(last.payer, messages.at(-1), last.signature));
  });
}

test("certificate, notice and address of the vectors are read and written too", async () => {
  const paper = spoken("certificate");
  const { ledger, certificate } = offline.readCertificate(hex(paper.bytes));
  const signed = offline.certificateSigned(ledger, certificate);
  assert.deepEqual([hexOf(signed), hexOf(certificate.signature)], [
    paper.signed[0].message, paper.signed[0].signature,
  ]);
  assert.ok(await verify(hex(paper.signed[0].key), signed, certificate.signature));
  assert.equal(offline.toText(offline.certificateBytes(ledger, certificate)), paper.text);
  const purse = hexOf(await offline.purseId(certificate.device));
  assert.deepEqual({ ...told(less(certificate, "signature")), purse }, paper.says);

  const word = spoken("notice");
  const notice = offline.readNotice(offline.fromText(word.text));
  assert.equal(hexOf(notice.signed), word.signed[0].message);
  assert.ok(await verify(hex(word.signed[0].key), notice.signed, notice.signature));
  assert.equal(hexOf(offline.noticeBytes(notice)), word.bytes);
  assert.deepEqual(told(less(notice, "signature", "signed", "ledger")), word.says);

  const place = spoken("address");
  const address = offline.readAddress(offline.fromText(place.text));
  assert.equal(hexOf(offline.addressBytes(address)), place.bytes);
  assert.deepEqual(told(less(address, "ledger")), place.says);
});

test("a form with a byte too few or too many is refused, and so is another form", async () => {
  for (const name of ["chain-3", "certificate", "notice", "address"]) {
    const bytes = hex(spoken(name).bytes);
    const read = {
      "chain-3": offline.readChain, certificate: offline.readCertificate,
      notice: offline.readNotice, address: offline.readAddress,
    }[name];
    const malformed = (changed) =>
      assert.rejects(async () => read(changed), { name: "Malformed" });
    await malformed(bytes.slice(0, -1));
    await malformed(Uint8Array.from([...bytes, 0]));
    await malformed(Uint8Array.from([bytes[0] + 1, ...bytes.slice(1)]));
  }
});

for (const [text, bytes] of [
  ["BB8", "4142"], ["%69 VD92EX0", "48656c6c6f2121"], ["UJCLQE7W581", "626173652d3435"], ["", ""],
]) {
  test(`base45 ${JSON.stringify(text)} is RFC 9285's`, () => {
    assert.equal(toBase45(hex(bytes)), text);
    assert.equal(hexOf(fromBase45(text)), bytes);
  });
}

for (const text of ["GGW", "::", "A", "ABCD", "bb8", "A_B", ":::"]) {
  test(`${JSON.stringify(text)} is no base45`, () => assert.throws(() => fromBase45(text), RangeError));
}

test("a key made by WebCrypto cannot be read out and is the same at the next visit", async () => {
  const keep = openMemory();
  const first = await openKey("wallet", keep);
  const again = await openKey("wallet", keep);

  assert.equal(first.kind, "webcrypto");
  assert.equal(again.kid, first.kid);
  const { pair } = await keep.get("key:wallet");
  await assert.rejects(crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const bytes = new TextEncoder().encode("said");
  assert.ok(await verify(fromB64u(first.jwk.x), bytes, await again.sign(bytes)));
  assert.ok(!(await verify(fromB64u(first.jwk.x), bytes.slice(1), await again.sign(bytes))));
});

for (const text of ["AAB", "AA==", "A+/A", "A", "AA\n"]) {
  test(`base64url has one spelling: ${JSON.stringify(text)} is none`, () => {
    assert.throws(() => fromB64u(text), RangeError);
  });
}

test("base64 has one spelling too", () => {
  assert.equal(toB64u(fromBase64("/+8=")), "_-8");
  assert.throws(() => fromBase64("/+9="), RangeError);
});

// Receipts are made by the ledger's own code: see test_modules.py.
const receipts = JSON.parse(process.env.RECEIPTS ?? "[]");

for (const { index, size, leaf, text, vkey, other } of receipts) {
  test(`the receipt of entry ${index} in a log of ${size} holds`, async () => {
    const proven = await verifyReceipt(hex(leaf), text, vkey);
    assert.deepEqual([proven.index, proven.size], [BigInt(index), BigInt(size)]);
  });

  test(`a changed receipt of entry ${index} of ${size} does not hold`, async () => {
    const changed = hex(leaf);
    changed[changed.length - 3] ^= 1;
    const fails = (code, ...given) => assert.rejects(verifyReceipt(...given), { code });
    await fails("path", changed, text, vkey);
    await fails("key", hex(leaf), text, other);
    await fails("signature", hex(leaf), text.replace(/\n(\d+)\n/, "\n7654321\n"), vkey);
    await fails("malformed", hex(leaf), text.replace("index ", "index 0"), vkey);
    await fails("malformed", hex(leaf), text.replace("tlog-proof@v1", "tlog-proof@v2"), vkey);
  });
}

test("a leaf made again from an answer has the bytes that the vectors pin", () => {
  const { leaves } = JSON.parse(readFileSync(new URL("../log/leaf.json", VECTORS)));
  for (const { members, line } of leaves) {
    const answer = {
      ...members,
      postings: members.postings.map(([debit, credit, asset, amount]) => ({
        debit,
        credit,
        asset,
        amount: amount.padStart(3, "0").replace(/(..)$/, ".$1"),
      })),
    };
    if (/\d{16}/.test(JSON.stringify(members.facts))) continue; // no number of a browser
    assert.equal(new TextDecoder().decode(leafOf(members.tx, answer)), line);
  }
});

// What comes from the network is scripted here, for failures only; the real server's answers are
// what the browser tests run against.
function scripted(...answers) {
  const asked = [];
  const fetch = async (url, { method, body, headers }) => {
    asked.push({ url, method, body, headers });
    const answer = answers.shift();
    if (!answer) throw new TypeError("no more answers");
    if (answer === "lost") throw new TypeError("connection reset");
    const { status = 200, json = {}, headers: more = {} } = answer;
    const type = status < 400 ? "application/json" : "application/problem+json";
    return new Response(JSON.stringify(json), {
      status,
      headers: { "Content-Type": type, "Tenge-Ledger": "L1", "Tenge-Time": "5000000", ...more },
    });
  };
  return { asked, api: openApi({ key: "tpk_x", lang: "kk", fetch }) };
}

test("a payment whose answer was lost is sent again with the same bytes", async () => {
  const receipt = { id: "x", index: 7, repeated: true };
  const busy = { status: 503, json: { code: "overloaded", retryable: true } };
  const { api, asked } = scripted("lost", busy, { json: receipt });
  let waits = 0;

  const answer = await api.submit("the.same.bytes", { onWait: () => waits++ });

  assert.deepEqual(answer, receipt);
  assert.deepEqual(
    asked.map((one) => one.body),
    Array(3).fill("the.same.bytes"),
  );
  assert.equal(waits, 2);
  assert.equal(asked[0].headers["Content-Type"], "application/jose");
});

test("a refusal is not sent again and keeps its reasons", async () => {
  const reasons = [{ code: "ZONE_OUTSIDE", rule: "zone_place/1", params: {} }];
  const { api, asked } = scripted({ status: 403, json: { code: "ZONE_OUTSIDE", reasons } });

  await assert.rejects(api.submit("a.b.c"), (error) => {
    assert.ok(error instanceof Problem);
    assert.deepEqual(error.reasons, reasons);
    return true;
  });
  assert.equal(asked.length, 1);
});

test("the sandbox's clock is the one that counts", async () => {
  const { api } = scripted({ json: {} });
  await api.get("/v1/sandbox");

  assert.ok(Math.abs(api.now() - 5_000_000) < 1_000);
  assert.equal(api.ledger, "L1");
});

test("a reader that gives up says that nothing is known", async () => {
  const { api, asked } = scripted("lost", "lost");
  await assert.rejects(api.get("/v1/sandbox", { tries: 2 }), Unreachable);
  assert.equal(asked.length, 2);
});

/** A socket whose every life follows a script: (socket, first message) => … */
function sockets(...lives) {
  const first = [];
  class Socket {
    constructor() {
      this.readyState = 0;
      const life = lives.shift();
      setTimeout(() => {
        if (!life) return this.onclose?.({});
        this.readyState = 1;
        this.life = life;
        this.onopen?.({});
      });
    }

    send(text) {
      const message = JSON.parse(text);
      if (message.key) {
        first.push(message);
        this.life(this, message);
      } else this.more?.(message);
    }

    say(...messages) {
      for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
    }

    close() {
      this.readyState = 3;
    }
  }
  return { Socket, first };
}

const hello = (ledger = "L1", head = 0) => ({ hello: { ledger, time: 5_000_000, head } });

function followed(options) {
  const seen = [];
  const states = [];
  let stream;
  const done = new Promise((resolve) => {
    stream = follow({
      url: "ws://x/",
      onEvent: ({ seq }) => {
        seen.push(seq);
        if (seq === options.until) resolve();
      },
      onState: (state) => states.push(state),
      ...options,
    });
  });
  return { seen, states, done: done.finally(() => stream.stop()), stream };
}

test("after a break the stream goes on from the last event, none lost, none twice", async () => {
  const { api } = scripted();
  const { Socket, first } = sockets(
    (socket) => {
      socket.say(hello("L1", 2), { seq: 3 }, { seq: 4 });
      setTimeout(() => socket.onclose?.({}), 5);
    },
    (socket) => socket.say(hello("L1", 6), { seq: 4 }, { seq: 5 }, { seq: 6 }),
  );

  const { seen, states, done } = followed({ api, Socket, accounts: ["a"], until: 6 });
  await done;

  assert.deepEqual(seen, [3, 4, 5, 6]);
  assert.deepEqual(
    first.map((message) => message.after),
    [null, 4],
  );
  assert.deepEqual(states, ["connecting", "live", "connecting", "live"]);
});

test("where no socket can be had, events come by long-poll", async () => {
  const { api, asked } = scripted(
    { json: { events: [], next: 9, head: 9 } },
    { json: { events: [{ seq: 10 }, { seq: 11 }], next: 11, head: 11 } },
  );
  const { Socket } = sockets();

  const { seen, states, done } = followed({ api, Socket, requests: ["r"], until: 11 });
  await done;

  assert.deepEqual(seen, [10, 11]);
  assert.deepEqual(states, ["connecting", "polling"]);
  assert.match(asked[1].url, /after=9&wait=25&request=r$/);
});

test("a stream that is cut off says so", async () => {
  const { api } = scripted();
  const { Socket } = sockets();
  const states = [];
  await new Promise((resolve) => {
    const stream = follow({
      api,
      Socket,
      url: "ws://x/",
      onEvent: () => {},
      onState: (state) => {
        states.push(state);
        if (state === "offline") resolve(stream.stop());
      },
    });
  });
  assert.deepEqual(states, ["connecting", "offline"]);
});

test("another ledger under the same address is noticed", async () => {
  const { api } = scripted();
  const { Socket } = sockets(
    (socket) => {
      socket.say(hello("L1", 2), { seq: 3 });
      setTimeout(() => socket.onclose?.({}), 5);
    },
    (socket) => socket.say(hello("L2", 0), { seq: 1 }),
  );
  let gaps = 0;
  const { seen, done } = followed({ api, Socket, until: 1, onGap: () => gaps++ });
  await done;

  assert.equal(gaps, 1);
  assert.deepEqual(seen, [3, 1]);
});

test("what is followed can grow while the stream runs", async () => {
  const { api } = scripted();
  const { Socket } = sockets((socket) => {
    socket.more = ({ add }) => socket.say({ seq: 1, request: add.requests[0] });
    socket.say(hello());
  });
  const { done, stream } = followed({
    api,
    Socket,
    until: 1,
    onState: (state) => state === "live" && stream.add({ requests: ["r"] }),
  });
  await done;
});

for (const [total, scale, rate, amount] of [
  ["1290.00", 6, "519.5", "2.483157"],
  ["1290.00", 8, "48250000", "0.00002674"],
  ["0.01", 6, "1000000000", "0.000001"],
  ["1.00", 0, "0.3", "4"],
]) {
  test(`${total} tenge at ${rate} is ${amount}, rounded up`, () => {
    assert.equal(amountFor(total, scale, rate), amount);
    assert.ok(Number(valueOf(amount, scale, rate)) >= Number(total));
  });
}

for (const [keys, shown] of [
  ["", "0.00"],
  ["1290", "1290.00"],
  ["0050", "50.00"],
  ["12.5", "12.50"],
  ["12.505", "12.50"],
  ["..7", "0.70"],
  ["1234567890123", "123456789.00"],
]) {
  test(`typing ${JSON.stringify(keys)} means ${shown}`, () => {
    assert.equal(typed([...keys].reduce(press, "")), shown);
  });
}

test("a sale is what the API says, and expires by the clock", () => {
  const payload = sales.requestPayload({ now: 1_000, total: "5.00", offers: [] });
  const sale = sales.openSale({ id: "x", jws: "", payload, at: 1_000 });
  const open = { status: "open", payment: null, refusal: null };

  assert.equal(sales.withAnswer(sale, open).status, "waiting");
  assert.equal(sales.withAnswer(sale, { ...open, refusal: { at: 1 } }).status, "refused");
  assert.equal(sales.withAnswer(sale, { ...open, status: "paid", payment: {} }).status, "paid");
  assert.equal(sales.atTime(sale, payload.not_after).status, "waiting");
  assert.equal(sales.atTime(sale, payload.not_after + 1).status, "expired");
  assert.equal(sales.atTime({ ...sale, status: "paid" }, payload.not_after + 1).status, "paid");
});

test("a deposit is held while some of it is left, whatever was taken", () => {
  const sale = sales.openSale({ id: "x", jws: "", payload: { reference: "DEPOSIT M-1" }, at: 1 });
  const held = { status: "held", payment: null, refusal: null };
  const taken = { ...held, status: "paid", payment: { value: "2.00" } };
  const is = (answer, hold) => sales.withAnswer({ ...sale, total: "5.00" }, answer, hold);

  assert.equal(is(held).status, "held");
  assert.equal(is(taken, { status: "open" }).status, "held");
  assert.equal(is({ ...held, status: "void" }, { status: "expired" }).status, "void");
  assert.equal(sales.moneyOf(is(taken, { status: "captured" })), "2.00");
  assert.equal(sales.moneyOf(is(taken, { status: "open" })), "5.00");
  assert.equal(sales.isDeposit(sale), true);
  assert.equal(sales.referenceOf("market", 3, false), "M-3");
});

for (const [text, scale, amount] of [
  ["1 290,5", 2, "1290.50"],
  ["1\u00a0290", 2, "1290.00"],
  ["0.000001", 6, "0.000001"],
  ["12.505", 2, null],
  ["0,00", 2, null],
  ["-5", 2, null],
  ["5.", 2, "5.00"],
  ["1e3", 2, null],
  ["", 2, null],
]) {
  test(`${JSON.stringify(text)} is ${amount} in a field`, () => {
    assert.equal(entered(text, scale), amount);
  });
}

for (const [text, id] of [
  ["http://127.0.0.1:8080/p/AaHuVl4DRid74ArCQA9lHw", "AaHuVl4DRid74ArCQA9lHw"],
  [" /p/AaHuVl4DRid74ArCQA9lHw\n", "AaHuVl4DRid74ArCQA9lHw"],
  ["AaHuVl4DRid74ArCQA9lHw", "AaHuVl4DRid74ArCQA9lHw"],
  ["http://127.0.0.1:8080/wallet", null],
  ["AaHuVl4DRid74ArCQA9lHwX", null],
]) {
  test(`${JSON.stringify(text)} is ${id ? "a payment link" : "none"}`, () => {
    assert.equal(sales.requestIn(text), id);
  });
}
