/** The one door to the vendored view library (Preact with htm: no build step, no JSX). */

import { h, render } from "preact";
import htm from "htm";

export { render };
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

/** Tagged template that makes elements: html`<p class="x">${text}</p>`. */
export const html = htm.bind(h);
