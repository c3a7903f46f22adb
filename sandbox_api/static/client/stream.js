/**
 * Events of the ledger as they happen, nothing lost over a gap (design D10).
 *
 * A WebSocket that goes on from the last `seq` seen after every break; where no socket can be had
 * the same events come by long-poll, and the socket is tried again now and then. Every event is
 * given once and in order. An event is a hint to ask the API, never the whole truth.
 */

import { pause } from "./api.js";

const SILENCE_MS = 40_000; // the server says "alive" every 15 s
const HELLO_MS = 8_000;
const SOCKET_TRIES = 2; // in a row, before long-poll takes over
const SOCKET_REST_MS = 30_000;
const POLL_S = 25;

/**
 * Follow the events of some accounts and payment requests.
 *
 * @param {object} options
 *   api: of `openApi`; url: the stream's WebSocket address; after: the last `seq` known, or null
 *   for "from now"; accounts, requests: what to follow (ids);
 *   onEvent(event): each event, once; awaited, so a cursor may be kept before the next;
 *   onState(state): "connecting", "live" (socket), "polling" (long-poll), "offline";
 *   onGap(): the ledger is another one now (reset): what was followed is gone.
 * @returns {{add, stop, cursor}} `add({accounts, requests})` widens what is followed.
 */
export function follow({
  api,
  url,
  after = null,
  accounts = [],
  requests = [],
  onEvent,
  onState = () => {},
  onGap = () => {},
  Socket = globalThis.WebSocket,
}) {
  const followed = { accounts: new Set(accounts), requests: new Set(requests) };
  const stopping = new AbortController();
  let cursor = after;
  let ledger = null;
  let socket = null;
  let polling = null; // aborts the poll that waits
  let state = null;
  let fails = 0; // sockets that failed in a row
  let heard = false; // whether anything came since the last failure

  const say = (next) => {
    if (next !== state && !stopping.signal.aborted) onState((state = next));
  };

  const take = async (event) => {
    if (cursor !== null && event.seq <= cursor) return;
    await onEvent(event);
    cursor = event.seq;
  };

  const meet = ({ ledger: now, time, head }) => {
    api.heard({ time, ledger: now });
    if (ledger !== null && now !== ledger) {
      cursor = head;
      onGap();
    }
    ledger = now;
    cursor ??= head;
  };

  async function run() {
    say("connecting");
    for (let turn = 0; !stopping.signal.aborted; turn++) {
      try {
        if (Socket && url && fails < SOCKET_TRIES) await bySocket();
        else await byPoll(SOCKET_REST_MS);
        turn = 0;
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (fails >= SOCKET_TRIES)
          say("offline"); // the poll failed too
        else if (state === "live") say("connecting");
        fails = fails < SOCKET_TRIES ? fails + 1 : SOCKET_TRIES - 1;
        if (heard) turn = 0;
        heard = false;
        await pause(turn, error, stopping.signal).catch(() => {});
      }
    }
  }

  /** One socket's life. Returns never; throws when it ends. */
  function bySocket() {
    return new Promise((resolve, reject) => {
      let watch;
      let queue = Promise.resolve();
      const open = new Socket(url);
      socket = open;
      const end = (why) => {
        clearTimeout(watch);
        stopping.signal.removeEventListener("abort", quit);
        if (socket === open) socket = null;
        open.onmessage = open.onclose = open.onerror = null;
        open.close();
        queue.then(() => reject(why), reject);
      };
      const quit = () => end(stopping.signal.reason);
      const listen = (ms) => {
        clearTimeout(watch);
        watch = setTimeout(() => end(new Error("silent")), ms);
      };
      stopping.signal.addEventListener("abort", quit);
      listen(HELLO_MS);
      open.onopen = () =>
        open.send(
          JSON.stringify({
            key: api.key,
            after: cursor,
            accounts: [...followed.accounts],
            requests: [...followed.requests],
            lang: api.lang,
          }),
        );
      open.onclose = open.onerror = () => end(new Error("closed"));
      open.onmessage = ({ data }) => {
        listen(SILENCE_MS);
        queue = queue.then(async () => {
          const message = JSON.parse(data);
          if (message.hello) {
            meet(message.hello);
            fails = 0;
            heard = true;
            say("live");
          } else if (message.alive) {
            api.heard(message.alive);
          } else if (message.seq !== undefined) {
            await take(message);
          }
        });
        queue.catch(end);
      };
    });
  }

  /** Long-poll for `ms`, then let the socket be tried again. */
  async function byPoll(ms) {
    const until = Date.now() + (Socket && url ? ms : Infinity);
    do {
      polling = new AbortController();
      const quit = () => polling.abort(stopping.signal.reason);
      stopping.signal.addEventListener("abort", quit);
      try {
        const query = new URLSearchParams();
        if (cursor === null) query.set("limit", "1");
        else query.set("after", cursor);
        query.set("wait", cursor === null ? 0 : POLL_S);
        for (const id of followed.accounts) query.append("account", id);
        for (const id of followed.requests) query.append("request", id);
        const answer = (
          await api.once("GET", `/v1/events?${query}`, {
            signal: polling.signal,
            timeoutMs: (POLL_S + 10) * 1_000,
          })
        ).body;
        if (cursor === null) cursor = answer.head;
        else for (const event of answer.events) await take(event);
        cursor = Math.max(cursor, answer.next ?? cursor);
        heard = true;
        say("polling");
      } catch (error) {
        if (error === WIDENED) continue;
        throw error;
      } finally {
        stopping.signal.removeEventListener("abort", quit);
      }
    } while (Date.now() < until && !stopping.signal.aborted);
    fails = SOCKET_TRIES - 1; // one try, then back here
  }

  const WIDENED = new Error("widened");

  function add({ accounts: more = [], requests: others = [] }) {
    more.forEach((id) => followed.accounts.add(id));
    others.forEach((id) => followed.requests.add(id));
    if (socket?.readyState === 1) {
      socket.send(JSON.stringify({ add: { accounts: more, requests: others } }));
    }
    polling?.abort(WIDENED);
  }

  // A phone that slept holds a dead socket that nobody closed: knock when it wakes.
  const wake = () => {
    if (globalThis.document?.visibilityState === "visible" && socket?.readyState === 1) {
      socket.send(JSON.stringify({ add: {} }));
    }
  };
  const lost = () => say("offline");
  globalThis.document?.addEventListener("visibilitychange", wake);
  globalThis.addEventListener?.("offline", lost);
  run();

  return {
    add,
    stop() {
      globalThis.document?.removeEventListener("visibilitychange", wake);
      globalThis.removeEventListener?.("offline", lost);
      stopping.abort(new Error("stopped"));
    },
    get cursor() {
      return cursor;
    },
  };
}
