// @ts-check
// The prompt builder: choices by category, with their names in other languages, put together by the server.
import { api } from "../api.js";
import { element, textBox } from "../dom.js";
import { attempt } from "../notice.js";
import { write } from "../prompt_history.js";
import { button, choice, field, insertWords, number, offer } from "./panel.js";
import { withWords } from "./words.js";

/** @typedef {{ name: string, text: string, names: Record<string, string> }} Choice */
/** @typedef {{ name: string, most: number, names: Record<string, string>, choices: Choice[] }} Category */

const LANGUAGES = [["", "English"], ["ko", "한국어"], ["ja", "日本語"], ["zh", "中文"], ["ru", "Русский"]];
const KEY = "easel-builder-language";

/** @param {HTMLElement} place @param {import("./panel.js").Place} at */
export async function draw(place, at) {
  const told = await attempt(() => api("prompts/builder"));
  if (!told) {
    return;
  }
  /** @type {Map<string, Set<string>>} */
  const chosen = new Map();
  /** @type {Map<string, number>} */
  const sliders = new Map();
  let turn = 0;
  const preset = choice([["", ""]]);
  const language = choice(LANGUAGES, localStorage.getItem(KEY) ?? ownLanguage());
  const quality = document.createElement("input");
  quality.type = "checkbox";
  quality.checked = true;
  const shown = element("p", "prompt-tools-preview");
  shown.setAttribute("aria-live", "polite");
  let made = { prompt: "", negative_prompt: "" };
  const compose = (/** @type {number | null} */ seed = null) => attempt(async () => {
    const mine = ++turn;
    const choices = Object.fromEntries([...chosen].map(([name, names]) => [name, [...names]]));
    const body = { choices, preset: preset.value, sliders: Object.fromEntries(sliders), quality: quality.checked, seed };
    const answer = await api("prompts/compose", { body });
    if (mine === turn) {
      made = answer;
      shown.textContent = made.prompt + (made.negative_prompt ? `\nNegative: ${made.negative_prompt}` : "");
    }
  });
  const categories = element("div");
  const redraw = () => {
    localStorage.setItem(KEY, language.value);
    offer(preset, [["", "None: choose below"], ...told.presets.map((/** @type {Choice} */ each) => [each.name, nameIn(each, language.value)])], preset.value);
    categories.replaceChildren(...told.categories.map((/** @type {Category} */ each) => category(each, language.value, chosen, () => void compose())));
  };
  preset.addEventListener("change", () => void compose());
  quality.addEventListener("change", () => void compose());
  language.addEventListener("change", redraw);
  const head = element("div", "prompt-tools-row");
  head.append(field("Preset", preset), field("Names", language), field("Quality words", quality));
  const foot = element("div", "prompt-tools-row prompt-tools-foot");
  const insert = button("Insert into the prompt", () => {
    const box = at.box();
    if (box && made.prompt) {
      insertWords(box, made.prompt);
      addNegative(at.tab, made.negative_prompt);
    }
  });
  insert.className = "primary";
  foot.append(insert, button("Replace the prompt", () => {
    if (made.prompt) {
      write(`${at.tab}_prompt`, made.prompt);
      addNegative(at.tab, made.negative_prompt);
    }
  }), button("Fill by chance", () => void compose(Math.floor(Math.random() * 2 ** 31))), button("Clear", () => {
    chosen.clear();
    redraw();
    void compose();
  }));
  redraw();
  place.append(head, ...Object.entries(told.sliders).map(([name, ends]) => slider(name, ends, sliders, () => void compose())), categories, shown, foot);
  for (const problem of told.problems) {
    const line = element("p", "prompt-tools-hint");
    line.textContent = problem;
    place.append(line);
  }
  void compose();
}

/** @param {string} tab @param {string} words */
function addNegative(tab, words) {
  if (words && !textBox(`${tab}_neg_prompt`)?.value.includes(words)) {
    write(`${tab}_neg_prompt`, withWords(textBox(`${tab}_neg_prompt`)?.value ?? "", words));
  }
}

function ownLanguage() {
  const own = navigator.language.slice(0, 2);
  return LANGUAGES.some(([code]) => code === own) ? own : "";
}

/** @param {{ name: string, names: Record<string, string> }} each @param {string} language */
function nameIn(each, language) {
  const other = language && each.names[language];
  return other ? `${other} (${each.name})` : each.name;
}

/** @param {Category} told @param {string} language @param {Map<string, Set<string>>} chosen @param {() => void} changed */
function category(told, language, chosen, changed) {
  const group = element("fieldset", "prompt-tools-group");
  const legend = element("legend");
  legend.textContent = nameIn(told, language);
  const buttons = element("div", "prompt-tools-chips");
  const names = chosen.get(told.name) ?? new Set();
  chosen.set(told.name, names);
  for (const each of told.choices) {
    const chip = button(nameIn(each, language), () => {
      if (names.has(each.name)) {
        names.delete(each.name);
      } else {
        // One more than may be chosen takes the place of the first.
        told.most && names.size >= told.most && names.delete([...names][0]);
        names.add(each.name);
      }
      for (const other of buttons.children) {
        other.setAttribute("aria-pressed", String(names.has(/** @type {HTMLElement} */ (other).dataset.name ?? "")));
      }
      changed();
    });
    chip.dataset.name = each.name;
    chip.title = each.text;
    chip.setAttribute("aria-pressed", String(names.has(each.name)));
    buttons.append(chip);
  }
  group.append(legend, buttons);
  return group;
}

/** @param {string} name @param {any} ends @param {Map<string, number>} sliders @param {() => void} changed */
function slider(name, ends, sliders, changed) {
  const [from, to, share] = ends;
  const use = document.createElement("input");
  use.type = "checkbox";
  const bar = number(String(share), { min: 0, max: 1, step: 0.05 });
  bar.type = "range";
  const write = () => {
    use.checked ? sliders.set(name, Number(bar.value)) : sliders.delete(name);
    changed();
  };
  use.addEventListener("change", write);
  bar.addEventListener("input", () => {
    use.checked = true;
    write();
  });
  const row = element("div", "prompt-tools-row");
  row.append(field(`${from} into ${to}`, use), field("From this share of the steps", bar));
  return row;
}
