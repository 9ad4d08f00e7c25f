// @ts-check
// Prompts can be taken back: Ctrl+Z also undoes what the page itself has written into them (pasted parameters, a style, a
// picture sent), which a browser's own undo cannot. And the prompts of the last pictures are offered again.
import { api } from "./api.js";
import { around, panels, textBox, typed } from "./dom.js";
import { openMenu } from "./menu.js";
import { attempt, say } from "./notice.js";

const KEPT = 200;
const PAUSE = 700;
const OFFERED = 12;

/** @typedef {{ value: string, start: number, end: number }} Moment */

class Past {
  /** @param {HTMLTextAreaElement} box */
  constructor(box) {
    this.box = box;
    /** @type {Moment[]} */
    this.moments = [this.now()];
    this.index = 0;
    this.last = 0;
  }

  /** @returns {Moment} */
  now() {
    return { value: this.box.value, start: this.box.selectionStart, end: this.box.selectionEnd };
  }

  /** Note the text as it is, if it is not known yet. What is typed without a pause is one step. @param {boolean} [typing] */
  note(typing = false) {
    if (this.box.value === this.moments[this.index].value) {
      return;
    }
    const soon = typing && this.index > 0 && Date.now() - this.last < PAUSE;
    this.moments.splice(soon ? this.index : this.index + 1, Infinity, this.now());
    this.moments.splice(0, this.moments.length - KEPT);
    this.index = this.moments.length - 1;
    this.last = typing ? Date.now() : 0;
  }

  /** @param {number} step */
  go(step) {
    this.note();
    const moment = this.moments[this.index + step];
    if (moment) {
      this.index += step;
      this.last = 0;
      this.box.value = moment.value;
      this.box.setSelectionRange(moment.start, moment.end);
      typed(this.box);
    }
  }
}

/** @type {WeakMap<HTMLTextAreaElement, Past>} */
const pasts = new WeakMap();

/** @param {Event} event @returns {Past | null} */
function pastOf(event) {
  const box = event.target;
  if (!(box instanceof HTMLTextAreaElement) || !around(event, ".prompt")) {
    return null;
  }
  const past = pasts.get(box) ?? new Past(box);
  pasts.set(box, past);
  return past;
}

export function watchPromptHistory() {
  for (const type of ["focusin", "beforeinput"]) {
    document.addEventListener(type, (event) => pastOf(event)?.note(), true);
  }
  // What the page or an extension writes is a step of its own, however soon after a key it comes.
  document.addEventListener("input", (event) => pastOf(event)?.note(event.isTrusted), true);
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== "z" && key !== "y")) {
      return;
    }
    const past = pastOf(event);
    if (past) {
      event.preventDefault();
      past.go(key === "y" || event.shiftKey ? 1 : -1);
    }
  }, true);
  document.addEventListener("contextmenu", (event) => {
    const button = around(event, "button.paste");
    const tab = panels().find((each) => button?.closest(`#${each}_tools`));
    if (tab) {
      event.preventDefault();
      attempt(() => offer(tab, event.clientX, event.clientY));
    }
  });
}

/** Offer the prompts of the last pictures. @param {string} tab @param {number} x @param {number} y */
async function offer(tab, x, y) {
  const told = await api("history?kind=sample&limit=200");
  /** @type {Map<string, { prompt: string, negative_prompt: string }>} */
  const prompts = new Map();
  for (const picture of told.images) {
    const key = `${picture.prompt}\n${picture.negative_prompt}`;
    prompts.has(key) || prompts.size >= OFFERED || prompts.set(key, picture);
  }
  if (!prompts.size) {
    say("No picture has been made yet, so there are no prompts to offer.");
    return;
  }
  const items = [...prompts.values()].map(({ prompt, negative_prompt }) => ({
    label: prompt.length > 70 ? `${prompt.slice(0, 69)}…` : prompt || "(no words)",
    act: () => {
      write(`${tab}_prompt`, prompt);
      write(`${tab}_neg_prompt`, negative_prompt);
    },
  }));
  openMenu(items, x, y);
}

/** Put a text into a prompt, so that it can be taken back. @param {string} id @param {string} text */
export function write(id, text) {
  const box = textBox(id);
  if (box instanceof HTMLTextAreaElement) {
    const past = pasts.get(box) ?? new Past(box);
    pasts.set(box, past);
    past.note();
    box.value = text;
    typed(box);
    past.note();
  }
}
