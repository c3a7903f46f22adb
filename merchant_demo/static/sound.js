/** Two soft notes for "paid", one low one for "refused". Silent until the person has touched the
 * page: browsers allow no sound before that. */

let context = null;

function wake({ isTrusted }) {
  if (!isTrusted) return; // a script's key press is no person's
  const Context = globalThis.AudioContext ?? globalThis.webkitAudioContext;
  if (!Context) return;
  context ??= new Context();
  if (context.state === "suspended") context.resume();
}

addEventListener("pointerdown", wake, { passive: true });
addEventListener("keydown", wake, { passive: true });

function note(hertz, at, seconds) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  const begin = context.currentTime + at;
  tone.type = "sine";
  tone.frequency.value = hertz;
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(0.16, begin + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.001, begin + seconds);
  tone.connect(volume).connect(context.destination);
  tone.start(begin);
  tone.stop(begin + seconds);
}

/** Shake the device, where it can and a person has touched the page. */
function buzz(pattern) {
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(pattern);
}

/** Paid: a fifth upwards, and a short buzz where the device can. */
export function chime() {
  buzz([60, 40, 60]);
  if (context?.state !== "running") return;
  note(587.33, 0, 0.5);
  note(880, 0.13, 0.7);
}

/** Refused: one low note, one longer buzz. */
export function thud() {
  buzz(220);
  if (context?.state === "running") note(196, 0, 0.45);
}
