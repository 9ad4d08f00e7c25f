// @ts-check
// What helps with writing prompts. Scripts and styles are fetched when a prompt first has the keyboard, or a tool is opened.
import { around, panels } from "../dom.js";
import { late } from "../late.js";
import { attempt } from "../notice.js";

const styles = late(fetchStyles);
const panel = late(() => import("./panel.js"));
const writing = late(helpWriting);

export function watchPromptCraft() {
  document.addEventListener("focusin", (event) => {
    if (around(event, ".prompt, #hires_prompt, #hires_neg_prompt") && event.target instanceof HTMLTextAreaElement) {
      const box = event.target;
      // Nobody has asked for it: where it could not be fetched it is tried again with the next prompt.
      writing().then(() => document.activeElement === box && noted?.(box), (error) => console.warn(error.message));
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
  const [completing, noting] = await Promise.all([
    completion ? import("./completion.js") : null,
    notes ? import("./notes.js") : null,
    completion || notes ? styles() : null,
  ]);
  completing?.watchCompletion();
  // Who types faster than scripts come waits for no further letter.
  typing && completing?.offerAt(document.activeElement);
  noting?.watchNotes();
  noted = noting?.look ?? null;
}

/** @param {string} tab @param {HTMLElement} button @param {{ part?: string, about?: string }} [at] */
async function openTools(tab, button, at) {
  const [module] = await Promise.all([panel(), styles()]);
  module.toggle(tab, button, at);
}

/** Show the words that a network or checkpoint was taught. @param {string} tab @param {HTMLElement} from @param {string} about */
export function showTriggers(tab, from, about) {
  void attempt(() => openTools(tab, from, { part: "Trigger words", about }));
}

/** The style sheet, when it is there. @returns {Promise<void>} */
function fetchStyles() {
  return new Promise((done, failed) => {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = new URL("../prompt.css", import.meta.url).toString();
    sheet.addEventListener("load", () => done());
    sheet.addEventListener("error", () => {
      sheet.remove();
      failed(new TypeError(`${sheet.href} could not be fetched.`));
    });
    document.head.append(sheet);
  });
}
