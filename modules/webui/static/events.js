// @ts-check
// What happens on the server, pushed by it (GET /api/v1/events). A browser lends few connections to one server, so the
// pages of a browser share one: the page that holds the lock has it, and tells the others.
import { route } from "./dom.js";

const KINDS = [
  "snapshot", "waiting", "paused", "running", "done", "failed", "interrupted", "position", "step", "preview", "image",
  "standing", "history",
];
const AGAIN = 2000;

/** @typedef {(kind: string, data: JobEvent) => void} Listener */

/** @type {Listener[]} */
const listeners = [];
const otherPages = new BroadcastChannel("easel-events");
/** @type {string | null} The id of the last event that this page has heard. */
let last = null;

/** Call `listener` with each event. "connected" and "lost" tell of the connection itself. @param {Listener} listener */
export function onEvent(listener) {
  listeners.push(listener);
}

/** Begin to listen. */
export function watchEvents() {
  otherPages.addEventListener("message", ({ data }) => hear(data.kind, data.id, data.told));
  if (!navigator.locks) {
    connect();
    return;
  }
  navigator.locks.request("easel-events", () => {
    connect();
    return new Promise(() => {});
  });
}

function connect() {
  const source = new EventSource(route(`api/v1/events${last === null ? "" : `?since=${last}`}`));
  source.addEventListener("open", () => tell("connected", null, {}));
  source.addEventListener("error", () => {
    tell("lost", null, {});
    // A browser comes back by itself after a broken connection, but not after an answer that is an error.
    if (source.readyState === EventSource.CLOSED) {
      setTimeout(connect, AGAIN);
    }
  });
  for (const kind of KINDS) {
    source.addEventListener(kind, (/** @type {MessageEvent} */ event) => {
      tell(kind, event.lastEventId, JSON.parse(event.data));
    });
  }
}

/** @param {string} kind @param {string | null} id @param {JobEvent} told */
function tell(kind, id, told) {
  otherPages.postMessage({ kind, id, told });
  hear(kind, id, told);
}

/** @param {string} kind @param {string | null} id @param {JobEvent} told */
function hear(kind, id, told) {
  last = id ?? last;
  for (const listener of listeners) {
    listener(kind, told);
  }
}
