/**
 * The HTTP API of docs/http-api.md for a browser: key, language, the sandbox's time, problems.
 *
 * An answer that was lost is asked for again with the same bytes: transaction ids make that safe,
 * so a caller of `submit` never learns "maybe". The sandbox's time is not this machine's; whoever
 * signs uses `now()`.
 */

const TIMEOUT_MS = 15_000;
const PAUSE_MS = [300, 800, 1_500, 3_000, 5_000];

/** An answer of the API that is not a yes (RFC 9457). `reasons` is never missing. */
export class Problem extends Error {
  constructor(status, body, retryAfterMs = 0) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? "other";
    this.reasons = body.reasons ?? [];
    this.requestId = body.request_id ?? null;
    this.retryable = body.retryable ?? status >= 500;
    this.retryAfterMs = retryAfterMs;
  }
}

/** No answer came: no network, or the server is away. Nothing is known about what was sent. */
export class Unreachable extends Error {
  constructor(cause) {
    super("no answer", { cause });
    this.name = "Unreachable";
  }
}

/**
 * @param {{base?: string, key: string, lang?: string, fetch?: Function}} options
 *   `base` is the API's origin, "" for this page's own.
 */
export function openApi({
  base = "",
  key,
  lang = "en",
  fetch = globalThis.fetch.bind(globalThis),
}) {
  const api = { base, key, lang, ledger: null, offsetMs: 0, onReach: () => {} };

  /** The sandbox's time in ms UTC, as far as the last answer tells. */
  api.now = () => Math.round(Date.now() + api.offsetMs);

  /** Set the clock and ledger from what a stream says. */
  api.heard = ({ time, ledger }) => {
    if (time) api.offsetMs = time - Date.now();
    if (ledger) api.ledger = ledger;
  };

  /** One request, once. Answers {status, body}; throws Problem or Unreachable. */
  api.once = async (
    method,
    path,
    { body, type = "application/json", signal, timeoutMs = TIMEOUT_MS } = {},
  ) => {
    const abort = new AbortController();
    const stop = () => abort.abort();
    const timer = setTimeout(stop, timeoutMs);
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    const headers = { Authorization: `Bearer ${key}`, "Accept-Language": api.lang };
    if (body !== undefined) headers["Content-Type"] = type;
    const sentAt = Date.now();
    let response, text;
    try {
      response = await fetch(api.base + path, {
        method,
        headers,
        body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
        signal: abort.signal,
        cache: "no-store",
        credentials: "omit",
      });
      text = await response.text();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      api.onReach(false);
      throw new Unreachable(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
    api.onReach(true);
    const time = Number(response.headers.get("Tenge-Time"));
    if (time) api.offsetMs = time - (sentAt + Date.now()) / 2;
    api.ledger = response.headers.get("Tenge-Ledger") || api.ledger;
    const content = read(text, response.headers.get("Content-Type") ?? "");
    if (response.ok) return { status: response.status, body: content };
    const after = Number(response.headers.get("Retry-After")) * 1_000 || 0;
    throw new Problem(
      response.status,
      typeof content === "object" && content ? content : {},
      after,
    );
  };

  /** A request that may be repeated: again after a lost answer or a busy server, `tries` in all. */
  api.call = async (method, path, { tries = 3, ...options } = {}) => {
    for (let turn = 0; ; turn++) {
      try {
        return (await api.once(method, path, options)).body;
      } catch (error) {
        if (turn + 1 >= tries || !again(error)) throw error;
        await pause(turn, error, options.signal);
      }
    }
  };

  api.get = (path, options) => api.call("GET", path, options);
  api.post = (path, body, options) => api.call("POST", path, { ...options, body });

  /**
   * Send a signed transaction until there is an answer. The same bytes every time.
   * @param {{signal?: AbortSignal, onWait?: Function}} options `onWait(error)` before each pause.
   */
  api.submit = async (jws, { signal, onWait = () => {} } = {}) => {
    for (let turn = 0; ; turn++) {
      try {
        const options = { body: jws, type: "application/jose", signal };
        return (await api.once("POST", "/v1/transactions", options)).body;
      } catch (error) {
        if (!again(error)) throw error;
        onWait(error);
        await pause(turn, error, signal);
      }
    }
  };

  /** What the ledger would say, with nothing written. */
  api.dryRun = (jws, options) =>
    api.call("POST", "/v1/transactions?dry_run=true", {
      ...options,
      body: jws,
      type: "application/jose",
    });

  return api;
}

function read(text, type) {
  if (!type.includes("json")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const again = (error) =>
  error instanceof Unreachable || (error instanceof Problem && error.retryable);

/** Wait before turn `turn` + 1: longer each time, never in step with others, sooner when online. */
export function pause(turn, error, signal) {
  const base = PAUSE_MS[Math.min(turn, PAUSE_MS.length - 1)];
  const wait = Math.max(error?.retryAfterMs ?? 0, base * (0.5 + Math.random()));
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", done);
      signal?.removeEventListener("abort", done);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(done, wait);
    globalThis.addEventListener?.("online", done);
    signal?.addEventListener("abort", done);
    if (signal?.aborted) done();
  });
}
