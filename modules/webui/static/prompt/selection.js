// @ts-check
// Tools on what is selected in a prompt, or on all of it: weights in steps, order, repetitions, brackets of another program,
// and a slider for [one:other:when].
import { api } from "../api.js";
import { element } from "../dom.js";
import { attempt, say } from "../notice.js";
import { button, choice, field, number, putInto } from "./panel.js";
import { chosenPart } from "./words.js";

/** @typedef {import("./panel.js").Place} Place */

const EDIT = /\[([^[\]:]*):([^[\]:]*):([\d.]+)\]/g;

/** @param {HTMLElement} place @param {Place} at */
export async function draw(place, at) {
  const told = await attempt(() => api("prompts/lists"));
  if (!told) {
    return;
  }
  const hint = element("p", "prompt-tools-hint");
  hint.textContent = "They work on what is selected in the prompt, or on all of it. Ctrl+Z takes a step back.";
  place.append(hint, weights(at, told.weight_steps), order(at, told.orders), tidy(at), brackets(at), edit(at));
}

/** Have the server do something with the part of a prompt that is chosen. @param {Place} at @param {object} tool */
function use(at, tool) {
  return attempt(async () => {
    const box = at.box();
    if (!box || !box.value.trim()) {
      say("The prompt is empty: there is nothing to work on.");
      return;
    }
    const [value, part] = [box.value, chosenPart(box.value, box.selectionStart, box.selectionEnd)];
    const told = await api("prompts/tools", { body: { prompt: value.slice(part.start, part.end), ...tool } });
    if (box.value === value) {
      putInto(box, part.start, part.end, told.prompt);
    }
  });
}

/** @param {string} title @param {...HTMLElement} content */
function group(title, ...content) {
  const made = element("fieldset", "prompt-tools-group");
  const legend = element("legend");
  legend.textContent = title;
  made.append(legend, ...content);
  return made;
}

/** @param {Place} at @param {{ weight: number, label: string }[]} steps */
function weights(at, steps) {
  const amount = number("0.9", { step: 0.05, min: -100, max: 100 });
  const form = choice([["weight", "Weight (-2 is 1.1 to the power of -2)"], ["brackets", "Brackets (-2 is [[ ]])"]]);
  const each = choice([["each", "Each tag"], ["all", "All together"]]);
  const apply = button("Apply", () => void use(at, { tool: form.value, amount: Number(amount.value) || 0, each: each.value === "each" }));
  apply.id = "prompt_tools_weigh";
  const row = element("div", "prompt-tools-row");
  row.append(field("Amount", amount), field("Written as", form), field("Of", each), apply);
  const known = element("div", "prompt-tools-row");
  known.append(...steps.map((step) => {
    const made = button(String(step.weight), () => {
      amount.value = String(step.weight);
      form.value = "weight";
      apply.click();
    });
    made.title = step.label;
    return made;
  }));
  return group("Weight", row, known);
}

/** @param {Place} at @param {Record<string, string>} orders */
function order(at, orders) {
  const names = choice(Object.entries(orders));
  const first = number("0", { min: 0, max: 1000, step: 1 });
  const row = element("div", "prompt-tools-row");
  row.append(
    field("Order", names),
    button("Put in order", () => void use(at, { tool: "order", order: names.value })),
    field("Leave the first", first),
    button("Sort by the alphabet", () => void use(at, { tool: "sort", keep_first: Number(first.value) || 0 })),
  );
  return group("Order", row);
}

/** @param {Place} at */
function tidy(at) {
  const row = element("div", "prompt-tools-row");
  const same = button("Take out repetitions", () => void use(at, { tool: "deduplicate" }));
  same.id = "prompt_tools_deduplicate";
  const implied = button("…and what is implied", () => void use(at, { tool: "deduplicate", implied: true }));
  implied.title = "long hair goes beside very long hair";
  row.append(same, implied);
  return group("Repetitions", row);
}

/** @param {Place} at */
function brackets(at) {
  const row = element("div", "prompt-tools-row");
  row.append(
    button("NovelAI's to A1111's", () => void use(at, { tool: "to_a1111" })),
    button("A1111's to NovelAI's", () => void use(at, { tool: "to_novelai" })),
  );
  return group("Brackets, with the same weights", row);
}

/** A slider for the edit that is selected, or the first one; without any it makes one. @param {Place} at */
function edit(at) {
  const [first, second] = [document.createElement("input"), document.createElement("input")];
  const slider = number("0.2", { min: 0, max: 1, step: 0.01 });
  slider.type = "range";
  const shown = element("output");
  const row = element("div", "prompt-tools-row");
  const found = () => {
    const box = at.box();
    const edits = [...(box?.value.matchAll(EDIT) ?? [])];
    const match = edits.find((each) => box && each.index <= box.selectionStart && box.selectionStart <= each.index + each[0].length) ?? edits[0];
    return box && match ? { box, match } : null;
  };
  const read = () => {
    const { match } = found() ?? {};
    if (match) {
      [first.value, second.value, slider.value] = [match[1], match[2], match[3]];
    }
    shown.textContent = slider.value;
  };
  /** @param {string[]} words */
  const write = ([before, after]) => {
    const box = at.box();
    const text = `[${before.trim()}:${after.trim()}:${slider.value}]`;
    shown.textContent = slider.value;
    const { match } = found() ?? {};
    if (box && match) {
      putInto(box, match.index, match.index + match[0].length, text);
    } else if (box && (before.trim() || after.trim())) {
      putInto(box, box.selectionEnd, box.selectionEnd, text);
    }
  };
  const typed = () => [first.value, second.value];
  slider.addEventListener("input", () => write(found()?.match.slice(1, 3) ?? typed()));
  for (const words of [first, second]) {
    words.addEventListener("change", () => found() && write(typed()));
  }
  row.append(field("At first", first), field("Then", second), field("From this share of the steps", slider), shown);
  // Where the caret goes in the prompt, the slider follows, as long as it is shown.
  const follow = () => {
    if (!row.isConnected) {
      document.removeEventListener("selectionchange", follow);
    } else if (document.activeElement === at.box()) {
      read();
    }
  };
  const attend = () => {
    read();
    document.addEventListener("selectionchange", follow);
  };
  row.addEventListener("pointerenter", attend);
  row.addEventListener("focusin", attend);
  attend();
  return group("One thing into another: [young:old:0.2]", row);
}
