// @ts-check
// The row above the cards: search, order, the switch for the folders, and reading them again.
import { around, element } from "../dom.js";

/** @typedef {import("./list.js").Order} Order */

/** @type {[Order, string][]} */
const ORDERS = [["path", "Path"], ["name", "Name"], ["date_created", "Created"], ["date_modified", "Modified"]];

/**
 * @param {string} id what the ids begin with
 * @param {{ order: Order, descending: boolean, tree: boolean, search: () => void, change: () => void, refresh: () => void }} options
 */
export function controls(id, options) {
  let { order, descending, tree } = options;
  const row = element("div", "extra-network-control");
  row.id = `${id}_controls`;
  const box = /** @type {HTMLInputElement} */ (element("input", "extra-network-control--search-text"));
  box.id = `${id}_extra_search`;
  box.type = "search";
  box.placeholder = "Search";
  box.autocomplete = "off";
  box.spellcheck = false;
  box.setAttribute("aria-label", "Search the cards: words of name, folder or description, or a hash");
  box.addEventListener("input", options.search);
  const count = element("span", "cards-count");
  const sorts = element("div", "cards-orders");
  sorts.setAttribute("role", "group");
  sorts.setAttribute("aria-label", "Order");
  for (const [name, label] of ORDERS) {
    const button = tool(`${id}_extra_sort_${name}`, "extra-network-control--sort", label, `Order by ${label.toLowerCase()}`);
    button.textContent = label;
    button.dataset.order = name;
    sorts.append(button);
  }
  const direction = tool(`${id}_extra_sort_dir`, "extra-network-control--sort-dir cards-icon", "", "Turn the order round");
  const folders = tool(`${id}_extra_tree_view`, "extra-network-control--tree-view cards-icon", "", "Show the folders");
  const refresh = tool(`${id}_extra_refresh`, "extra-network-control--refresh cards-icon", "", "Refresh: look for files again");
  row.append(box, count, sorts, direction, folders, refresh);
  const show = () => {
    for (const button of sorts.children) {
      const chosen = /** @type {HTMLElement} */ (button).dataset.order === order;
      button.classList.toggle("selected", chosen);
      button.setAttribute("aria-pressed", String(chosen));
    }
    direction.dataset.sortdir = descending ? "Descending" : "Ascending";
    direction.setAttribute("aria-pressed", String(descending));
    folders.setAttribute("aria-pressed", String(tree));
  };
  row.addEventListener("click", (event) => {
    const button = around(event, "button");
    if (button === refresh) {
      options.refresh();
      return;
    }
    if (button === direction) {
      descending = !descending;
    } else if (button === folders) {
      tree = !tree;
    } else if (button?.dataset.order) {
      order = /** @type {Order} */ (button.dataset.order);
    } else {
      return;
    }
    show();
    options.change();
  });
  show();
  return {
    element: row,
    text: () => box.value,
    write: (/** @type {string} */ text) => {
      box.value = text;
    },
    order: () => order,
    descending: () => descending,
    tree: () => tree,
    count: (/** @type {number} */ shown, /** @type {number} */ all) => {
      count.textContent = shown === all ? all.toLocaleString() : `${shown.toLocaleString()} of ${all.toLocaleString()}`;
    },
  };
}

/** @param {string} id @param {string} classes @param {string} text @param {string} label */
function tool(id, classes, text, label) {
  const button = element("button", `extra-network-control--button ${classes}`);
  button.id = id;
  button.setAttribute("type", "button");
  button.title = label;
  button.setAttribute("aria-label", text || label);
  return button;
}
