// @ts-check
// The Models tab: a search over all model files, the list, what can be done with one, and downloads.
import { api, query } from "./api.js";
import { element } from "./dom.js";
import { downloads } from "./models_downloads.js";
import { calculateHashes, changeLoaded } from "./loaded_checkpoint.js";
import { attempt } from "./notice.js";
import { VirtualList } from "./virtual_list.js";

const PAGE = 100;
const PAUSE = 60;
const ROW = 58;
/** @type {[string, string][]} */
const KINDS = [["", "All kinds"], ["checkpoint", "Checkpoints"], ["vae", "VAE"], ["lora", "LoRA"], ["embedding", "Embeddings"], ["hypernetwork", "Hypernetworks"], ["upscaler", "Upscalers"]];

export function watchModels() {
  const place = document.getElementById("easel_models");
  if (place) {
    new Models(place);
  }
}

class Models {
  /** @param {HTMLElement} place */
  constructor(place) {
    this.place = place;
    /** @type {Map<number, any>} Files by their place in the list. */
    this.known = new Map();
    /** @type {Set<number>} Pages that are on their way or there. */
    this.asked = new Set();
    this.turn = 0;
    this.timer = 0;
    this.search = field("input", "models_search", "Search model files");
    this.search.setAttribute("type", "search");
    this.search.setAttribute("placeholder", "Search names, families, words of training, or a hash");
    this.kind = choice("models_kind", "Kind", KINDS);
    this.state = choice("models_state", "State", [["", "Whole and broken"], ["true", "Broken only"], ["false", "Whole only"]]);
    this.sort = choice("models_sort", "Order", [["name", "By name"], ["size", "By size"], ["modified", "Newest first"]]);
    this.count = element("span", "models-count");
    this.count.setAttribute("role", "status");
    this.list = new VirtualList({ height: ROW, label: "Model files", draw: (row, index) => this.draw(row, index), range: (first, last) => this.need(first, last) });
    const bar = element("div", "models-bar");
    bar.append(this.search, this.kind, this.state, this.sort);
    for (const box of [this.search, this.kind, this.state, this.sort]) {
      box.addEventListener("input", () => this.later());
    }
    const tools = element("div", "models-tools");
    tools.append(
      button("Look again", () => this.refresh()),
      button("Calculate all hashes", () => calculateHashes(this.kind.value ? [this.kind.value] : undefined)),
      button("Unload the checkpoint", () => changeLoaded("unload")),
      button("Reload the checkpoint", () => changeLoaded("reload")),
      this.count,
    );
    const empty = element("p", "models-empty");
    empty.hidden = true;
    this.empty = empty;
    place.append(bar, tools, downloads(place.dataset.refused ?? "", () => this.refresh()), empty, this.list.element);
    // The list is asked for when the tab is first seen.
    const seen = new IntersectionObserver(() => place.clientWidth && (seen.disconnect(), this.load()));
    seen.observe(place);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), PAUSE);
  }

  asking(/** @type {number} */ offset) {
    const sort = this.sort.value;
    return query({ kind: this.kind.value, search: this.search.value, broken: this.state.value, sort, order: sort === "name" ? "asc" : "desc", offset: String(offset), limit: PAGE });
  }

  async load() {
    const turn = ++this.turn;
    const told = await attempt(() => api(`models?${this.asking(0)}`));
    if (!told || turn !== this.turn) {
      return;
    }
    this.known = new Map(told.items.map((/** @type {any} */ item, /** @type {number} */ index) => [index, item]));
    this.asked = new Set([0]);
    this.count.textContent = `${told.total.toLocaleString("en")} ${told.total === 1 ? "file" : "files"}`;
    this.empty.hidden = told.total > 0;
    this.empty.textContent = this.search.value || this.kind.value || this.state.value ? "No file fits. Search for less." : "There are no model files yet. Put some into the folders below models/, or fetch one here.";
    this.list.element.scrollTop = 0;
    this.list.count(told.total);
  }

  /** Fetch what is not known of the places. @param {number} first @param {number} last */
  async need(first, last) {
    const turn = this.turn;
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page++) {
      if (this.asked.has(page)) {
        continue;
      }
      this.asked.add(page);
      const told = await api(`models?${this.asking(page * PAGE)}`).catch(() => null);
      if (turn !== this.turn) {
        return;
      }
      told ? told.items.forEach((/** @type {any} */ item, /** @type {number} */ index) => this.known.set(page * PAGE + index, item)) : this.asked.delete(page);
      this.list.place(true);
    }
  }

  /** @param {HTMLElement} row @param {number} index */
  draw(row, index) {
    const item = this.known.get(index);
    row.replaceChildren();
    row.toggleAttribute("data-broken", Boolean(item?.problem));
    if (!item) {
      return;
    }
    const words = element("div", "models-words");
    const [name, about] = [element("p", "models-name"), element("p", "models-about")];
    name.textContent = item.name;
    row.title = item.problem ? `${item.path}\n${item.problem}` : item.path;
    const hash = item.hashes.autov2 ?? item.hashes.autov3;
    about.textContent = item.problem?.replace(`${item.path} `, "") ?? [item.kind, item.family, item.details.variant, size(item.size), hash].filter(Boolean).join(" · ");
    words.append(name, about);
    const act = button("Hash", () => this.hash(index, item));
    act.setAttribute("aria-label", `Calculate the hash of ${item.name}`);
    act.hidden = Boolean(item.hashes.sha256) || item.kind === "upscaler";
    row.append(words, act);
  }

  /** @param {number} index @param {any} item */
  async hash(index, item) {
    const address = `models/${item.kind}/${item.name.split("/").map(encodeURIComponent).join("/")}`;
    const known = await attempt(() => api(`${address}?hash=true`));
    for (let tries = 0; known && tries < 600; tries++) {
      const now = await api(address).catch(() => null);
      if (now?.hashes.sha256) {
        this.known.set(index, now);
        this.list.place(true);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  async refresh() {
    await attempt(() => api("refresh-models", { method: "POST" }));
    await this.load();
  }
}

/** @param {string} name @param {string} id @param {string} label @returns {HTMLInputElement} */
function field(name, id, label) {
  const made = /** @type {HTMLInputElement} */ (document.createElement(name));
  made.id = id;
  made.setAttribute("aria-label", label);
  return made;
}

/** @param {string} id @param {string} label @param {[string, string][]} entries */
function choice(id, label, entries) {
  const made = document.createElement("select");
  made.id = id;
  made.setAttribute("aria-label", label);
  made.append(...entries.map(([value, text]) => new Option(text, value)));
  return made;
}

/** @param {string} label @param {() => unknown} act */
export function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

/** @param {number | null} bytes */
function size(bytes) {
  if (bytes === null) {
    return "";
  }
  const units = ["bytes", "KB", "MB", "GB"];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), 3);
  return `${(bytes / 1024 ** power).toFixed(power > 1 ? 1 : 0)} ${units[power]}`;
}
