// @ts-check
// The words that a checkpoint, a LoRA or an embedding was taught: searched, in groups, inserted with a weight.
import { api, query } from "../api.js";
import { element } from "../dom.js";
import { attempt } from "../notice.js";
import { VirtualList } from "../virtual_list.js";
import { button, choice, field, insertWords, number, offer } from "./panel.js";
import { short } from "./words.js";

/** @typedef {{ word: string, text: string, group: string, count: number | null }} Word */

const KINDS = [["lora", "LoRA"], ["checkpoint", "Checkpoint"], ["embedding", "Embedding"]];
const PAUSE = 120;
const ROW = 36;
const MOST = 1000;

/** @param {HTMLElement} place @param {import("./panel.js").Place} at `about` may say "lora/name" */
export async function draw(place, at) {
  const [kind, ...rest] = at.about.split("/");
  const kinds = choice(KINDS, kind || "lora");
  const names = document.createElement("select");
  const search = document.createElement("input");
  search.type = "search";
  search.placeholder = "Search words and groups";
  const weight = number("1", { min: 0, max: 3, step: 0.05 });
  const told = element("p", "prompt-tools-hint");
  const foot = element("div", "prompt-tools-row");
  told.setAttribute("role", "status");
  /** @type {Word[]} */
  let words = [];
  const list = new VirtualList({ height: ROW, label: "Trigger words", range: () => {}, draw: (row, index) => drawRow(row, words[index], at) });
  let timer = 0;
  let turn = 0;
  const read = () => attempt(async () => {
    const mine = ++turn;
    if (!names.value) {
      words = [];
      list.element.hidden = foot.hidden = true;
      told.textContent = "There is no file of this kind.";
      return;
    }
    const asked = { kind: kinds.value, name: names.value, search: search.value, weight: Number(weight.value) || 0, limit: MOST };
    const answer = await api(`trigger-words?${query(asked)}`);
    if (mine === turn) {
      words = answer.words;
      list.element.hidden = foot.hidden = words.length === 0;
      list.count(words.length);
      told.textContent = [answer.total ? `${answer.total.toLocaleString("en")} words` : "No words are known of it. A list NAME.triggers.txt beside the file adds some.", ...answer.problems].join(" ");
    }
  });
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(read, PAUSE);
  };
  const fill = (/** @type {string} */ chosen) => attempt(async () => {
    const models = await api(`models?${query({ kind: kinds.value, limit: MOST })}`);
    const all = models.items.map((/** @type {{ name: string }} */ { name }) => name);
    offer(names, all.map((/** @type {string} */ name) => [name]), chosen || all[0]);
    await read();
  });
  kinds.addEventListener("change", () => void fill(""));
  names.addEventListener("change", read);
  search.addEventListener("input", later);
  weight.addEventListener("input", later);
  const row = element("div", "prompt-tools-row");
  row.append(field("Kind", kinds), field("Of", names), field("Search", search), field("Weight", weight));
  const all = button("Insert the words that are found", () => {
    const box = at.box();
    box && words.length && insertWords(box, words.slice(0, 50).map((word) => word.text).join(", "));
  });
  all.title = "At most 50 of them";
  foot.append(all);
  place.append(row, told, list.element, foot);
  await fill(rest.join("/"));
}

/** @param {HTMLElement} row @param {Word | undefined} word @param {import("./panel.js").Place} at */
function drawRow(row, word, at) {
  if (!word) {
    return;
  }
  const insert = button(word.word, () => {
    const box = at.box();
    box && insertWords(box, word.text);
  });
  insert.title = `Insert ${word.text}`;
  const about = element("span", "prompt-tools-about");
  about.textContent = [word.group, word.count ? short(word.count) : ""].filter(Boolean).join(" · ");
  row.replaceChildren(insert, about);
}
