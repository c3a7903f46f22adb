/** The first page: three doors, and three sentences on how to walk through them. */

import { start } from "./page.js";
import { Icon } from "./parts.js";
import { html } from "./view.js";

const DOORS = [
  { to: "/till/market", name: "market", icon: "basket", takes: ["yes", "no"] },
  { to: "/till/cafe", name: "cafe", icon: "cup", takes: ["yes", "yes"] },
  { to: "/wallet", name: "wallet", icon: "wallet", takes: null },
];

function Start({ app: { words } }) {
  return html`<main id="screen" class="start">
    <section class="hero">
      <h1>${words.t("start.title")}</h1>
      <p>${words.t("start.text")}</p>
    </section>
    <ul class="doors">
      ${DOORS.map(
        ({ to, name, icon, takes }) => html`<li key=${to}>
          <a class="door card to-${name}" href=${to}>
            <span class="round large"><${Icon} name=${icon} size="36" /></span>
            <h2>${words.t(`door.${name}.title`)}</h2>
            <p>${words.t(`door.${name}.text`)}</p>
            ${
              takes &&
              html`<span class="takes">
              ${["tenge", "crypto"].map(
                (what, at) => html`<span class="take ${takes[at]}">
                <${Icon} name=${takes[at] === "yes" ? "check" : "cross"} size="18" />
                <span>${words.t(`door.${what}`)}</span>
                <span class="hidden">${words.t(`accepts.${takes[at]}`)}</span></span>`,
              )}
            </span>`
            }
            <span class="go">${words.t("door.open")}<${Icon} name="right" size="20" /></span>
          </a>
        </li>`,
      )}
    </ul>
    <section class="card how" aria-labelledby="how-title">
      <h2 id="how-title">${words.t("how.title")}</h2>
      <ol>
        ${["1", "2", "3"].map((at) => html`<li key=${at}>${words.t(`how.${at}`)}</li>`)}
      </ol>
    </section>
    <p class="foot">${words.t("start.notice")} <a href="/docs">${words.t("start.docs")}</a></p>
  </main>`;
}

start(Start);
