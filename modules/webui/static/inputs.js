// @ts-check
// Everything typed and chosen is kept on the server a moment later, and comes back after a reload or a restart.
import { press } from "./dom.js";
import { putInAgain } from "./unsent.js";

const PAUSE = 500;
const KEY = "easel-session";
/** @type {Map<string, number>} */
const timers = new Map();
let restored = false;

/** Called when a control of a panel has another value. @param {string} tab */
export function touched(tab) {
  if (!restored) {
    return; // what the page begins with must not replace what is kept
  }
  clearTimeout(timers.get(tab));
  timers.set(tab, setTimeout(() => keep(tab), PAUSE));
}

/** Ask for what was kept, if this browser was ever here. */
export function restoreInputs() {
  if (sessionStorage.getItem(KEY) || localStorage.getItem(KEY)) {
    press("easel_restore_inputs");
  } else {
    inputsRestored();
  }
}

/** Called when that has come: from now on changes are kept. */
export function inputsRestored() {
  restored = true;
  putInAgain();
  document.documentElement.dataset.inputs = "restored";
}

/**
 * Put the name of this session, and of the browser's last one, first among the values for the server.
 * @param {unknown[]} values
 */
export function withSession(values) {
  const before = localStorage.getItem(KEY) ?? "";
  const own = sessionStorage.getItem(KEY) ?? newName();
  sessionStorage.setItem(KEY, own);
  localStorage.setItem(KEY, own);
  return [`${own} ${before}`, ...values.slice(1)];
}

/** @param {string} tab */
function keep(tab) {
  timers.delete(tab);
  press(`${tab}_keep_inputs`);
  press(`${tab}_keep_guests`);
}

/** Keep at once what still waits: the page may be about to go. */
export function watchLeaving() {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      [...timers.keys()].forEach((tab) => {
        clearTimeout(timers.get(tab));
        keep(tab);
      });
    }
  });
}

function newName() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
