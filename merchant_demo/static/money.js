/**
 * Arithmetic of amounts and rates for the till: decimal strings and BigInt, never a float.
 *
 * The same two roundings as the ledger's (`ledger/core/amount.py`): a crypto amount is rounded up,
 * so that a customer never underpays; a value in tenge is rounded to the nearest tiyn.
 */

/** Minor units of a decimal string with up to `scale` fraction digits. */
export function units(text, scale) {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(scale, "0").slice(0, scale));
}

/** Wire form of minor units: exactly `scale` fraction digits. */
export function wire(minor, scale) {
  const digits = minor.toString().padStart(scale + 1, "0");
  return scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
}

/** The least amount of an asset worth at least `total` tenge at `rate` tenge a unit. */
export function amountFor(total, scale, rate) {
  const tiyn = units(total, 2);
  const e8 = units(rate, 8);
  const unit = 10n ** BigInt(scale + 6);
  return wire((tiyn * unit + e8 - 1n) / e8, scale);
}

/** What `amount` of an asset is worth in tenge at `rate`. */
export function valueOf(amount, scale, rate) {
  const e8 = units(rate, 8);
  const unit = 10n ** BigInt(scale + 6);
  return wire((2n * units(amount, scale) * e8 + unit) / (2n * unit), 2);
}

/** Whether decimal `one` is at least decimal `other`. */
export const covers = (one, other) => units(one, 8) >= units(other, 8);

/** What a person wrote into a field ("1 290,5"), in wire form; null where it is no amount above 0. */
export function entered(text, scale) {
  const plain = text.replace(/[\s\u00a0\u202f]/g, "").replace(",", ".");
  const found = /^(\d{1,12})(?:\.(\d*))?$/.exec(plain);
  if (!found || (found[2] ?? "").length > scale) return null;
  const minor = units(plain, scale);
  return minor > 0n ? wire(minor, scale) : null;
}

/** What the keypad typed, in tenge with two digits: "" and "0" are nothing. */
export function typed(keys) {
  const text = keys.replace(/^0+(?=\d)/, "");
  const [whole, fraction = ""] = (text || "0").split(".");
  return `${whole || "0"}.${fraction.padEnd(2, "0")}`;
}

/** What stands on the display after `key` ("0"…"9", "00", ".", "back", "clear"). */
export function press(keys, key) {
  if (key === "clear") return "";
  if (key === "back") return keys.slice(0, -1);
  if (key === ".") return keys.includes(".") ? keys : `${keys || "0"}.`;
  const next = keys === "0" ? key : keys + key;
  if (!/^\d{1,9}(\.\d{0,2})?$/.test(next)) return keys;
  return next.replace(/^0+(?=\d)/, "");
}
