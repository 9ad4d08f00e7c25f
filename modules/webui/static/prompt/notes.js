// @ts-check
// Notes about a prompt: a small count in its corner, and what it counts below the prompt when it is asked for.
import { api } from "../api.js";
import { element, panels, textBox } from "../dom.js";

/** @typedef {{ start: number, end: number, severity: string, kind: string, text: string }} Note */

const PAUSE = 600;

/** @type {Map<HTMLTextAreaElement, Notes>} */
const kept = new Map();

export function watchNotes() {
  document.addEventListener("input", (event) => {
    const box = event.target;
    box instanceof HTMLTextAreaElement && box.closest(".prompt") && look(box);
  });
  document.addEventListener("pointerdown", (event) => {
    for (const notes of kept.values()) {
      notes.shown && event.target instanceof Node && !notes.contains(event.target) && notes.show(false);
    }
  });
  // Networks that are for another family than the model, and words beyond its chunk, are others with another model.
  new MutationObserver(() => kept.forEach((notes) => notes.again()))
    .observe(document.documentElement, { attributeFilter: ["data-checkpoint"] });
}

/** Look through a prompt when the typing pauses. @param {HTMLTextAreaElement} box */
export function look(box) {
  const tab = panels().find((each) => box.closest(`#${each}_prompt, #${each}_neg_prompt`));
  const row = box.closest(".prompt-row");
  if (tab && row instanceof HTMLElement) {
    const notes = kept.get(box) ?? new Notes(tab, box, row);
    kept.set(box, notes);
    notes.later();
    // What the negative prompt says counts in the notes about the other one.
    const prompt = notes.negative ? textBox(`${tab}_prompt`) : null;
    prompt instanceof HTMLTextAreaElement && (kept.has(prompt) ? kept.get(prompt)?.later() : prompt.value && look(prompt));
  }
}

class Notes {
  /** @param {string} tab @param {HTMLTextAreaElement} box @param {HTMLElement} row */
  constructor(tab, box, row) {
    this.tab = tab;
    this.box = box;
    this.negative = box.closest(`#${tab}_neg_prompt`) !== null;
    this.timer = 0;
    this.last = "";
    /** @type {AbortController | null} */
    this.asking = null;
    this.shown = false;
    this.badge = /** @type {HTMLButtonElement} */ (element("button", "prompt-notes-count"));
    this.badge.type = "button";
    this.badge.hidden = true;
    this.list = element("ul", "prompt-notes");
    this.list.hidden = true;
    this.list.id = `${box.closest("[id]")?.id ?? tab}_notes`;
    this.badge.setAttribute("aria-controls", this.list.id);
    this.badge.addEventListener("click", () => this.show(!this.shown));
    this.list.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.show(false);
        this.badge.focus();
        event.stopPropagation();
      }
    });
    row.append(this.badge, this.list);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.read(), PAUSE);
  }

  /** Read it once more, though nothing was typed. */
  again() {
    this.last = "";
    this.later();
  }

  /** @param {Node} node */
  contains(node) {
    return this.list.contains(node) || this.badge.contains(node);
  }

  async read() {
    const body = {
      prompt: this.box.value,
      negative_prompt: this.negative ? "" : textBox(`${this.tab}_neg_prompt`)?.value ?? "",
      is_negative: this.negative,
    };
    const asked = JSON.stringify(body);
    if (asked === this.last) {
      return;
    }
    this.last = asked;
    this.asking?.abort();
    if (!body.prompt.trim()) {
      this.draw([], []);
      return;
    }
    this.asking = new AbortController();
    try {
      const told = await api("prompts/notes", { body, signal: this.asking.signal });
      this.box.value === body.prompt && this.draw(told.notes, told.problems);
    } catch {
      this.last = ""; // asked again with the next letter; a prompt needs no notes
    }
  }

  /** @param {Note[]} notes @param {string[]} problems */
  draw(notes, problems) {
    const count = notes.length + problems.length;
    const grave = notes.some((note) => note.severity !== "info") || problems.length > 0;
    this.badge.hidden = count === 0;
    this.badge.textContent = `${count} ${count === 1 ? "note" : "notes"}`;
    this.badge.dataset.severity = grave ? "warning" : "info";
    this.badge.setAttribute("aria-label", `${this.badge.textContent} about this prompt`);
    this.list.replaceChildren(...notes.map((note) => this.line(note)), ...problems.map((problem) => words(problem)));
    this.show(this.shown && count > 0);
  }

  /** @param {Note} note */
  line(note) {
    const line = element("li");
    const button = /** @type {HTMLButtonElement} */ (element("button"));
    button.type = "button";
    button.dataset.severity = note.severity;
    button.textContent = note.text;
    button.addEventListener("click", () => {
      this.box.focus();
      this.box.setSelectionRange(note.start, note.end);
    });
    line.append(button);
    return line;
  }

  /** @param {boolean} shown */
  show(shown) {
    this.shown = shown;
    this.list.hidden = !shown;
    this.badge.setAttribute("aria-expanded", String(shown));
  }
}

/** @param {string} text */
function words(text) {
  const line = element("li", "problem");
  line.textContent = text;
  return line;
}
