// @ts-check
// Completion while a prompt is typed: a list under the caret. Tab takes the first entry, the arrow keys choose, Enter takes
// what was chosen, Escape closes; a finger takes what it touches.
import { api, query } from "../api.js";
import { element, panels, textBox, typed } from "../dom.js";
import { stage } from "../notice.js";
import { write } from "../prompt_history.js";
import { caretPlace } from "./caret.js";
import { completed, short, withWords, wordAt } from "./words.js";

/**
 * @typedef {{ kind: string, label: string, text: string, style_prompt: string, style_negative_prompt: string, category: string, count: number | null, detail: string }} Item
 * @typedef {import("./words.js").Typed} Typed
 */

const PROMPTS = ".prompt, #hires_prompt, #hires_neg_prompt";
const KINDS = /** @type {Record<string, string>} */ ({ lora: "LoRA", hypernetwork: "hypernetwork", embedding: "embedding", wildcard: "wildcard", style: "style" });
const SHOWN = 20;
const REMEMBERED = 300;

/** @type {Map<string, Item[]>} */
const answers = new Map();
/** @type {AbortController | null} */
let asking = null;
/** @type {{ box: HTMLTextAreaElement, typed: Typed, items: Item[], list: HTMLElement, chosen: number, caret: number } | null} */
let open = null;

export function watchCompletion() {
  document.addEventListener("input", (event) => {
    const box = promptOf(event);
    if (box && event.isTrusted) {
      /** @type {InputEvent} */ (event).isComposing ? close() : void offer(box);
    } else if (open && box === open.box) {
      close();
    }
  });
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("focusout", (event) => open && event.target === open.box && close());
  document.addEventListener("selectionchange", () => {
    if (open && (document.activeElement !== open.box || open.box.selectionStart !== open.caret)) {
      close();
    }
  });
  addEventListener("scroll", (event) => open && !(event.target instanceof Node && open.list.contains(event.target)) && close(), true);
  addEventListener("resize", close);
  // Lists of tags are read when they are first asked for: before the first letter.
  void ask("aa").catch(() => {});
}

/** @param {Event} event */
function promptOf(event) {
  return promptAt(event.target);
}

/** @param {EventTarget | null} box */
function promptAt(box) {
  return box instanceof HTMLTextAreaElement && box.closest(PROMPTS) ? box : null;
}

/** Offer what the word at the caret of a prompt may become. @param {Element | null} element */
export function offerAt(element) {
  const box = promptAt(element);
  box && void offer(box);
}

/** @param {HTMLTextAreaElement} box */
async function offer(box) {
  const [value, caret] = [box.value, box.selectionStart];
  const word = caret === box.selectionEnd ? wordAt(value, caret) : null;
  asking?.abort();
  if (!word) {
    close();
    return;
  }
  /** @type {Item[]} */
  let items;
  try {
    items = await ask(word.word);
  } catch {
    return; // a later letter has asked again, or the server is away; nothing is in the way of typing
  }
  if (box.value === value && box.selectionStart === caret && document.activeElement === box) {
    items.length ? show(box, word, items) : close();
  }
}

/** @param {string} word @returns {Promise<Item[]>} */
async function ask(word) {
  const known = answers.get(word);
  if (known) {
    return known;
  }
  asking = new AbortController();
  const told = await api(`completions?${query({ q: word, limit: SHOWN })}`, { signal: asking.signal });
  if (answers.size >= REMEMBERED) {
    answers.clear();
  }
  // Lists, files and styles change: what was told is good for a little while.
  answers.set(word, told.items);
  setTimeout(() => answers.delete(word), 30_000);
  return told.items;
}

/** @param {HTMLTextAreaElement} box @param {Typed} word @param {Item[]} items */
function show(box, word, items) {
  const list = open?.box === box ? open.list : newList(box);
  list.replaceChildren(...items.map((item, index) => row(item, index)));
  list.scrollTop = 0;
  open = { box, typed: word, items, list, chosen: -1, caret: box.selectionStart };
  place(box, list, word.start);
  box.removeAttribute("aria-activedescendant");
}

