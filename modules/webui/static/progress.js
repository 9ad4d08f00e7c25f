// Watches the run of a tab: buttons, progress bar, preview, title. The server is asked every quarter of a second for
// the progress and, as often as the settings say, for the preview as well.
import { element, press, route } from "./dom.js";

const PERIOD = 250;
const UNKNOWN_FOR = 20000;
const LATE = 4000;
const ANSWER = 1000;
const RELOADING = 2000;
const runs = new Map();

// The pages of one browser share the name of the last run. The one that watches it holds a lock of the browser, by which
// the others know. Browsers lend locks only to pages that are local or encrypted; elsewhere the pages ask each other.
const otherPages = new BroadcastChannel("easel-runs");
otherPages.addEventListener("message", ({ data }) => {
  if (data.whoWatches && [...runs.values()].some((run) => run.task === data.whoWatches)) {
    otherPages.postMessage({ watched: data.whoWatches });
  }
});

function lockOf(task) {
  return `easel-run ${task}`;
}

/** Show other pages that this one watches `task`, until the function that is returned is called. */
function claim(task) {
  let release;
  const watched = new Promise((resolve) => (release = resolve));
  navigator.locks?.request(lockOf(task), () => watched);
  return release;
}

async function watchedElsewhere(tab, task) {
  if (!navigator.locks) {
    return somebodyAnswers(task);
  }
  // After a reload the page that was here before may keep its lock for a moment.
  const end = Date.now() + (sessionStorage.getItem(key(tab)) === task ? RELOADING : 0);
  while (!(await navigator.locks.request(lockOf(task), { ifAvailable: true }, (lock) => lock !== null))) {
    if (Date.now() >= end) {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function somebodyAnswers(task) {
  return new Promise((resolve) => {
    const hear = ({ data }) => data.watched === task && answer(true);
    const answer = (watched) => {
      otherPages.removeEventListener("message", hear);
      resolve(watched);
    };
    otherPages.addEventListener("message", hear);
    otherPages.postMessage({ whoWatches: task });
    setTimeout(() => answer(false), ANSWER);
  });
}

/** Called when Generate is pressed: names the run and watches it. Answers with the values to send to the server. */
export function begin(tab, values) {
  const task = `task(${crypto.getRandomValues(new Uint32Array(2)).join("")})`;
  watch(tab, task);
  return [task, ...values.slice(1)];
}

/** The name of the run that is being watched, for the handlers that need to know it. */
export function runningTask(tab) {
  return runs.get(tab)?.task ?? "";
}

export function isRunning(tab) {
  return runs.has(tab);
}

/** Call `act` when the run of this tab has ended. */
export function afterwards(tab, act) {
  const run = runs.get(tab);
  run ? (run.next = act) : act();
}

/** Called when the answer of the server has arrived and is shown. */
export function finished(tab) {
  const run = runs.get(tab);
  if (run) {
    end(run);
  }
}

export function interrupting(tab) {
  setState(tab, "interrupting");
  const run = runs.get(tab);
  if (run) {
    run.stopping = true;
  }
  return runningTask(tab);
}

export function skipping(tab) {
  return runningTask(tab);
}

/** After a reload: go on watching the run that was begun before it, and fetch its pictures. */
export async function resume(tab) {
  const task = sessionStorage.getItem(key(tab)) ?? localStorage.getItem(key(tab));
  if (!task || (await watchedElsewhere(tab, task)) || runs.has(tab)) {
    return;
  }
  const state = await ask({ id_task: task, live_preview: false }).catch(() => null);
  if (!state || !(state.active || state.queued || state.completed)) {
    forget(tab, task);
    return;
  }
  if (runs.has(tab)) {
    return;
  }
  watch(tab, task);
  press(`${tab}_restore_progress`);
}

function watch(tab, task) {
  const before = runs.get(tab);
  before?.close();
  before?.release();
  // This page's own memory comes first; the browser's is for a page that was closed and opened again.
  sessionStorage.setItem(key(tab), task);
  localStorage.setItem(key(tab), task);
  const run = { tab, task, started: Date.now(), heard: Date.now(), previewId: -1, previewAsked: 0, ...panel(tab) };
  run.release = claim(task);
  runs.set(tab, run);
  setState(tab, "running");
  show(run, { progress: 0, textinfo: "" });
  run.timer = setTimeout(() => poll(run), 80);
}

async function poll(run) {
  const period = Math.max(window.easelOptions.previewPeriod || 0, PERIOD);
  const wantsPreview = window.easelOptions.previews && Date.now() - run.previewAsked >= period - 20;
  if (wantsPreview) {
    run.previewAsked = Date.now();
  }
  try {
    const state = await ask({ id_task: run.task, id_live_preview: run.previewId, live_preview: wantsPreview });
    if (runs.get(run.tab) !== run) {
      return;
    }
    heard(run, state);
  } catch {
    run.text.textContent = "The server does not answer. Waiting for it…";
  }
  if (runs.get(run.tab) === run) {
    run.timer = setTimeout(() => poll(run), Math.min(period, PERIOD));
  }
}

function heard(run, state) {
  const now = Date.now();
  if (state.active || state.queued) {
    run.heard = now;
    show(run, state);
  } else if (state.completed) {
    run.completed ??= now;
    // The answer itself has been lost, for instance because the machine slept: ask for the result again.
    if (now - run.completed > LATE && !run.fetched) {
      run.fetched = true;
      press(`${run.tab}_restore_progress`);
    }
  } else if (now - run.heard > UNKNOWN_FOR) {
    end(run);
  }
}

function show(run, state) {
  const share = Math.min(Math.max(state.progress || 0, 0), 1);
  const percent = Math.round(share * 100);
  const parts = [];
  if (state.active && (share > 0 || !state.textinfo)) {
    parts.push(`${percent}%`);
  }
  if (run.stopping) {
    parts.push("stopping");
  } else if (state.textinfo) {
    parts.push(state.textinfo);
  } else if (state.queued) {
    parts.push("waiting in the queue");
  }
  const left = state.active && state.eta > 0 ? duration(state.eta) : "";
  run.bar.style.width = `${(share * 100).toFixed(1)}%`;
  run.progress.toggleAttribute("data-unknown", share === 0);
  run.progress.setAttribute("aria-valuenow", String(percent));
  run.text.textContent = parts.join(" · ") || "starting";
  run.left.textContent = left ? `${left} left` : "";
  if (window.easelOptions.progressInTitle) {
    document.title = share > 0 ? `[${percent}%${left ? ` ETA ${left}` : ""}] Easel` : "[…] Easel";
  }
  if (state.live_preview && state.id_live_preview !== run.previewId) {
    run.previewId = state.id_live_preview;
    run.picture.src = state.live_preview;
    run.preview.hidden = false;
  }
}

function end(run) {
  if (runs.get(run.tab) === run) {
    runs.delete(run.tab);
  }
  clearTimeout(run.timer);
  forget(run.tab, run.task);
  run.close();
  run.release();
  setState(run.tab, "idle");
  document.title = "Easel";
  playSound();
  run.next?.();
}

/** Say aloud that a run has ended, with the user's own file if there is one. */
function playSound() {
  const { sound, volume } = window.easelOptions;
  if (sound && volume > 0) {
    const audio = new Audio(route(sound));
    audio.volume = volume;
    // A browser that wants a click before it plays anything has had one: Generate. If it still refuses, so be it.
    audio.play().catch(() => {});
  }
}

/** The progress bar and the preview, both over the gallery. */
function panel(tab) {
  const progress = element("div", "progressDiv");
  progress.setAttribute("role", "progressbar");
  progress.setAttribute("aria-label", "Progress");
  progress.setAttribute("aria-valuemin", "0");
  progress.setAttribute("aria-valuemax", "100");
  const bar = element("div", "progress");
  const line = element("div", "run-line");
  const text = element("span", "run-text");
  const left = element("span", "run-left");
  line.append(text, left);
  const track = element("div", "run-track");
  track.append(bar);
  progress.append(track, line);
  const container = document.getElementById(`${tab}_gallery_container`);
  const preview = element("div", "livePreview");
  preview.hidden = true;
  const picture = element("img");
  picture.alt = "Preview of the unfinished picture";
  preview.append(picture);
  container.append(preview, progress);
  const close = () => {
    progress.remove();
    preview.remove();
  };
  return { progress, bar, text, left, preview, picture, close };
}

function setState(tab, state) {
  if (state === "interrupting" && !runs.has(tab)) {
    return;
  }
  document.documentElement.dataset[`${tab}State`] = state;
}

async function ask(body) {
  const answer = await fetch(route("internal/progress"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) {
    throw new Error(`The server answered ${answer.status}.`);
  }
  return answer.json();
}

function duration(seconds) {
  const whole = Math.max(Math.ceil(seconds), 1);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : minutes ? `${minutes}:${rest}` : `${whole} s`;
}

function forget(tab, task) {
  for (const memory of [sessionStorage, localStorage]) {
    if (memory.getItem(key(tab)) === task) {
      memory.removeItem(key(tab));
    }
  }
}

function key(tab) {
  return `${tab}_task_id`;
}
