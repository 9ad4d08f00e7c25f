// @ts-check
// What helps with writing prompts. Scripts and styles are fetched when a prompt first has the keyboard, or a tool is opened.
import { around, panels } from "../dom.js";
import { attempt } from "../notice.js";

/** @type {Promise<unknown> | null} */
let writing = null;
/** @type {Promise<void> | null} */
let styled = null;

export function watchPromptCraft() {
  document.addEventListener("focusin", (event) => {
    if (around(event, ".prompt, #hires_prompt, #hires_neg_prompt") && event.target instanceof HTMLTextAreaElement) {
      const box = event.target;
      writing ??= attempt(helpWriting);
      void writing.then(() => document.activeElement === box && noted?.(box));
    }
  });
  document.addEventListener("click", (event) => {
    const button = around(event, "button[id$=_prompt_tools]");
    const tab = panels().find((each) => button?.id === `${each}_prompt_tools`);
    if (button && tab) {
      void attempt(() => openTools(tab, button));
    }
  });
}

/** @type {((box: HTMLTextAreaElement) => void) | null} */
let noted = null;

async function helpWriting() {
  const { completion, notes } = window.easelOptions.craft;
  let typing = false;
  document.addEventListener("input", () => (typing = true), { once: true, capture: true });
  if (completion || notes) {
    await styles();
  }
  if (completion) {
    const module = await import("./completion.js");
    module.watchCompletion();
    // Who types faster than scripts come waits for no further letter.
    typing && module.offerAt(document.activeElement);
  }
  if (notes) {
    const module = await import("./notes.js");
    module.watchNotes();
    noted = module.look;
  }
}

/** @param {string} tab @param {HTMLElement} button @param {{ part?: string, about?: string }} [at] */
async function openTools(tab, button, at) {
  const [module] = await Promise.all([import("./panel.js"), styles()]);
  module.toggle(tab, button, at);
}

/** Show the words that a network or checkpoint was taught. @param {string} tab @param {HTMLElement} from @param {string} about */
export function showTriggers(tab, from, about) {
  void attempt(() => openTools(tab, from, { part: "Trigger words", about }));
}

/** The style sheet, when it is there. */
function styles() {
  styled ??= new Promise((done) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = new URL("../prompt.css", import.meta.url).toString();
    sheet.addEventListener("load", () => done());
    sheet.addEventListener("error", () => done());
    document.head.append(sheet);
  });
  return styled;
}
