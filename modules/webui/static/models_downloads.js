// @ts-check
// Fetching model files: the form, and what is on its way with its progress.
import { api } from "./api.js";
import { element } from "./dom.js";
import { onEvent } from "./events.js";
import { attempt } from "./notice.js";

const ENDED = ["done", "failed", "interrupted"];
const KINDS = ["checkpoint", "vae", "lora", "embedding", "hypernetwork", "upscaler"];

/** @param {string} refused why nothing may be fetched here; "" where it may @param {() => unknown} came */
export function downloads(refused, came) {
  const box = document.createElement("details");
  box.className = "models-downloads";
  const summary = document.createElement("summary");
  summary.textContent = "Download a model";
  box.append(summary);
  const rows = element("ul", "models-fetching");
  box.append(refused ? told(refused) : form(), rows);
  /** @type {Map<string, { row: HTMLElement, bar: HTMLProgressElement, text: HTMLElement }>} */
  const known = new Map();

  const show = (/** @type {any} */ job) => {
    if (job?.kind !== "download") {
      return;
    }
    const entry = known.get(job.id) ?? begin(job);
    const ended = ENDED.includes(job.state);
    entry.bar.value = job.state === "done" ? 1 : job.progress?.fraction ?? entry.bar.value;
    entry.text.textContent = [job.title, ended ? { done: "is there", failed: job.error, interrupted: "stopped" }[/** @type {"done"} */ (job.state)] : `${Math.round(entry.bar.value * 100)} %`].join(": ");
    entry.row.dataset.state = job.state;
    if (ended) {
      entry.row.querySelector("button")?.remove();
    }
  };
  const begin = (/** @type {any} */ job) => {
    const row = element("li", "models-download");
    const [text, bar, stop] = [element("span"), document.createElement("progress"), document.createElement("button")];
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Progress of ${job.title}`);
    stop.type = "button";
    stop.textContent = "Cancel";
    stop.addEventListener("click", () => attempt(() => api(`jobs/${encodeURIComponent(job.id)}/cancel`, { method: "POST" })));
    row.append(text, bar, stop);
    rows.prepend(row);
    box.open = true;
    const entry = { row, bar, text };
    known.set(job.id, entry);
    return entry;
  };
  const ask = async (/** @type {string} */ id) => show(await api(`jobs/${encodeURIComponent(id)}`).catch(() => null));
  onEvent((kind, data) => {
    const id = data.job ?? "";
    if (kind === "step" && known.has(id)) {
      const entry = known.get(id);
      if (entry) {
        entry.bar.value = data.progress ?? 0;
        entry.text.textContent = `${entry.text.textContent?.replace(/: \d+ %$/, "")}: ${Math.round((data.progress ?? 0) * 100)} %`;
      }
    } else if (data.kind === "download" || (ENDED.includes(kind) && known.has(id))) {
      ask(id).then(() => kind === "done" && came());
    }
  });
  api("queue").then((queue) => [...queue.running, ...queue.waiting].forEach(show)).catch(() => {});
  return box;
}

function form() {
  const made = document.createElement("form");
  made.className = "models-form";
  const url = input("models_url", "Address of the file", "url");
  url.required = true;
  url.placeholder = "https://…/model.safetensors";
  const kind = document.createElement("select");
  kind.id = "models_download_kind";
  kind.setAttribute("aria-label", "What it is");
  kind.append(...KINDS.map((each) => new Option(each, each)));
  const [name, sha] = [input("models_name", "Name here; empty: the server's"), input("models_sha256", "SHA-256, if you know it")];
  name.placeholder = "Name (optional)";
  sha.placeholder = "SHA-256 (optional)";
  const [pickle, pickleLabel] = tick("models_pickle", "also .ckpt, .pt, .pth, .bin");
  const [replace, replaceLabel] = tick("models_replace", "replace a file of that name");
  const problem = element("p", "note error");
  problem.hidden = true;
  const fetch = document.createElement("button");
  fetch.textContent = "Download";
  made.append(url, kind, name, sha, pickleLabel, replaceLabel, fetch, problem);
  made.addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = { url: url.value, kind: kind.value, name: name.value, sha256: sha.value || null, allow_pickle: pickle.checked, overwrite: replace.checked };
    problem.hidden = true;
    try {
      await api("models/download", { body });
      url.value = name.value = sha.value = "";
    } catch (error) {
      problem.textContent = error instanceof Error ? error.message : String(error);
      problem.hidden = false;
    }
  });
  return made;
}

/** @param {string} id @param {string} label */
function input(id, label, type = "text") {
  const made = document.createElement("input");
  made.id = id;
  made.type = type;
  made.setAttribute("aria-label", label);
  return made;
}

/** @param {string} id @param {string} text @returns {[HTMLInputElement, HTMLElement]} */
function tick(id, text) {
  const [box, label] = [input(id, text, "checkbox"), element("label")];
  label.append(box, ` ${text}`);
  return [box, label];
}

/** @param {string} text */
function told(text) {
  const made = element("p", "note quiet");
  made.textContent = text;
  return made;
}
