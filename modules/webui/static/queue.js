// @ts-check
// The queue: what runs, what comes next and with which model, what has ended. Everything in it is the server's; the
// panel asks for it again when an event says that something has changed.
import { api } from "./api.js";
import { element } from "./dom.js";
import { onEvent } from "./events.js";
import { attempt, stage } from "./notice.js";
import { jobRow, recurringRow } from "./queue_rows.js";
import { onStanding } from "./standing.js";

const ENDED = 8;
const ENDS = ["done", "failed", "interrupted"];
const CHANGES = ["snapshot", "waiting", "paused", "running", "done", "failed", "interrupted", "position", "connected"];

/** @type {import("./standing.js").Standing[]} */
let recurring = [];
let timer = 0;
/** @type {HTMLElement | null} */
let panel = null;

export function watchQueue() {
  const button = document.createElement("button");
  button.type = "button";
  button.id = "easel_queue_button";
  button.textContent = "Queue";
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", "easel_queue");
  button.addEventListener("click", () => (panel ? close() : open()));
  document.getElementById("easel_header")?.append(button);
  onStanding((standing) => {
    recurring = standing;
    changed();
  });
  onEvent((kind, data) => {
    if (CHANGES.includes(kind)) {
      count(kind, data);
      changed();
    } else if (kind === "step" && panel && data.job) {
      advance(data);
    }
  });
}

/** @type {Set<string>} Jobs that have not ended. */
let alive = new Set();
let paused = false;

/** How many jobs there are, on the button. @param {string} kind @param {JobEvent} data */
function count(kind, data) {
  if (kind === "snapshot" || kind === "position") {
    alive = new Set([...(data.running ?? []), ...(data.waiting ?? [])]);
    paused = Boolean(data.paused);
  } else if (ENDS.includes(kind)) {
    alive.delete(data.job ?? "");
  }
  const button = document.getElementById("easel_queue_button");
  if (button) {
    button.textContent = `${paused ? "Queue paused" : "Queue"}${alive.size ? ` · ${alive.size}` : ""}`;
  }
}

function open() {
  panel = element("section", "queue-panel");
  panel.id = "easel_queue";
  panel.setAttribute("aria-label", "Queue");
  panel.tabIndex = -1;
  panel.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
  });
  const header = document.getElementById("easel_header")?.getBoundingClientRect();
  panel.style.top = `${Math.max(header?.bottom ?? 0, 0)}px`;
  stage().append(panel);
  document.getElementById("easel_queue_button")?.setAttribute("aria-expanded", "true");
  refresh().then(() => panel?.focus());
}

function close() {
  panel?.remove();
  panel = null;
  const button = document.getElementById("easel_queue_button");
  button?.setAttribute("aria-expanded", "false");
  button?.focus();
}

function changed() {
  if (panel && !timer) {
    timer = setTimeout(() => {
      timer = 0;
      refresh();
    }, 100);
  }
}

async function refresh() {
  const ended = `jobs?state=done&state=failed&state=interrupted&limit=${ENDED}`;
  const told = await attempt(() => Promise.all([api("queue"), api(ended)]));
  if (panel && Array.isArray(told)) {
    draw(panel, told[0], told[1].jobs);
  }
}

/** @param {HTMLElement} panel @param {any} queue @param {any[]} ended */
function draw(panel, queue, ended) {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
  const head = element("div", "queue-head");
  const title = element("h2");
  title.textContent = "Queue";
  const pause = document.createElement("button");
  pause.type = "button";
  pause.dataset.key = "pause-queue";
  pause.textContent = queue.paused ? "Resume the queue" : "Pause the queue";
  pause.addEventListener("click", () => attempt(() => api(`queue/${queue.paused ? "resume" : "pause"}`, { method: "POST" })));
  const leave = document.createElement("button");
  leave.type = "button";
  leave.className = "quiet";
  leave.textContent = "Close";
  leave.addEventListener("click", close);
  head.append(title, pause, leave);
  const waiting = queue.waiting;
  panel.replaceChildren(
    head,
    ...part("Forever", recurring.map(recurringRow)),
    ...part("Running", queue.running.map((/** @type {any} */ job) => jobRow(job))),
    ...part(queue.paused ? "Waiting, the queue is paused" : "Next", waiting.map((/** @type {any} */ job, /** @type {number} */ index) => jobRow(job, waiting, index))),
    ...part("Ended", ended.map((job) => jobRow(job))),
  );
  if (!recurring.length && !queue.running.length && !waiting.length) {
    const hint = element("p", "hint");
    hint.textContent = "Nothing runs and nothing waits. Press Generate; or right-click it to put a picture into the queue, or to make pictures until you stop it.";
    head.after(hint);
  }
  if (focused) {
    /** @type {HTMLElement | null} */
    const again = panel.querySelector(`[data-key="${CSS.escape(focused)}"]`);
    again?.focus();
  }
}

/** A heading with its rows; nothing where there are none. @param {string} name @param {HTMLElement[]} rows */
function part(name, rows) {
  if (!rows.length) {
    return [];
  }
  const heading = element("h3");
  heading.textContent = name;
  const list = element("ol", "queue-list");
  list.append(...rows);
  return [heading, list];
}

/** The bar of a running job. @param {JobEvent} data */
function advance(data) {
  /** @type {HTMLElement | null | undefined} */
  const row = panel?.querySelector(`[data-job="${CSS.escape(data.job ?? "")}"]`);
  row?.style.setProperty("--share", String(Math.min(data.progress ?? 0, 1)));
}
