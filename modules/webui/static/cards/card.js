// @ts-check
// One card: drawn into a cell that may have held another one.
import { element, route } from "../dom.js";

/** @typedef {import("./list.js").Card} Card */

const ALLOWED = new Set(["B", "I", "EM", "STRONG", "U", "S", "CODE", "P", "BR", "UL", "OL", "LI", "SPAN", "DIV", "A", "SMALL", "H1", "H2", "H3", "H4"]);

/**
 * @typedef {object} Look
 * @property {boolean} description
 * @property {boolean} html
 * @property {boolean} notes whether notes can be written
 * @property {boolean} words whether its kind has trigger words
 * @property {boolean} pressed
 * @property {boolean} focused
 */

/** @param {HTMLElement} cell @param {Card} card @param {Look} look */
export function drawCard(cell, card, look) {
  if (!cell.firstChild) {
    build(cell);
  }
  cell.className = `virtual-cell card${card.problem ? " broken" : ""}${look.pressed ? " chosen" : ""}`;
  cell.dataset.name = card.name;
  const [main, buttons] = /** @type {HTMLElement[]} */ ([...cell.children]);
  const [picture, letters, words] = /** @type {HTMLElement[]} */ ([...main.children]);
  showPicture(/** @type {HTMLImageElement} */ (picture), card.preview);
  letters.textContent = card.preview ? "" : card.name.slice(0, 2);
  const [name, about] = /** @type {HTMLElement[]} */ ([...words.children]);
  name.textContent = card.name;
  describe(about, card.problem ?? (look.description ? card.description : ""), look.html && !card.problem);
  main.setAttribute("aria-pressed", String(look.pressed));
  main.title = card.problem ?? (card.path || card.name);
  main.tabIndex = look.focused ? 0 : -1;
  for (const button of /** @type {HTMLElement[]} */ ([...buttons.children])) {
    button.tabIndex = look.focused ? 0 : -1;
    const isAllowed = button.classList.contains("words-button") ? look.words : look.notes || button.classList.contains("copy-path-button");
    button.hidden = !card.path || !isAllowed;
  }
}

/** @param {HTMLElement} cell */
function build(cell) {
  const main = element("button", "card-main");
  main.setAttribute("type", "button");
  const picture = /** @type {HTMLImageElement} */ (element("img", "preview"));
  picture.alt = "";
  picture.decoding = "async";
  picture.addEventListener("error", () => picture.removeAttribute("src"));
  const words = element("span", "actions");
  words.append(element("span", "name"), element("span", "description"));
  main.append(picture, element("span", "letters"), words);
  const buttons = element("span", "button-row");
  buttons.append(tool("copy-path-button", "Copy the path of the file"), tool("metadata-button", "What the file says"), tool("edit-button", "Notes and picture"), tool("words-button", "Trigger words"));
  cell.append(main, buttons);
}

/** @param {string} name @param {string} label */
function tool(name, label) {
  const button = element("button", `card-button ${name}`);
  button.setAttribute("type", "button");
  button.setAttribute("aria-label", label);
  button.title = label;
  return button;
}

/** @param {HTMLImageElement} picture @param {string | null} address */
function showPicture(picture, address) {
  const wanted = address ? route(address) : "";
  if (wanted !== picture.src) {
    // The picture of the card that the cell held before must not be seen meanwhile.
    picture.removeAttribute("src");
    if (wanted) {
      picture.src = wanted;
    }
  }
}

/** @param {HTMLElement} place @param {string} text @param {boolean} html */
function describe(place, text, html) {
  if (html) {
    place.replaceChildren(...harmless(text));
  } else {
    place.textContent = text;
  }
}

/** The text of a description as HTML, of which only what writes is left: nothing that runs, loads or leaves. @param {string} text */
export function harmless(text) {
  const read = new DOMParser().parseFromString(text, "text/html");
  for (const each of [...read.body.querySelectorAll("*")]) {
    if (!ALLOWED.has(each.tagName)) {
      each.replaceWith(...(["SCRIPT", "STYLE", "TEMPLATE"].includes(each.tagName) ? [] : each.childNodes));
      continue;
    }
    const address = each.getAttribute("href");
    for (const { name } of [...each.attributes]) {
      each.removeAttribute(name);
    }
    if (each.tagName === "A" && address && /^https?:/i.test(address)) {
      each.setAttribute("href", address);
      each.setAttribute("target", "_blank");
      each.setAttribute("rel", "noopener noreferrer");
    }
  }
  return [...read.body.childNodes];
}
