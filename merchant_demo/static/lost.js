/** The page for an address that leads nowhere. */

import { start } from "./page.js";
import { html } from "./view.js";

start(
  ({ app: { words } }) => html`<main id="screen" class="wallet narrow">
    <section class="card joining"><h1>${words.t("lost.title")}</h1>
      <p>${words.t("lost.text")}</p><a class="button" href="/">${words.t("lost.home")}</a></section>
  </main>`,
);
