/**
 * Sentences, money and times in kk, ru and en, from the catalogue the API serves
 * (`/static/i18n/<lang>.json`, made by sandbox_api/sentences.py; the two speak alike, and a test
 * holds them against each other).
 *
 * A message may hold `{name}` and `{name:form}`; a part in [brackets] is left out where one of its
 * parameters is missing. Browsers' own formats are not used: Chromium's Kazakh is hollow. Amounts
 * stay decimal strings and are never turned into floats.
 */

const PLACE = /\{(\w+)(?::(\w+))?\}/g;
const PART = /\[([^\]]*)\]/g;
const BRACE = "\u0001";
const ID = /^[A-Za-z0-9_-]{22}$/;

/** What one catalogue can say: see the functions it returns. */
export function openWords({ lang, messages, format }) {
  const forms = {
    plain: String,
    money,
    amount: (text, params) => amount(text, params.asset),
    time: stamp,
    clock: time,
    list: (items) => [].concat(items).join(", "),
    name: (text) => (ID.test(text) ? null : text),
    class: named("class"),
    classes: named("class"),
    role: named("role"),
  };

  function named(group) {
    return (names) =>
      []
        .concat(names)
        .map((name) => messages[`${group}.${name}`] ?? name)
        .join(", ");
  }

  /** The message `key` with `params` filled in; the key itself where there is none. */
  function t(key, params = {}) {
    const message = messages[key];
    if (message === undefined) return key;
    const fill = (part, strict) => {
      let missing = false;
      const text = part.replace(PLACE, (_, name, form = "plain") => {
        const value = params[name];
        const shown =
          value === undefined || value === null || value === "" || value.length === 0
            ? null
            : (forms[form](value, params) ?? null);
        if (shown === null) missing = true;
        return shown ?? "";
      });
      return strict && missing ? "" : text;
    };
    // Filled values are not filled again, whatever they hold.
    const parts = message.replace(PART, (_, part) => fill(part, true).replaceAll("{", BRACE));
    const sentence = fill(parts, false).replaceAll(BRACE, "{").trim();
    return message.startsWith("[")
      ? sentence.charAt(0).toUpperCase() + sentence.slice(1)
      : sentence;
  }

  /** A refusal's reason as {what, mend}. Codes newer than the catalogue keep the API's sentence. */
  function reason({ code, params = {}, sentence = code }) {
    const what = `refusal.${code}.what`;
    if (!(what in messages)) return { what: sentence, mend: "" };
    return { what: t(what, params), mend: t(`refusal.${code}.mend`, params) };
  }

  /** One sentence for a problem's code, by its longest known prefix. */
  function problem(code) {
    for (let name = code; name; name = name.slice(0, Math.max(name.lastIndexOf("."), 0))) {
      if (`problem.${name}` in messages) return t(`problem.${name}`);
    }
    return t("problem.other");
  }

  /** A decimal string with this language's separators; `digits` is the least fraction shown. */
  function decimal(text, digits = 0) {
    const [, sign, whole, fraction = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
    if (whole === undefined) return text;
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, format.group);
    const kept = fraction.replace(/0+$/, "").padEnd(digits, "0");
    return (sign && format.minus) + grouped + (kept && format.decimal + kept);
  }

  /** Tenge: "1290.00" is "1 290 ₸"; tiyn are shown where there are any. */
  function money(text) {
    const [, sign, number] = /^(-?)(.*)$/.exec(text);
    const shown = decimal(number, /\.\d*[1-9]/.test(number) ? 2 : 0);
    return (sign && format.minus) + format.tenge.replace("{0}", shown);
  }

  /** An amount of any asset: tenge as money, others with their code behind. */
  function amount(text, asset) {
    if (asset === undefined || asset === format.tenge_code) return money(text);
    return `${decimal(String(text))}\u00a0${asset}`;
  }

  const local = (ms) => new Date(Number(ms) + format.offset_minutes * 60_000);
  const write = (pattern, date) =>
    pattern.replace(/'([^']*)'|MMM|d|HH|mm/g, (token, quoted) => {
      if (quoted !== undefined) return quoted;
      if (token === "MMM") return format.months[date.getUTCMonth()];
      if (token === "d") return date.getUTCDate();
      const part = token === "HH" ? date.getUTCHours() : date.getUTCMinutes();
      return String(part).padStart(2, "0");
    });

  /** The day and month of a time in ms UTC, in Almaty. */
  function date(ms) {
    return write(format.date, local(ms));
  }

  /** The hour and minute of a time in ms UTC, in Almaty. */
  function time(ms) {
    return write(format.time, local(ms));
  }

  /** Day, month, hour and minute. */
  function stamp(ms) {
    return format.stamp.replace("{1}", date(ms)).replace("{0}", time(ms));
  }

  /** What people call an asset: "digital tenge"; test assets keep their code. */
  const assetName = (code) => messages[`asset.${code}`] ?? code;

  return {
    lang,
    t,
    assetName,
    has: (key) => key in messages,
    reason,
    problem,
    decimal,
    money,
    amount,
    date,
    time,
    stamp,
  };
}
