// @ts-check
// Sizes and CFG scales that went well with the model's family, and what the picture would cost at NovelAI's prices.
import { api, query } from "../api.js";
import { element, textBox, typed } from "../dom.js";
import { attempt } from "../notice.js";
import { button, choice, field, number } from "./panel.js";

/** @typedef {{ width: number, height: number, label: string, source: string, cfg: number[] | null, best_cfg: number[] | null }} Size */

/** @param {HTMLElement} place @param {import("./panel.js").Place} at */
export async function draw(place, at) {
  const told = await attempt(() => api("prompts/sizes"));
  if (!told) {
    return;
  }
  const hint = element("p", "prompt-tools-hint");
  hint.textContent = `Sizes that are suggested for ${told.family}, with the CFG scale that went well where it is known. A press sets them.`;
  const table = element("div", "prompt-tools-sizes");
  for (const size of /** @type {Size[]} */ (told.sizes)) {
    const made = button(`${size.width} × ${size.height}`, () => {
      put(`${at.tab}_width`, size.width);
      put(`${at.tab}_height`, size.height);
      size.best_cfg && put(`${at.tab}_cfg_scale`, middle(size.best_cfg));
    });
    const about = element("span");
    about.textContent = [size.label, size.best_cfg ? `CFG ${range(size.best_cfg)}` : "", size.cfg ? `tried ${range(size.cfg)}` : ""].filter(Boolean).join(" · ");
    made.title = size.source;
    made.append(about);
    table.append(made);
  }
  place.append(hint, table, aspect(at), price(at));
}

/** @param {string} id @param {number} value */
function put(id, value) {
  const box = document.querySelector(`#${id} input[type=number]`);
  if (box instanceof HTMLInputElement) {
    box.value = String(value);
    typed(box);
  }
}

/** @param {number[]} ends */
function range([low, high]) {
  return low === high ? String(low) : `${low}-${high}`;
}

/** The middle of a range, in the slider's steps. @param {number[]} ends */
function middle([low, high]) {
  return Math.round(low + high) / 2;
}

/** The largest size of a ratio within an area. @param {import("./panel.js").Place} at */
function aspect(at) {
  const [across, down] = [number("4", { min: 1, max: 64, step: 1 }), number("3", { min: 1, max: 64, step: 1 })];
  const area = choice([["262144", "512 × 512"], ["589824", "768 × 768"], ["786432", "3 × 512 × 512"], ["1048576", "1024 × 1024"]]);
  const step = choice([["64", "64"], ["32", "32"], ["8", "8"]]);
  const row = element("div", "prompt-tools-row");
  const apply = button("Set the size", () => void attempt(async () => {
    const asked = query({ across: across.value, down: down.value, area: area.value, step: step.value });
    const size = await api(`prompts/aspect?${asked}`);
    put(`${at.tab}_width`, size.width);
    put(`${at.tab}_height`, size.height);
  }));
  row.append(field("Across", across), field("Down", down), field("Within", area), field("In steps of", step), apply);
  return group("The largest size of a ratio", row);
}

/** @param {import("./panel.js").Place} at */
function price(at) {
  const generation = choice([["V3", "V3"], ["V2", "V2"], ["V1", "V1"]]);
  const smea = choice([["", "without SMEA"], ["SMEA", "SMEA"], ["SMEA DYN", "SMEA DYN"]]);
  const told = element("output");
  const row = element("div", "prompt-tools-row");
  const valueOf = (/** @type {string} */ id) => {
    const box = document.querySelector(`#${at.tab}_${id} input[type=number]`);
    return box instanceof HTMLInputElement ? box.value : "";
  };
  const ask = button("What would it cost?", () => void attempt(async () => {
    const strength = at.tab === "img2img" ? textBox("img2img_denoising_strength")?.value ?? "1" : "1";
    const asked = query({ width: valueOf("width"), height: valueOf("height"), steps: valueOf("steps"), generation: generation.value, smea: smea.value, strength });
    const { cost } = await api(`prompts/cost?${asked}`);
    const pictures = Number(valueOf("batch_count") || 1) * Number(valueOf("batch_size") || 1);
    told.textContent = pictures > 1 ? `${cost} Anlas each, ${cost * pictures} in all` : `${cost} Anlas`;
  }));
  ask.id = "prompt_tools_price";
  row.append(field("Model", generation), field("SMEA", smea), ask, told);
  return group("NovelAI's price for this picture", row);
}

/** @param {string} title @param {HTMLElement} content */
function group(title, content) {
  const made = element("fieldset", "prompt-tools-group");
  const legend = element("legend");
  legend.textContent = title;
  made.append(legend, content);
  return made;
}
