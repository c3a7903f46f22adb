/**
 * Opening a wallet, for the pages that need one: key, bank, balances, and the stream that keeps them
 * true. The key is made in this browser at the first visit and never leaves it.
 */

import { follow } from "/static/client/stream.js";
import { config, streamUrl } from "./page.js";
import { Busy, Icon, Trouble } from "./parts.js";
import { balances, join, send, unanswered } from "./purse.js";
import { html, useEffect, useRef, useState } from "./view.js";

const STEPS = ["key", "bank", "look"];
const LOOK_MS = 15_000; // not every entry about us names an account of ours (a freeze that two approved)

/**
 * The wallet as it is now: {step, joined, seen, changed, trouble, open, refresh}. `read(joined)`
 * brings what a page shows beside the balances; both are `seen`, {accounts, …}.
 */
export function useWallet(app, read = async () => ({})) {
  const [step, setStep] = useState("key");
  const [joined, setJoined] = useState(null);
  const [seen, setSeen] = useState(null);
  const [changed, setChanged] = useState(0);
  const [trouble, setTrouble] = useState(null);
  const stream = useRef(null);
  const turn = useRef(0);

  const refresh = async (of = joined) => {
    const mine = ++turn.current;
    const [accounts, more] = await Promise.all([balances(app, of), read(of)]);
    if (mine === turn.current) setSeen({ accounts, ...more }); // a later look knows better
  };

  const open = async () => {
    setTrouble(null);
    try {
      const found = await join(app, setStep);
      const again = () => refresh(found).catch(() => {});
      await refresh(found);
      setJoined(found);
      const waiting = await unanswered(app);
      if (waiting !== null && waiting !== config.request) send(app).then(again, again);
      stream.current = follow({
        api: app.api,
        url: streamUrl(),
        accounts: found.holder.accounts.map((account) => account.id),
        requests: config.request ? [config.request] : [],
        onEvent: () => {
          setChanged((count) => count + 1);
          again();
        },
        onState: (now) => {
          app.setOffline(now === "offline");
          if (now === "live" || now === "polling") again();
        },
        onGap: () => location.reload(),
      });
    } catch (error) {
      setTrouble(error);
    }
  };

  useEffect(() => {
    open();
    return () => stream.current?.stop();
  }, []);
  useEffect(() => {
    if (!joined) return undefined;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") refresh().catch(() => {});
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, [joined]);

  return { step, joined, seen, changed, trouble, open, refresh };
}

/** What there is to see until the wallet is open. */
export function Opening({ words, wallet: { step, trouble, open } }) {
  if (!trouble) return html`<${Joining} words=${words} step=${step} />`;
  return html`<main id="screen" class="wallet narrow">
    <${Trouble} words=${words} error=${trouble} retry=${open} />
  </main>`;
}

function Joining({ words, step }) {
  const at = STEPS.indexOf(step);
  return html`<main id="screen" class="wallet narrow">
    <section class="card joining">
      <span class="round large"><${Icon} name="wallet" size="36" /></span>
      <h1>${words.t("join.title")}</h1>
      <p class="quiet">${words.t("join.text")}</p>
      <ol>
        ${STEPS.map(
          (
            name,
            place,
          ) => html`<li key=${name} class=${place < at ? "past" : place === at ? "now" : ""}>
            <span class="round small">${
              place < at ? html`<${Icon} name="check" size="18" />` : String(place + 1)
            }</span>
            <span>${words.t(`join.${name}`)}</span>
          </li>`,
        )}
      </ol>
      <${Busy} label=${html`<span class="hidden">${words.t(`join.${step}`)}</span>`} />
    </section>
  </main>`;
}
