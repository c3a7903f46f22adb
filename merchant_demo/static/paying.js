/** The page that a till's QR opens: the wallet of this browser, and the payment asked for. */

import { Opening, useWallet } from "./joining.js";
import { config, KeyBanner, start } from "./page.js";
import { Pay } from "./pay.js";
import { html } from "./view.js";

function Paying({ app }) {
  const { words } = app;
  const wallet = useWallet(app);
  const { joined, seen, changed } = wallet;
  if (!joined) return html`<${Opening} words=${words} wallet=${wallet} />`;
  return html`<${KeyBanner} words=${words} kind=${joined.key.kind} />
    <${Pay} app=${app} joined=${joined} accounts=${seen.accounts} changed=${changed}
      id=${config.request} />`;
}

start(Paying);
