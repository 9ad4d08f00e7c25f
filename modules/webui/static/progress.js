// @ts-check
// Watches the run of each tab: buttons, progress bar, preview, title. The server tells what happens; see events.js.
import { stayAwake } from "./awake.js";
import { runView } from "./bar.js";
import { claim, watchedElsewhere } from "./claims.js";
import { api } from "./api.js";
import { press, tabOf } from "./dom.js";
import { onEvent } from "./events.js";
import { notify, playSound, showBusy } from "./finished.js";

const LATE = 4000;
/** The source of jobs that were put into the queue by the menu of Generate. */
const QUEUED = "queued";
const ENDED = ["done", "failed", "interrupted"];

/**
 * @typedef {object} Run
 * @property {string} tab
 * @property {string} task
 * @property {import("./bar.js").RunView} view
 * @property {() => void} release
 * @property {number} share
 * @property {string} text
 * @property {number} eta
 * @property {boolean} stopping
 * @property {number} previewed
 * @property {number} timer
 * @property {(() => void) | null} next
 */

/** @type {Map<string, Run>} */
const runs = new Map();

onEvent((kind, data) => {
  if (kind === "running") {
    begun(data);
  }
  for (const run of runs.values()) {
    heard(run, kind, data);
  }
});

/** @type {Map<string, string>} The job to be watched next, by tab: it began while another was still being shown. */
const upcoming = new Map();
/** @type {Map<string, () => void>} What waits for the last results that are on their way, by tab. */
const restoring = new Map();

/** A job has begun. One that this page put into the queue, or that a recurring job makes, is shown like its own. @param {JobEvent} data */
function begun(data) {
  const tab = tabOf(data.kind);
  if (!tab || !data.job || runs.get(tab)?.task === data.job || !(data.standing || data.source === QUEUED)) {
    return;
  }
  runs.has(tab) ? upcoming.set(tab, data.job) : follow(tab, data.job);
}

/** Watch a job that was begun elsewhere, and show its pictures when they are there. @param {string} tab @param {string} task */
function follow(tab, task) {
  watch(tab, task, false);
  press(`${tab}_restore_progress`);
}

/**
 * Called when Generate is pressed: names the run and watches it. Answers with the values to send to the server.
 * @param {string} tab
 * @param {unknown[]} values
 */
export async function begin(tab, values) {
  const task = `task(${crypto.getRandomValues(new Uint32Array(2)).join("")})`;
  watch(tab, task);
  if (restoring.has(tab)) {
    // The pictures of the time before must not come after those of this run.
    await new Promise((resolve) => restoring.set(tab, () => resolve(undefined)));
  }
  return [task, ...values.slice(1)];
}

/** The name of the run that is being watched, for the handlers that need to know it. @param {string} tab */
export function runningTask(tab) {
  return runs.get(tab)?.task ?? "";
}

/** @param {string} tab */
export function isRunning(tab) {
  return runs.has(tab);
}

/** Call `act` when the run of this tab has ended. @param {string} tab @param {() => void} act */
export function afterwards(tab, act) {
  const run = runs.get(tab);
  run ? (run.next = act) : act();
}

/** Called when the answer of the server has arrived and is shown. @param {string} tab */
export function finished(tab) {
  const run = runs.get(tab);
  if (run) {
    end(run);
  }
}

/** @param {string} tab */
export function interrupting(tab) {
  const run = runs.get(tab);
  if (run) {
    setState(tab, "interrupting");
    run.stopping = true;
    show(run);
  }
  return runningTask(tab);
}

/**
 * After a reload, or on another device: go on watching the run that was begun before it, or else the one that the server
 * is making, or else show the last pictures.
 * @param {string} tab
 */
export async function resume(tab) {
  const before = sessionStorage.getItem(key(tab));
  const task = before ?? localStorage.getItem(key(tab));
  const answer = task ? await ask(`jobs/${encodeURIComponent(task)}`) : null;
  if (task && !answer) {
    forget(tab, task);
  }
  const found = answer ? task : (await running(tab)) ?? null;
  if (runs.has(tab)) {
    return;
  }
  if (!found) {
    await showLast(tab);
  } else if (!(await watchedElsewhere(found, before === found)) && !runs.has(tab)) {
    watch(tab, found, found === task);
    press(`${tab}_restore_progress`);
  }
}

/** The job of this tab's kind that the server is making. @param {string} tab @returns {Promise<string | undefined>} */
async function running(tab) {
  const queue = await ask("queue");
  return queue?.running.find((/** @type {{ kind: string }} */ job) => tabOf(job.kind) === tab)?.id;
}

/** Show the pictures of the last job of this tab's kind. @param {string} tab */
async function showLast(tab) {
  const told = await ask("jobs?state=done&limit=20");
  const last = told?.jobs.find((/** @type {{ kind: string }} */ job) => tabOf(job.kind) === tab);
  if (last && !runs.has(tab) && document.getElementById(`${tab}_restore_last`)) {
    restoring.set(tab, () => {});
    lastJobs.set(tab, last.id);
    press(`${tab}_restore_last`);
  }
}

