// @ts-check
// What is typed while the server is away. Gradio opens the page again when it is back; what was typed is put in again.
import { onEvent } from "./events.js";
import { typed } from "./dom.js";

const KEY = "easel-unsent";
const AGAIN = 10_000;
let isLost = false;

/** @param {() => void} keep has the server keep everything, where the page has lived through it */
export function watchUnsent(keep) {
  onEvent((kind) => {
    if (kind === "lost") {
      isLost = true;
    } else if (kind === "connected" && isLost) {
      isLost = false;
      setTimeout(() => {
        if (!isLost) {
          sessionStorage.removeItem(KEY);
          keep();
        }
      }, AGAIN);
    }
  });
  document.addEventListener("input", (event) => {
    const box = event.target;
    if (isLost && (box instanceof HTMLTextAreaElement || box instanceof HTMLInputElement) && box.type !== "file") {
      note(box);
    }
  });
}

/** @param {HTMLTextAreaElement | HTMLInputElement} box */
function note(box) {
  const place = box.closest("[id]")?.id;
  // The list of a dropdown is chosen from, not typed into.
  if (place && !box.getAttribute("role")) {
    const value = box instanceof HTMLInputElement && box.type === "checkbox" ? box.checked : box.value;
    sessionStorage.setItem(KEY, JSON.stringify({ ...noted(), [place]: value }));
  }
}

/** @returns {Record<string, string | boolean>} */
function noted() {
  return JSON.parse(sessionStorage.getItem(KEY) ?? "{}");
}

/** Put in again what the server never heard of. To be called when all that it knew is back. */
export function putInAgain() {
  const values = noted();
  sessionStorage.removeItem(KEY);
  for (const [place, value] of Object.entries(values)) {
    const box = document.querySelector(`[id="${CSS.escape(place)}"] :is(textarea, input[type=checkbox], input[type=number], input)`);
    if (box instanceof HTMLInputElement && typeof value === "boolean") {
      box.checked !== value && box.click();
    } else if (box instanceof HTMLTextAreaElement || box instanceof HTMLInputElement) {
      box.value = String(value);
      typed(box);
    }
  }
}
