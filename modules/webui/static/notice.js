// @ts-check
// Quiet notices at the lower edge of the page: what was done, what went wrong, and that the connection is lost.
import { element } from "./dom.js";
import { onEvent } from "./events.js";

const SECONDS = 5;
const PATIENCE = 1500;

/** Where everything of ours that lies over the page is put: colours and fonts come from there. */
export function stage() {
  return document.querySelector(".gradio-container") ?? document.body;
}

/** The region that screen readers listen to. */
function region() {
  let found = document.getElementById("easel_notices");
  if (!found) {
    found = element("div", "notices");
    found.id = "easel_notices";
    found.setAttribute("role", "status");
    stage().append(found);
  }
  return found;
}

/** Say something for some seconds. @param {string} text @param {boolean} [trouble] */
export function say(text, trouble = false) {
  const notice = element("p", trouble ? "notice trouble" : "notice");
  notice.textContent = text;
  region().append(notice);
  setTimeout(() => notice.remove(), (trouble ? 2 : 1) * SECONDS * 1000);
}

/** Do something, and say what went wrong. @param {() => Promise<any>} act @returns {Promise<any>} what it gives; null when it went wrong */
export async function attempt(act) {
  try {
    return await act();
  } catch (error) {
    say(error instanceof Error ? error.message : String(error), true);
    return null;
  }
}

/** Tell of a lost connection, once it does not come back at once; and take that back. */
export function watchConnection() {
  let timer = 0;
  /** @type {HTMLElement | null} */
  let notice = null;
  onEvent((kind) => {
    if (kind === "lost" && !timer && !notice) {
      timer = setTimeout(() => {
        timer = 0;
        notice = element("p", "notice connection");
        notice.textContent = "The connection to Easel is lost. The page goes on as soon as it is back.";
        region().append(notice);
      }, PATIENCE);
    } else if (kind === "connected") {
      clearTimeout(timer);
      timer = 0;
      notice?.remove();
      notice = null;
    }
  });
}
