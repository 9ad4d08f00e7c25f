// @ts-check
// The search box of the history and its filters.
import { api, query } from "./api.js";
import { element } from "./dom.js";

const OFFER_AGAIN = 5000;

/** @typedef {Record<string, string | number | boolean | null>} Values */

/**
 * @param {() => void} changed
 * @returns {{ element: HTMLElement, values: () => Values }}
 */
export function filterBar(changed) {
  const bar = element("div", "history-filters");
  bar.setAttribute("role", "search");
  const text = input("search", "Search prompts", "history_search");
  text.placeholder = "Search the words of prompts, models, networks";
  text.classList.add("history-search");
  const names = ["model", "network", "sampler"].map((name) => {
    const box = input("text", name[0].toUpperCase() + name.slice(1), `history_${name}`);
    const list = document.createElement("datalist");
    list.id = `history_${name}_list`;
    box.setAttribute("list", list.id);
    box.dataset.name = name;
    return { box, list };
  });
  const size = input("text", "Size", "history_size");
  size.placeholder = "512x768";
  const seed = input("text", "Seed", "history_seed");
  seed.inputMode = "numeric";
  const [since, until] = [input("date", "From", "history_since"), input("date", "To", "history_until")];
  const rating = select("Rating", "history_rating", [["0", "any"], ["1", "★ or more"], ["2", "★★"], ["3", "★★★"], ["4", "★★★★"], ["5", "★★★★★"]]);
  const shown = select("Show", "history_shown", [["", "all"], ["favourite", "favourites"], ["grid", "grids"], ["trash", "trash"]]);
  const mark = input("text", "Mark", "history_mark");
  const marks = document.createElement("datalist");
  marks.id = "history_mark_list";
  mark.setAttribute("list", marks.id);
  const boxes = [text, ...names.map(({ box }) => box), size, seed, mark, rating, since, until, shown];
  // On a phone the filters are folded away, so that pictures are seen.
  const more = document.createElement("details");
  more.className = "history-more";
  more.open = !matchMedia("(max-width: 560px)").matches;
  const summary = document.createElement("summary");
  summary.textContent = "Filters";
  const fields = element("div", "history-fields");
  more.append(summary, fields);
  for (const box of boxes) {
    box.addEventListener("input", changed);
    (box === text ? bar : fields).append(labelled(box));
  }
  bar.append(more, ...names.map(({ list }) => list), marks);

  const values = () => {
    const [width, height] = /^(\d+)\s*[x×*]\s*(\d+)$/i.exec(size.value.trim())?.slice(1) ?? ["", ""];
    return {
      q: text.value.trim(), ...Object.fromEntries(names.map(({ box }) => [box.dataset.name, box.value.trim()])), width, height,
      seed: /^-?\d{1,20}$/.test(seed.value.trim()) ? seed.value.trim() : "", mark: mark.value.trim(),
      rating: rating.value === "0" ? "" : rating.value, since: since.value, until: dayAfter(until.value),
      favourite: shown.value === "favourite", kind: shown.value === "grid" ? "grid" : "", trashed: shown.value === "trash",
    };
  };
  let [offered, asked] = ["", -Infinity];
  // The names that are offered are counted when the pointer or focus reaches them, not with every new picture.
  bar.addEventListener("focusin", async () => {
    if (performance.now() - asked < OFFER_AGAIN) {
      return;
    }
    asked = performance.now();
    const told = await api(`history/counts?${query({ trashed: values().trashed })}`).catch(() => null);
    const text = JSON.stringify(told);
    if (told && text !== offered) {
      offered = text;
      names.forEach(({ box, list }) => fill(list, told[box.dataset.name === "network" ? "networks" : box.dataset.name ?? ""]));
      fill(marks, told.mark);
    }
  });
  return { element: bar, values };
}

/** @param {HTMLElement} list @param {[string, number][]} counted */
function fill(list, counted) {
  list.replaceChildren(...counted.filter(([name]) => name).map(([name, count]) => {
    const option = document.createElement("option");
    option.value = name;
    option.label = `${count} pictures`;
    return option;
  }));
}

/** The first day that is too late. @param {string} day */
function dayAfter(day) {
  if (!day) {
    return "";
  }
  const next = new Date(`${day}T12:00`);
  next.setDate(next.getDate() + 1);
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  return `${next.getFullYear()}-${two(next.getMonth() + 1)}-${two(next.getDate())}`;
}

/** @param {string} type @param {string} label @param {string} id */
function input(type, label, id) {
  const box = document.createElement("input");
  [box.type, box.id] = [type, id];
  box.dataset.label = label;
  return box;
}

/** @param {string} label @param {string} id @param {string[][]} options */
function select(label, id, options) {
  const box = document.createElement("select");
  box.id = id;
  box.dataset.label = label;
  for (const [value, words] of options) {
    box.append(new Option(words, value));
  }
  return box;
}

/** @param {HTMLElement} box */
function labelled(box) {
  const label = document.createElement("label");
  label.className = box.classList.contains("history-search") ? "history-filter wide" : "history-filter";
  const name = element("span");
  name.textContent = box.dataset.label ?? "";
  label.append(name, box);
  return label;
}
