/**
 * Keeps the page of the offline purse, so that it opens with the network switched off: the shell, its
 * modules and styles, the words of three languages. It touches no other page and nothing under /v1.
 *
 * With a network everything comes from the network, so nothing is ever stale. What is kept is one
 * whole: fetched together, named by its contents, and put in the place of the one before only when
 * all of it is there. A page that was opened from what is kept gets all its files from there too.
 */

const PAGE = "/wallet/offline";
const WHOLE = "tenge-offline-"; // then the contents' digest: the name of one whole
const NOW = "tenge-offline"; // holds the name of the whole that is good
const WAIT_MS = 3_000;
const FILES = [
  "/demo/field.js",
  "/demo/codes.js",
  "/demo/device.js",
  "/demo/look.css",
  "/demo/horizon.svg",
  "/demo/mark.svg",
  "/demo/money.js",
  "/demo/offline.css",
  "/demo/offline.js",
  "/demo/page.js",
  "/demo/parts.js",
  "/demo/passing.js",
  "/demo/purse.js",
  "/demo/screens.css",
  "/demo/sheet.js",
  "/demo/view.js",
  "/static/client/api.js",
  "/static/client/base45.js",
  "/static/client/bytes.js",
  "/static/client/keep.js",
  "/static/client/offline.js",
  "/static/client/proof.js",
  "/static/client/purse.js",
  "/static/client/sign.js",
  "/static/client/words.js",
  "/static/i18n/en.json",
  "/static/i18n/kk.json",
  "/static/i18n/ru.json",
  "/static/vendor/htm/htm.js",
  "/static/vendor/noble-ed25519/index.js",
  "/static/vendor/noble-hashes/_md.js",
  "/static/vendor/noble-hashes/_u64.js",
  "/static/vendor/noble-hashes/sha2.js",
  "/static/vendor/noble-hashes/utils.js",
  "/static/vendor/preact/hooks.js",
  "/static/vendor/preact/preact.js",
  "/static/vendor/qr/index.js",
];

const fromKept = new Set(); // pages that were opened from what is kept; owned by this worker

self.addEventListener("install", (event) => {
  event.waitUntil(renew().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  if (event.data === "renew") event.waitUntil(renew().catch(() => {})); // the old whole stays
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (url.pathname === PAGE) event.respondWith(page(event));
  } else if (FILES.includes(url.pathname)) {
    event.respondWith(file(event, url.pathname));
  }
});

async function page({ request, resultingClientId }) {
  if (navigator.onLine !== false) {
    try {
      const answer = await fetch(request.url, { signal: AbortSignal.timeout(WAIT_MS) });
      if (answer.ok) return answer;
    } catch {
      // no network: what is kept
    }
  }
  fromKept.add(resultingClientId);
  return (await kept(PAGE)) ?? fetch(request.url);
}

async function file({ request, clientId }, path) {
  if (fromKept.has(clientId)) return (await kept(path)) ?? fetch(request);
  try {
    return await fetch(request);
  } catch (error) {
    const found = await kept(path);
    if (!found) throw error;
    return found;
  }
}

async function kept(path) {
  const name = await (await (await caches.open(NOW)).match("/"))?.text();
  return name && (await caches.open(name)).match(path);
}

/** Fetch everything; put it in the place of what is kept where it differs. All of it or nothing. */
async function renew() {
  const paths = [PAGE, ...FILES];
  const answers = await Promise.all(
    paths.map(async (path) => {
      const answer = await fetch(path, { cache: "no-cache" });
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return answer;
    }),
  );
  const bodies = await Promise.all(answers.map((answer) => answer.clone().arrayBuffer()));
  const digest = await crypto.subtle.digest("SHA-256", await new Blob(bodies).arrayBuffer());
  const hex = [...new Uint8Array(digest, 0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
  const name = WHOLE + hex.join("");
  const now = await caches.open(NOW);
  if ((await (await now.match("/"))?.text()) === name) return;
  const whole = await caches.open(name);
  await Promise.all(paths.map((path, at) => whole.put(path, answers[at])));
  await now.put("/", new Response(name));
  const old = (await caches.keys()).filter((one) => one.startsWith(WHOLE) && one !== name);
  await Promise.all(old.map((one) => caches.delete(one)));
}
