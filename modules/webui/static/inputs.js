// @ts-check
// Everything typed and chosen is kept on the server a moment later, and comes back after a reload or a restart.
import { press, runs } from "./dom.js";
import { say } from "./notice.js";
import { beginnings, session, sessions } from "./session.js";
import { putInAgain } from "./unsent.js";

const PAUSE = 500;
/** Within which the page has heard of a change. */
const HEARD = 50;
const PATIENCE = 3000;
/** What the server keeps of a tab: its own controls, and those of its guests. */
const PARTS = ["inputs", "guests"];

/** How often each tab has changed, and how much of that the server has, by part. @typedef {{ changed: number, kept: Map<string, number>, timer: number }} Kept */
/** @type {Map<string, Kept>} */
const tabs = new Map();
let restored = false;
let said = "";

/** Called when a control of a panel has another value. @param {string} tab */
export function touched(tab) {
  if (!restored) {
    return; // what the page begins with must not replace what is kept
  }
  const state = stateOf(tab);
  state.changed++;
  clearTimeout(state.timer);
  state.timer = setTimeout(() => keep(tab), PAUSE);
}

/** Whether what was kept is there. */
export function isRestored() {
  return restored;
}

/** Whether something changed that the server is not known to have. */
export function isUnsent() {
  return runs().some((tab) => {
    const { changed, kept } = stateOf(tab);
    return PARTS.some((part) => document.getElementById(buttonOf(tab, part)) && (kept.get(part) ?? 0) < changed);
  });
}

/** Ask for what was kept, if this browser was ever here. */
export function restoreInputs() {
  beginnings.length ? press("easel_restore_inputs") : inputsRestored();
}

/** Called when that has come: from now on changes are kept. */
export async function inputsRestored() {
  restored = true;
  await putInAgain();
  document.documentElement.dataset.inputs = "restored";
}

/**
 * Put the names of the sessions first among the values for the server; for those of a tab, with how often it had changed.
 * @param {unknown[]} values
 * @param {string} [tab]
 */
export function withSession(values, tab) {
  return [tab ? `${sessions()} ${stateOf(tab).changed}` : sessions(), ...values.slice(1)];
}

/**
 * Called when the server has kept a part of a tab, or could not.
 * @param {string} tab
 * @param {string} part
 * @param {string} told how often the tab had changed, and why it was not kept
 */
export function kept(tab, part, told) {
  const [changed, problem] = [parseInt(told, 10), told.replace(/^\d*\s?/, "")];
  if (problem) {
    problem === said || say(problem, true);
    said = problem;
  } else if (changed) {
    stateOf(tab).kept.set(part, changed);
  }
}

/** @param {string} tab @returns {Kept} */
function stateOf(tab) {
  const state = tabs.get(tab) ?? { changed: 0, kept: new Map(), timer: 0 };
  tabs.set(tab, state);
  return state;
}

/** @param {string} tab @param {string} part */
function buttonOf(tab, part) {
  return `${tab}_keep_${part}`;
}

/** @param {string} tab */
function keep(tab) {
  const state = stateOf(tab);
  clearTimeout(state.timer);
  state.timer = 0;
  session();
  PARTS.forEach((part) => press(buttonOf(tab, part)));
}

/** Have the server keep everything now. Answers when it has, or does not answer. */
export async function keepNow() {
  const begin = performance.now();
  do {
    await new Promise((heard) => setTimeout(heard, HEARD));
    [...tabs].forEach(([tab, { timer }]) => timer && keep(tab));
  } while (isUnsent() && performance.now() - begin < PATIENCE);
}

/** Keep at once what still waits: the page may be about to go. */
export function watchLeaving() {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      [...tabs].forEach(([tab, { timer }]) => timer && keep(tab));
    }
  });
}
