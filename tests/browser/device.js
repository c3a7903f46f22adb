/**
 * A browser's device under node, driven by test_devices.py: a request a line on stdin, an answer a line
 * on stdout. Nothing is acted: the modules are those that pages load.
 */

import { createInterface } from "node:readline";

const STATIC = "../../sandbox_api/static";
const purse = await import(`${STATIC}/client/purse.js`);
const { fromB64u } = await import(`${STATIC}/client/bytes.js`);
const { openMemory } = await import(`${STATIC}/client/keep.js`);
const { encodeQR } = await import(`${STATIC}/vendor/qr/index.js`);

const shelves = new Map();

const acts = {
  async make({ name, seed, ...facts }) {
    const keep = openMemory();
    await keep.put(`key:${name}`, { seed: fromB64u(seed) });
    const { id } = await purse.newDevice(keep, name);
    await purse.begin(keep, { name, id, ...facts });
    shelves.set(name, keep);
    return id;
  },
  async copy({ name, as }) {
    const keep = openMemory();
    const state = await purse.kept(shelves.get(name));
    for (const key of ["purse", `key:${state.name}`]) {
      await keep.put(key, structuredClone(await shelves.get(name).get(key)));
    }
    shelves.set(as, keep);
  },
  notice: ({ keep, form }) => purse.takeNotice(keep, fromB64u(form)),
  certificate: ({ keep, form }) => purse.takeCertificate(keep, fromB64u(form)),
  look: async ({ keep }) => purse.look(await purse.kept(keep)),
  address: async ({ keep, amount }) => purse.addressOf(await purse.kept(keep), BigInt(amount)),
  pay: ({ keep, address, amount, at }) =>
    purse.pay(keep, address, amount === null ? null : BigInt(amount), at),
  receive: ({ keep, text, at }) => purse.receive(keep, text, at),
  empty: ({ keep, at }) => purse.empty(keep, at),
  emptied: ({ keep, chain }) => purse.emptied(keep, chain),
  both: ({ keep, address, at }) =>
    Promise.all([1n, 2n].map((amount) => purse.pay(keep, address, amount, at))),
  qr({ text }) {
    const framed = encodeQR(text, "raw", { ecc: "medium", border: 1 });
    return framed.slice(1, -1).map((row) => row.slice(1, -1).map(Number));
  },
};

const plain = (key, value) => (typeof value === "bigint" ? Number(value) : value);

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...members } = JSON.parse(line);
  let answer;
  try {
    answer = { done: (await acts[act]({ ...members, keep: shelves.get(members.name) })) ?? null };
  } catch (error) {
    answer = { refused: error.code ?? "bug", why: String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(answer, plain)}\n`);
}
