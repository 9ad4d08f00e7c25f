// @ts-check
// Two parameters texts side by side, with what differs marked.
import { api } from "./api.js";
import { element } from "./dom.js";
import { stage } from "./notice.js";

/** Show how two pictures of the history were made. @param {number[]} numbers */
export async function compareTexts(numbers) {
  const texts = await Promise.all(numbers.map(async (number) => {
    const told = await api(`history?before=${number + 1}&limit=1`);
    const found = told.images[0]?.number === number ? told : await api(`history?trashed=true&before=${number + 1}&limit=1`);
    return fields(found.images[0]?.infotext ?? "");
  }));
  const names = [...new Set(texts.flatMap((each) => [...each.keys()]))];
  const dialog = document.createElement("dialog");
  dialog.className = "easel-dialog wide";
  const table = element("table", "infotext-diff");
  for (const name of names) {
    const row = element("tr");
    const values = texts.map((each) => each.get(name) ?? "–");
    row.toggleAttribute("data-differs", values[0] !== values[1]);
    const head = element("th");
    head.textContent = name;
    row.append(head, ...values.map((value) => {
      const cell = element("td");
      cell.textContent = value;
      return cell;
    }));
    table.append(row);
  }
  const close = document.createElement("button");
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(table, close);
  stage().append(dialog);
  dialog.showModal();
}

/** The parts of a parameters text by name. @param {string} text */
export function fields(text) {
  const lines = text.split("\n");
  const last = /^\s*Steps: /.test(lines.at(-1) ?? "") ? lines.pop() ?? "" : "";
  const negative = lines.findIndex((line) => line.startsWith("Negative prompt:"));
  /** @type {Map<string, string>} */
  const found = new Map([["Prompt", lines.slice(0, negative < 0 ? lines.length : negative).join("\n").trim()]]);
  if (negative >= 0) {
    found.set("Negative prompt", lines.slice(negative).join("\n").replace("Negative prompt:", "").trim());
  }
  for (const [, name, quoted, plain] of last.matchAll(/\s*([^:,]+):\s*(?:"((?:\\.|[^"\\])*)"|([^,]*))(?:,|$)/g)) {
    found.set(name.trim(), (quoted ?? plain ?? "").trim());
  }
  return found;
}
