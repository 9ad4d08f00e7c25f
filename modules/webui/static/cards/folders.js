// @ts-check
// The folders of a page: as a row of buttons, or as a tree that opens level by level.
import { around, element } from "../dom.js";

/** @typedef {{ directories: string[], slash: boolean, chosen: string, choose: (folder: string) => void }} Shown */

/** Buttons for all folders. @param {HTMLElement} place @param {Shown} shown */
export function drawDirectories(place, shown) {
  const all = folderButton("all", "", shown.chosen === "");
  const buttons = shown.directories.map((folder) => (
    folderButton(shown.slash ? folder : folder.slice(1), folder, shown.chosen === folder)
  ));
  place.replaceChildren(all, ...buttons);
  place.onclick = (event) => {
    const button = around(event, "button.search-dirs");
    if (button) {
      shown.choose(button.dataset.folder ?? "");
    }
  };
}

/** @param {string} text @param {string} folder @param {boolean} chosen */
function folderButton(text, folder, chosen) {
  const button = element("button", `search-dirs${chosen ? " selected" : ""}`);
  button.setAttribute("type", "button");
  button.setAttribute("aria-pressed", String(chosen));
  button.dataset.folder = folder;
  button.textContent = text;
  return button;
}

/** @type {WeakMap<HTMLElement, Set<string>>} The folders that are open in each tree. */
const opened = new WeakMap();

/** A tree of all folders. @param {HTMLElement} place @param {Shown} shown */
export function drawTree(place, shown) {
  const open = opened.get(place) ?? new Set();
  opened.set(place, open);
  for (let path = shown.chosen; path; path = path.slice(0, path.lastIndexOf("/"))) {
    open.add(path.slice(0, path.lastIndexOf("/")));
  }
  /** @type {Map<string, string[]>} */
  const below = new Map();
  for (const folder of shown.directories) {
    const above = folder.slice(0, folder.lastIndexOf("/"));
    below.set(above, [...(below.get(above) ?? []), folder]);
  }
  place.replaceChildren(level("", below, open, shown));
  place.onclick = (event) => {
    const button = around(event, "button");
    const folder = button?.dataset.folder ?? "";
    if (button?.classList.contains("tree-open")) {
      open.has(folder) ? open.delete(folder) : open.add(folder);
      drawTree(place, shown);
      /** @type {HTMLElement | null} */ (place.querySelector(`.tree-open[data-folder="${CSS.escape(folder)}"]`))?.focus();
    } else if (button) {
      shown.choose(shown.chosen === folder ? "" : folder);
    }
  };
}

/** @param {string} above @param {Map<string, string[]>} below @param {Set<string>} open @param {Shown} shown @returns {HTMLElement} */
function level(above, below, open, shown) {
  const list = element("ul", "tree-list");
  for (const folder of below.get(above) ?? []) {
    const item = element("li", "tree-list-item");
    const row = element("div", "tree-row");
    const name = folder.slice(folder.lastIndexOf("/") + 1);
    if (below.has(folder)) {
      const arrow = element("button", "tree-open");
      arrow.setAttribute("type", "button");
      arrow.setAttribute("aria-label", `Folders in ${name}`);
      arrow.setAttribute("aria-expanded", String(open.has(folder)));
      arrow.dataset.folder = folder;
      row.append(arrow);
    }
    const button = element("button", `tree-folder${shown.chosen === folder ? " selected" : ""}`);
    button.setAttribute("type", "button");
    button.setAttribute("aria-pressed", String(shown.chosen === folder));
    button.dataset.folder = folder;
    button.textContent = name;
    row.append(button);
    item.append(row);
    if (open.has(folder)) {
      item.append(level(folder, below, open, shown));
    }
    list.append(item);
  }
  return list;
}
