/**
 * What every page shares: the shell's configuration, languages, the API, and the frame around a
 * screen (header, notice, banners). A page calls `start(Screen)`; the screen gets one `app`.
 */

import { openApi } from "/static/client/api.js";
import { openKeep } from "/static/client/keep.js";
import { openWords } from "/static/client/words.js";
import { Icon } from "./parts.js";
import { html, render, useEffect, useState } from "./view.js";

const LANG = "tenge:lang";
const NAMES = { kk: "Қаз", ru: "Рус", en: "Eng" };
const FULL = { kk: "Қазақша", ru: "Русский", en: "English" };

/** What the server wrote into the shell: {page, key, stream, languages, …}. */
export const config = JSON.parse(document.body.dataset.config);

/** The stream's address as this device reaches it: a loopback name is of no use to a phone. */
export function streamUrl() {
  const url = new URL(config.stream);
  const loopback = ["127.0.0.1", "localhost", "[::1]"];
  if (loopback.includes(url.hostname)) url.hostname = location.hostname;
  if (location.protocol === "https:") url.protocol = "wss:";
  return url.href;
}

function firstLanguage() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wishes = [asked, localStorage.getItem(LANG), ...navigator.languages];
  const known = wishes.map((wish) => wish?.slice(0, 2)).find((wish) => wish in NAMES);
  return known ?? document.documentElement.lang;
}

async function loadWords(lang) {
  const response = await fetch(`/static/i18n/${lang}.json`);
  if (!response.ok) throw new Error(`no words for ${lang}`);
  return openWords(await response.json());
}

/** Draw `Screen` into the page. `Screen` gets `app`: {config, api, keep, words}. `alone`: it needs no
 * network and says itself whether there is one. */
export async function start(Screen, { alone = false } = {}) {
  const root = document.getElementById("app");
  const lang = firstLanguage();
  const api = openApi({ key: config.key, lang });
  const keep = openKeep();
  let words;
  try {
    words = await loadWords(lang);
  } catch {
    document.getElementById("broken").hidden = false; // no catalogue, no words but the shell's
    return;
  }
  root.replaceChildren();
  const parts = { Screen, api, keep, first: words, alone };
  render(html`<${Frame} ...${parts} />`, root);
}

function Frame({ Screen, api, keep, first, alone }) {
  const [words, setWords] = useState(first);
  const [offline, setOffline] = useState(false);

  useEffect(() => {
    api.lang = words.lang;
    document.documentElement.lang = words.lang;
    document.title = words.t(`title.${config.page}`);
  }, [words]);

  useEffect(() => {
    api.onReach = (reached) => setOffline(!reached);
    const lost = () => setOffline(true);
    addEventListener("offline", lost);
    return () => removeEventListener("offline", lost);
  }, []);

  const choose = async (lang) => {
    localStorage.setItem(LANG, lang);
    setWords(await loadWords(lang));
  };
  const app = { config, api, keep, words, offline, setOffline };
  return html`
    <a class="skip" href="#screen">${words.t("page.skip")}</a>
    <header class="bar">
      <a class="brand" href="/"><${Icon} name="mark" /><span>${words.t("brand")}</span></a>
      <${Languages} words=${words} choose=${choose} />
    </header>
    <p class="notice"><${Icon} name="flask" /><span>${words.t("notice")}</span></p>
    ${
      offline &&
      !alone &&
      html`<p class="banner offline" role="status">
      <${Icon} name="cloud" /><span>${words.t("offline")}</span>
    </p>`
    }
    <${Screen} app=${app} />
  `;
}

function Languages({ words, choose }) {
  return html`<div class="languages" role="group" aria-label=${words.t("page.language")}>
    ${config.languages.map(
      (lang) =>
        html`<button type="button" lang=${lang} title=${FULL[lang]} aria-label=${FULL[lang]}
          aria-pressed=${String(lang === words.lang)} onClick=${() => choose(lang)}>
          ${NAMES[lang]}
        </button>`,
    )}
  </div>`;
}

/** The banner for a key that the page itself could read (plain http, old browser). */
export function KeyBanner({ words, kind }) {
  if (kind !== "software") return null;
  return html`<p class="banner" role="status">
    <${Icon} name="warn" /><span>${words.t("key.software")}</span>
  </p>`;
}
