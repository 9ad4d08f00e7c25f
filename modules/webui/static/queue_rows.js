// @ts-check
// The rows of the queue, with what can be done to each job.
import { api } from "./api.js";
import { element } from "./dom.js";
import { attempt } from "./notice.js";
import { changeStanding, stopAfterImage } from "./standing.js";

/** What the states are called. @type {Record<string, string>} */
const STATES = { paused: "paused", done: "done", failed: "failed", interrupted: "stopped" };

/**
 * A job of the queue; a waiting one with all that wait, to be moved among them.
 * @param {any} job @param {any[]} [waiting] @param {number} [index]
 */
export function jobRow(job, waiting = [], index = 0) {
  const row = rowOf(job.title || job.kind, [job.kind, modelName(job.checkpoint), STATES[job.state], job.error || job.note]);
  row.dataset.job = job.id;
  row.dataset.state = job.state;
  if (job.progress) {
    row.style.setProperty("--share", String(job.progress.fraction));
  }
  const act = (/** @type {string} */ what, /** @type {object} */ body = {}) => () =>
    attempt(() => api(`jobs/${encodeURIComponent(job.id)}/${what}`, { body }));
  const add = (/** @type {string} */ name, /** @type {() => unknown} */ does, /** @type {boolean} */ able = true) =>
    addButton(row, job.id, name, does, able);
  if (job.state === "running") {
    add("Skip", act("skip"));
    add("After this image", () => stopAfterImage(job.id));
    add("Stop", act("cancel"));
  } else if (job.state === "waiting" || job.state === "paused") {
    add("Up", act("move", { before: waiting[index - 1]?.id }), index > 0);
    const after = waiting[index + 2];
    add("Down", act("move", after ? { before: after.id } : { to: "last" }), index < waiting.length - 1);
    add("First", act("move", { to: "first" }), index > 0);
    add(job.state === "paused" ? "Resume" : "Pause", act(job.state === "paused" ? "resume" : "pause"));
    add("Cancel", act("cancel"));
    makeDraggable(row, job.id);
  } else {
    if (job.state !== "done") {
      add("Retry", act("retry"));
    }
    add("Again", act("repeat"));
  }
  return row;
}

/** A recurring job. @param {import("./standing.js").Standing} job */
export function recurringRow(job) {
  const of = job.pictures ? ` of ${job.pictures}` : "";
  const row = rowOf(job.title || "without words", [`${job.made}${of} made`, modelName(job.checkpoint), STATES[job.state], job.note]);
  row.dataset.job = job.id;
  addButton(row, job.id, job.state === "paused" ? "Resume" : "Pause", () => changeStanding(job.id, job.state === "paused" ? "resume" : "pause"));
  addButton(row, job.id, "Stop", () => changeStanding(job.id, "stop"));
  return row;
}

/** @param {string} title @param {(string | null | undefined)[]} told */
function rowOf(title, told) {
  const row = element("li", "queue-row");
  const [words, about, buttons] = [element("p", "queue-title"), element("p", "queue-about"), element("div", "queue-buttons")];
  words.textContent = words.title = title;
  about.textContent = told.filter(Boolean).join(" · ");
  row.append(words, about, buttons);
  return row;
}

/** @param {HTMLElement} row @param {string} job @param {string} name @param {() => unknown} does @param {boolean} [able] */
function addButton(row, job, name, does, able = true) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = name;
  button.dataset.key = `${job} ${name}`;
  button.disabled = !able;
  button.addEventListener("click", does);
  row.querySelector(".queue-buttons")?.append(button);
}

/** A row that can be dragged before another. @param {HTMLElement} row @param {string} job */
function makeDraggable(row, job) {
  row.draggable = true;
  row.addEventListener("dragstart", (event) => event.dataTransfer?.setData("application/x-easel-job", job));
  row.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("application/x-easel-job")) {
      event.preventDefault();
      row.dataset.drop = "yes";
    }
  });
  row.addEventListener("dragleave", () => delete row.dataset.drop);
  row.addEventListener("drop", (event) => {
    delete row.dataset.drop;
    const moved = event.dataTransfer?.getData("application/x-easel-job");
    if (moved && moved !== job) {
      event.preventDefault();
      attempt(() => api(`jobs/${encodeURIComponent(moved)}/move`, { body: { before: job } }));
    }
  });
}

/** @param {string | null | undefined} checkpoint */
function modelName(checkpoint) {
  return checkpoint?.replace(/^.*[\\/]/, "").replace(/\.(safetensors|ckpt|gguf)$/, "");
}