/** @type {Map<string, string>} */
const lastJobs = new Map();

/** The job whose pictures are to be shown when the page is opened. @param {string} tab */
export function lastJob(tab) {
  return lastJobs.get(tab) ?? "";
}

/** Called when the last pictures are shown. @param {string} tab */
export function lastShown(tab) {
  const waits = restoring.get(tab);
  restoring.delete(tab);
  waits?.();
}

/** @type {Map<string, Promise<any>>} Questions that are being answered: each tab asks the same when the page opens. */
const asked = new Map();

/** @param {string} path below /api/v1/ */
function ask(path) {
  const answer = asked.get(path) ?? api(path).catch(() => null).finally(() => asked.delete(path));
  asked.set(path, answer);
  return answer;
}

/** @param {string} tab @param {string} task @param {boolean} [own] Whether the page begins with it after a reload. */
function watch(tab, task, own = true) {
  const before = runs.get(tab);
  before?.view.close();
  before?.release();
  // This page's own memory comes first; the browser's is for a page that was closed and opened again.
  if (own) {
    sessionStorage.setItem(key(tab), task);
    localStorage.setItem(key(tab), task);
  }
  /** @type {Run} */
  const run = {
    tab, task, view: runView(tab), release: claim(task), share: 0, text: "", eta: 0, stopping: false, previewed: 0, timer: 0, next: null,
  };
  runs.set(tab, run);
  setState(tab, "running");
  stayAwake(true);
  showBusy(true);
  show(run);
}

/** @param {Run} run @param {string} kind @param {JobEvent} data */
function heard(run, kind, data) {
  if (kind === "lost") {
    run.text = "The server does not answer. Waiting for it…";
    run.eta = 0;
    show(run);
  } else if (kind === "connected") {
    run.text = "";
    show(run);
  } else if (kind === "snapshot" || kind === "position") {
    placed(run, data, kind === "snapshot");
  } else if (data.job === run.task) {
    advanced(run, kind, data);
  }
}

/** The order of the queue is known. @param {Run} run @param {JobEvent} data @param {boolean} complete */
function placed(run, data, complete) {
  const [running, waiting] = [data.running ?? [], data.waiting ?? []];
  const place = waiting.indexOf(run.task) + 1;
  if (place) {
    run.text = running.length || place > 1 ? `In queue: ${place}/${waiting.length}` : "Loading checkpoint";
    show(run);
  } else if (complete && !running.includes(run.task)) {
    askLater(run); // it may have ended while the connection was lost
  }
}

/** Something happened to this run. @param {Run} run @param {string} kind @param {JobEvent} data */
function advanced(run, kind, data) {
  if (kind === "running") {
    run.text = "Preparing";
  } else if (kind === "step") {
    [run.share, run.text, run.eta] = [Math.min(data.progress ?? 0, 1), data.text ?? "", data.eta ?? 0];
  } else if (kind === "preview") {
    showPreview(run, data.url ?? "");
  } else if (ENDED.includes(kind)) {
    askLater(run);
  }
  show(run);
}

/** @param {Run} run @param {string} url */
function showPreview(run, url) {
  const { previews, previewPeriod } = window.easelOptions;
  const now = Date.now();
  if (previews && now - run.previewed >= previewPeriod - 20) {
    run.previewed = now;
    run.view.preview(url);
  }
}

/** If the answer itself gets lost, for instance because the machine slept, ask for the result. @param {Run} run */
function askLater(run) {
  clearTimeout(run.timer);
  run.timer = setTimeout(() => runs.get(run.tab) === run && press(`${run.tab}_restore_progress`), LATE);
}

/** @param {Run} run */
function show(run) {
  run.view.show(run.share, run.stopping ? "stopping" : run.text, run.eta);
}

/** @param {Run} run */
function end(run) {
  if (runs.get(run.tab) === run) {
    runs.delete(run.tab);
  }
  clearTimeout(run.timer);
  forget(run.tab, run.task);
  run.view.close();
  run.release();
  setState(run.tab, "idle");
  stayAwake(runs.size > 0);
  showBusy(runs.size > 0);
  playSound();
  notify(run.tab);
  const next = upcoming.get(run.tab);
  upcoming.delete(run.tab);
  if (run.next) {
    run.next();
  } else if (next) {
    follow(run.tab, next);
  }
}

/** @param {string} tab @param {string} state */
function setState(tab, state) {
  document.documentElement.dataset[`${tab}State`] = state;
}

/** @param {string} tab @param {string} task */
function forget(tab, task) {
  for (const memory of [sessionStorage, localStorage]) {
    if (memory.getItem(key(tab)) === task) {
      memory.removeItem(key(tab));
    }
  }
}

/** @param {string} tab */
function key(tab) {
  return `${tab}_task_id`;
}
