// @ts-check
// The panel of tools for a prompt: it lies over the right side of the page, the prompt stays free. One part is shown at a
// time, and each is drawn when it is first opened.
import { element, textBox, typed } from "../dom.js";
import { late } from "../late.js";
import { attempt, stage } from "../notice.js";

/**
 * @typedef {object} Place What a part works on.
 * @property {string} tab
 * @property {() => HTMLTextAreaElement | null} box the prompt in which the keyboard was last
 * @property {string} about what a part was opened for
 *
 * @typedef {{ draw: (place: HTMLElement, at: Place) => unknown }} Part
 */

/** @type {Record<string, () => Promise<Part>>} */
const PARTS = {
  Selection: late(() => import("./selection.js")),
  Builder: late(() => import("./builder.js")),
  "Trigger words": late(() => import("./triggers.js")),
  Sizes: late(() => import("./sizes.js")),
};

/** @type {{ tab: string, root: HTMLElement, from: HTMLElement } | null} */
let open = null;
/** @type {Map<string, HTMLTextAreaElement>} */
const lastBoxes = new Map();
let lastPart = "Selection";

document.addEventListener("focusin", (event) => {
  const box = event.target;
  const tab = document.documentElement.dataset.tab ?? "txt2img";
  box instanceof HTMLTextAreaElement && box.closest(".prompt") && lastBoxes.set(tab, box);
});
new MutationObserver(() => open && document.documentElement.dataset.tab !== open.tab && close())
  .observe(document.documentElement, { attributeFilter: ["data-tab"] });

/** Open the panel, or close the one that is open on the same tab. @param {string} tab @param {HTMLElement} from @param {{ part?: string, about?: string }} [at] */
export function toggle(tab, from, at) {
  const again = open?.tab === tab && !at;
  close();
  if (!again) {
    show(tab, from, at);
  }
}

function close() {
  if (open) {
    const had = open.root.contains(document.activeElement);
    open.root.remove();
    open.from.setAttribute("aria-expanded", "false");
    had && open.from.focus({ preventScroll: true });
    open = null;
  }
}

/** @param {string} tab @param {HTMLElement} from @param {{ part?: string, about?: string }} [at] */
function show(tab, from, at) {
  const root = element("section", "prompt-tools");
  root.id = "prompt_tools_panel";
  root.setAttribute("aria-label", "Tools for the prompt");
  const bar = element("div", "prompt-tools-bar");
  bar.setAttribute("role", "tablist");
  bar.setAttribute("aria-label", "Tools");
  const content = element("div", "prompt-tools-content");
  content.id = "prompt_tools_content";
  content.setAttribute("role", "tabpanel");
  content.tabIndex = -1;
  const place = {
    tab,
    about: at?.about ?? "",
    box: () => {
      const box = lastBoxes.get(tab) ?? textBox(`${tab}_prompt`);
      return box instanceof HTMLTextAreaElement ? box : null;
    },
  };
  /** @type {Map<string, HTMLElement>} */
  const drawn = new Map();
  const choose = async (/** @type {string} */ name) => {
    lastPart = name;
    for (const tool of bar.querySelectorAll("[role=tab]")) {
      const chosen = tool.textContent === name;
      tool.setAttribute("aria-selected", String(chosen));
      /** @type {HTMLElement} */ (tool).tabIndex = chosen ? 0 : -1;
      chosen && content.setAttribute("aria-labelledby", tool.id);
    }
    let part = drawn.get(name);
    if (!part) {
      part = element("div", "prompt-tools-part");
      drawn.set(name, part);
      content.replaceChildren(part);
      const fetched = await attempt(PARTS[name]);
      fetched ? fetched.draw(part, place) : drawn.delete(name);
    } else {
      content.replaceChildren(part);
    }
  };
  for (const name of Object.keys(PARTS)) {
    const tool = button(name, () => void choose(name));
    tool.id = `prompt_tools_${name.toLowerCase().replace(" ", "_")}`;
    tool.setAttribute("role", "tab");
    tool.setAttribute("aria-controls", content.id);
    bar.append(tool);
  }
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) {
      const tools = /** @type {HTMLElement[]} */ ([...bar.querySelectorAll("[role=tab]")]);
      const next = tools[(tools.findIndex((each) => each === document.activeElement) + step + tools.length) % tools.length];
      next.click();
      next.focus();
      event.preventDefault();
    }
  });
  const leave = button("×", close);
  leave.className = "prompt-tools-close";
  leave.setAttribute("aria-label", "Close the tools");
  root.append(bar, leave, content);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
      event.stopPropagation();
    }
  });
  stage().append(root);
  const line = document.getElementById(`${tab}_toprow`)?.getBoundingClientRect();
  root.style.setProperty("--from-top", `${Math.max(8, Math.round((line?.bottom ?? 200) + 8))}px`);
  from.setAttribute("aria-expanded", "true");
  open = { tab, root, from };
  void choose(at?.part ?? lastPart);
  /** @type {HTMLElement | null} */ (bar.querySelector("[aria-selected=true]"))?.focus({ preventScroll: true });
}

/** @param {string} label @param {() => void} act */
export function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", act);
  return made;
}

/** A label with its control. @param {string} label @param {HTMLElement} control */
export function field(label, control) {
  const made = element("label", "prompt-tools-field");
  const words = element("span");
  words.textContent = label;
  made.append(words, control);
  return made;
}

/** Offer other options in a list. @param {HTMLSelectElement} list @param {string[][]} options @param {string} [chosen] */
export function offer(list, options, chosen) {
  list.replaceChildren(...options.map(([value, words]) => new Option(words ?? value, value)));
  list.value = chosen ?? options[0]?.[0] ?? "";
}

/** @param {string[][]} options values with the words for them @param {string} [chosen] */
export function choice(options, chosen) {
  const made = document.createElement("select");
  offer(made, options, chosen);
  return made;
}

/** @param {string} value @param {{ min?: number, max?: number, step?: number }} [limits] */
export function number(value, limits = {}) {
  const made = document.createElement("input");
  made.type = "number";
  made.value = value;
  for (const [name, limit] of Object.entries(limits)) {
    made.setAttribute(name, String(limit));
  }
  return made;
}

/** Put a text in the place of a part of a prompt, and select it. @param {HTMLTextAreaElement} box @param {number} start @param {number} end @param {string} text */
export function putInto(box, start, end, text) {
  box.value = box.value.slice(0, start) + text + box.value.slice(end);
  box.setSelectionRange(start, start + text.length);
  typed(box);
}

/** Put words where the caret of a prompt was, with commas around them. @param {HTMLTextAreaElement} box @param {string} words */
export function insertWords(box, words) {
  const at = box.selectionEnd;
  const [before, after] = [box.value.slice(0, at).trimEnd(), box.value.slice(at).trimStart()];
  const first = before && !/[,([{|<:\n]$/.test(before) ? `${before}, ` : before && before.endsWith(",") ? `${before} ` : before;
  const last = after && !/^[,)\]}|>:]/.test(after) ? `, ${after}` : after;
  box.value = first + words + last;
  box.setSelectionRange(first.length + words.length, first.length + words.length);
  typed(box);
}
