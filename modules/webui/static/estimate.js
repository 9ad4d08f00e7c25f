// @ts-check
// How long the pictures would take that the controls ask for, and how much memory, below the buttons that begin them.
import { api, query } from "./api.js";
import { element, panels } from "./dom.js";
import { onEvent } from "./events.js";

const PAUSE = 500;
/** Numbers of which there may be pictures, by control. */
const BOUNDS = { width: [8, 16384], height: [8, 16384], steps: [1, 10_000], batch_count: [1, 10_000], batch_size: [1, 1000] };

/** @type {Map<string, string>} What was last asked, by tab. */
const asked = new Map();
let timer = 0;

export function watchEstimates() {
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void estimate(), PAUSE);
  };
  const touched = (/** @type {Event} */ event) => {
    // What is typed into a prompt changes nothing here.
    event.target instanceof HTMLTextAreaElement || later();
  };
  document.addEventListener("input", touched);
  document.addEventListener("change", touched);
  document.addEventListener("focusout", touched);
  new MutationObserver(later).observe(document.documentElement, { attributeFilter: ["data-tab", "data-checkpoint"] });
  onEvent((kind) => {
    if (kind === "done" || kind === "connected") {
      asked.clear();
      later();
    }
  });
  later();
}

/** @param {string} id */
function numberIn(id) {
  const box = document.querySelector(`#${id} input[type=number]`);
  return box instanceof HTMLInputElement ? box.value : "";
}

/** Whether there may be a picture of the numbers as they stand, perhaps half typed. @param {string} tab */
function isPossible(tab) {
  return Object.entries(BOUNDS).every(([name, [least, most]]) => {
    const value = Number(numberIn(`${tab}_${name}`));
    return Number.isInteger(value) && value >= least && value <= most;
  });
}

/** What the controls of a tab ask for. @param {string} tab */
function wanted(tab) {
  const sampler = document.querySelector(`#${tab}_sampling input`);
  const checkpoint = document.querySelector("#setting_sd_model_checkpoint input");
  const second = document.querySelector(`#${tab}_hr-checkbox input`);
  const hires = second instanceof HTMLInputElement && second.checked;
  const size = hires ? [...(document.getElementById("txtimg_hr_finalres")?.textContent ?? "").matchAll(/(\d+)[x×](\d+)/g)].pop() : null;
  return query({
    width: numberIn(`${tab}_width`), height: numberIn(`${tab}_height`), steps: numberIn(`${tab}_steps`),
    batch_size: numberIn(`${tab}_batch_size`), batch_count: numberIn(`${tab}_batch_count`),
    sampler: sampler instanceof HTMLInputElement ? sampler.value : "",
    denoising_strength: tab === "img2img" ? numberIn("img2img_denoising_strength") : "",
    hires_width: size?.[1], hires_height: size?.[2], hires_steps: size ? numberIn(`${tab}_hires_steps`) : "",
  }) + (checkpoint instanceof HTMLInputElement ? `#${checkpoint.value}` : "");
}

async function estimate() {
  const tab = document.documentElement.dataset.tab ?? panels()[0] ?? "";
  if (!panels().includes(tab) || document.hidden) {
    return;
  }
  if (!isPossible(tab)) {
    asked.delete(tab);
    show(tab, { seconds: null }); // Generate says what is wrong
    return;
  }
  const now = wanted(tab);
  if (asked.get(tab) === now) {
    return;
  }
  asked.set(tab, now);
  try {
    const told = await api(`estimate?${now.split("#")[0]}`);
    asked.get(tab) === now && show(tab, told);
  } catch {
    show(tab, { seconds: null }); // values that no picture could have; Generate says which
  }
}

/** @param {string} tab @param {any} told */
function show(tab, told) {
  let line = document.getElementById(`${tab}_estimate`);
  if (!line && told.seconds !== null) {
    line = element("p", "estimate");
    line.id = `${tab}_estimate`;
    document.getElementById(`${tab}_actions_column`)?.append(line);
  }
  if (line) {
    const memory = told.peak_bytes ? `, ${(told.peak_bytes / 1e9).toFixed(1)} GB` : "";
    const loading = told.loading_seconds ? ` and ${duration(told.loading_seconds)} to read the checkpoint` : "";
    line.textContent = told.seconds === null ? "" : `About ${duration(told.seconds)}${memory}${loading}`;
    line.title = told.exact ? `Measured here: ${told.runs} ${told.runs === 1 ? "run" : "runs"} like it` : "From what was measured here at other sizes";
  }
}

/** @param {number} seconds */
function duration(seconds) {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : seconds < 100 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
