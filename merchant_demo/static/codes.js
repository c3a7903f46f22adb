/** Codes that two devices show each other: drawn as QR, copied as text; read by camera or pasted. */

import { PREFIX } from "/static/client/offline.js";
import { encodeQR } from "/static/vendor/qr/index.js";
import { Icon } from "./parts.js";
import { html, useEffect, useMemo, useRef, useState } from "./view.js";

const QUIET = 4; // modules of white around a code
const LOOK_MS = 200;

/** A code to be shown: drawn, with its text to be copied. `label` says what it is. */
export function Code({ words, text, label }) {
  const [copied, setCopied] = useState(false);
  const area = useRef(null);
  const { size, path } = useMemo(() => drawn(text), [text]);
  const copy = async () => {
    const done = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    if (!done) {
      area.current.closest("details").open = true; // what is not shown cannot be selected
      area.current.select();
    }
    setCopied(done || document.execCommand("copy"));
  };
  return html`<div class="code">
    <div class="qr">
      <svg role="img" aria-label=${label} viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges">
        <path d=${path} fill="#000000" /></svg>
    </div>
    <details class="why"><summary>${words.t("purse.text")}</summary>
      <textarea ref=${area} class="astext" readonly rows="4" spellcheck="false"
        aria-label=${words.t("purse.text")}>${text}</textarea></details>
    <button type="button" class="button soft" onClick=${copy}>
      <${Icon} name=${copied ? "check" : "copy"} size="20" />
      <span>${words.t(copied ? "people.copied" : "purse.copy")}</span></button>
    <span class="hidden" role="status">${copied && words.t("people.copied")}</span>
  </div>`;
}

/** A code as one path: a step for each run of dark modules. */
function drawn(text) {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: QUIET });
  const path = rows.flatMap((row, y) =>
    row.map((dark, x) => (dark && !row[x - 1] ? `M${x} ${y}h${run(row, x)}v1h-${run(row, x)}z` : "")),
  );
  return { size: rows.length, path: path.join("") };
}

function run(row, from) {
  let to = from;
  while (row[to]) to++;
  return to - from;
}

/**
 * Takes a code from another device: by camera where the browser can read codes, else or beside it as
 * text. `take(text)` gets it; `action` is what the button says.
 */
export function Reader({ words, label, action, take, busy }) {
  const [text, setText] = useState("");
  const [filming, setFilming] = useState(false);
  const [blind, setBlind] = useState(false); // no camera, or it may not be used
  const submit = (event) => {
    event.preventDefault();
    take(found(text));
  };
  const paste = async () => {
    try {
      setText(await navigator.clipboard.readText());
    } catch {
      document.getElementById("code-text").focus(); // by hand, then
    }
  };
  const seen = (read) => {
    setFilming(false);
    setText(read);
    take(found(read));
  };
  const film = () => {
    setBlind(false);
    setFilming(true);
  };
  const canFilm = "BarcodeDetector" in window && navigator.mediaDevices;
  return html`<form class="topay reader" onSubmit=${submit}>
    ${
      filming
        ? html`<${Camera} words=${words} seen=${seen}
            fail=${() => {
              setFilming(false);
              setBlind(true);
            }} />`
        : canFilm &&
          html`<button type="button" class="button soft" onClick=${film}>
            <${Icon} name="scan" size="20" /><span>${words.t("purse.scan")}</span></button>`
    }
    ${blind && html`<p class="wrong" role="alert">${words.t("purse.blind")}</p>`}
    <label for="code-text">${label}</label>
    <textarea id="code-text" class="astext" rows="3" required spellcheck="false"
      autocapitalize="characters" autocomplete="off" placeholder=${`${PREFIX}…`} value=${text}
      onInput=${(event) => setText(event.target.value)} />
    <div class="row">
      <button type="button" class="button soft" onClick=${paste}>
        <${Icon} name="down" size="20" /><span>${words.t("purse.paste")}</span></button>
      <button class="button" disabled=${busy}>${action}</button>
    </div>
  </form>`;
}

/** The code within what somebody pasted: nothing before it, no line breaks. A space may belong to it. */
function found(text) {
  const plain = text.replace(/[\r\n\t]/g, "");
  const from = plain.indexOf(PREFIX);
  return from < 0 ? plain.trim() : plain.slice(from);
}

function Camera({ words, seen, fail }) {
  const video = useRef(null);
  useEffect(() => {
    let stream;
    let timer;
    let over = false;
    const begin = async () => {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      const wish = { video: { facingMode: "environment", width: { ideal: 1920 } } };
      stream = await navigator.mediaDevices.getUserMedia(wish);
      if (over) return stop();
      video.current.srcObject = stream;
      await video.current.play();
      const look = async () => {
        const codes = await detector.detect(video.current).catch(() => []);
        const code = codes.find(({ rawValue }) => rawValue.startsWith(PREFIX));
        if (over) return;
        if (code) seen(code.rawValue);
        else timer = setTimeout(look, LOOK_MS);
      };
      look();
    };
    const stop = () => stream?.getTracks().forEach((track) => track.stop());
    begin().catch(() => !over && fail());
    return () => {
      over = true;
      clearTimeout(timer);
      stop();
    };
  }, []);
  return html`<video ref=${video} class="camera" muted playsinline
    aria-label=${words.t("purse.camera")} />`;
}