/** @param {HTMLTextAreaElement} box */
function newList(box) {
  close();
  const list = element("ul", "prompt-completion");
  list.id = "prompt_completion";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "What the word may become");
  // Taking an entry must not take the keyboard from the prompt.
  list.addEventListener("pointerdown", (event) => event.pointerType === "mouse" && event.preventDefault());
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const item = event.target instanceof Element ? event.target.closest("li") : null;
    item instanceof HTMLElement && take(Number(item.dataset.index));
  });
  stage().append(list);
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-autocomplete", "list");
  return list;
}

/** @param {Item} item @param {number} index */
function row(item, index) {
  const line = element("li");
  line.id = `prompt_completion_${index}`;
  line.dataset.index = String(index);
  line.dataset.category = item.kind === "tag" ? item.category : item.kind;
  line.setAttribute("role", "option");
  line.setAttribute("aria-selected", "false");
  const [label, detail, about] = [element("span", "label"), element("span", "detail"), element("span", "about")];
  label.textContent = item.kind === "tag" ? item.label.replaceAll("_", " ").trim() || item.label : item.label;
  detail.textContent = item.kind === "tag" && item.detail ? `← ${item.detail.replaceAll("_", " ")}` : item.detail;
  const what = KINDS[item.kind] ?? (item.category === "general" ? "" : item.category);
  about.textContent = [what, item.count ? short(item.count) : ""].filter(Boolean).join(" ");
  line.append(label, detail, about);
  return line;
}

/** Under the word, or over it where there is no room. @param {HTMLTextAreaElement} box @param {HTMLElement} list @param {number} at */
function place(box, list, at) {
  const caret = caretPlace(box, at);
  const [width, height] = [list.offsetWidth, list.offsetHeight];
  const lower = Math.min(Math.max(caret.y, box.getBoundingClientRect().top), box.getBoundingClientRect().bottom);
  const below = lower + height <= innerHeight - 8;
  list.style.left = `${Math.max(8, Math.min(caret.x - 8, innerWidth - width - 8))}px`;
  list.style.top = `${below ? lower + 2 : Math.max(8, lower - caret.line - height - 2)}px`;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (!open || event.target !== open.box || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) {
    return;
  }
  const last = open.items.length - 1;
  const steps = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["PageDown", 8], ["PageUp", -8]]);
  const step = steps.get(event.key);
  if (step !== undefined) {
    const at = open.chosen < 0 ? (step > 0 ? 0 : last) : open.chosen + step;
    choose(Math.abs(step) === 1 ? (at + last + 1) % (last + 1) : Math.min(Math.max(at, 0), last));
  } else if (event.key === "Tab" && !event.shiftKey) {
    take(Math.max(open.chosen, 0));
  } else if (event.key === "Enter" && open.chosen >= 0 && !event.shiftKey) {
    take(open.chosen);
  } else if (event.key === "Escape") {
    close();
  } else {
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** @param {number} index */
function choose(index) {
  if (open) {
    open.chosen = index;
    for (const line of open.list.children) {
      const chosen = /** @type {HTMLElement} */ (line).dataset.index === String(index);
      line.setAttribute("aria-selected", String(chosen));
      chosen && line.scrollIntoView({ block: "nearest" });
    }
    open.box.setAttribute("aria-activedescendant", `prompt_completion_${index}`);
  }
}

/** @param {number} index */
function take(index) {
  if (!open) {
    return;
  }
  const { box, typed: word, items } = open;
  const item = items[index];
  close();
  const made = completed(box.value, word, item.style_prompt || item.text, item.kind !== "wildcard");
  box.value = made.value;
  box.focus();
  box.setSelectionRange(made.caret, made.caret);
  typed(box);
  const tab = panels().find((each) => box.closest(`#${each}_prompt`));
  if (item.style_negative_prompt && tab) {
    write(`${tab}_neg_prompt`, withWords(textBox(`${tab}_neg_prompt`)?.value ?? "", item.style_negative_prompt));
  }
}

function close() {
  if (open) {
    open.list.remove();
    for (const name of ["aria-activedescendant", "aria-controls", "aria-autocomplete"]) {
      open.box.removeAttribute(name);
    }
    open = null;
  }
}
