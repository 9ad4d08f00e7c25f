// @ts-check
// Pictures counted by what made them: a table of the cells of a plot, say, with how many were marked as what.
import { api, query } from "./api.js";
import { element, route } from "./dom.js";
import { attempt, stage } from "./notice.js";

/**
 * @typedef {{ values: string[], total: number, marks: Record<string, number>, favourites: number, rated: number, stars: number }} Row
 * @typedef {{ fields: string[], offered: string[], rows: Row[] }} Tally
 */

/** Count the pictures that `asked`, a query of the history, finds. @param {string} asked */
export async function openTally(asked) {
  /** @type {Tally | null} */
  const first = await attempt(() => api(`history/tally?${asked}`));
  if (!first) {
    return;
  }
  const dialog = document.createElement("dialog");
  dialog.className = "easel-dialog wide history-tally";
  dialog.setAttribute("aria-label", "Pictures counted");
  const heading = element("h2");
  heading.textContent = "Pictures counted";
  const [down, across] = [choice(first.offered, first.fields[0]), choice(first.offered, first.fields[1])];
  const place = element("div", "history-tally-table");
  const link = document.createElement("a");
  link.textContent = "Save as CSV";
  link.download = "";
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  const draw = (/** @type {Tally} */ counted) => {
    const by = counted.fields.map((name) => `by=${encodeURIComponent(name)}`).join("&");
    link.href = route(`api/v1/history/tally/table?${asked}${by && `&${by}`}`);
    place.replaceChildren(counted.rows.length ? table(counted) : note("There is no picture to count."));
  };
  const again = () => attempt(async () => {
    const by = [down.value, across.value].filter(Boolean).map((name) => query({ by: name })).join("&");
    draw(await api(`history/tally?${asked}${by ? `&${by}` : "&by="}`));
  });
  down.addEventListener("change", again);
  across.addEventListener("change", again);
  const row = element("div", "history-tally-row");
  row.append(labelled("Down", down), labelled("Across", across), link, close);
  dialog.append(heading, row, place);
  dialog.addEventListener("close", () => dialog.remove());
  stage().append(dialog);
  draw(first);
  dialog.showModal();
}

/** @param {Tally} counted */
function table(counted) {
  const made = document.createElement("table");
  const columns = counted.fields.length > 1 ? [...new Set(counted.rows.map((row) => row.values[1]))] : [""];
  const rows = [...new Set(counted.rows.map((row) => row.values[0] ?? ""))];
  const head = made.createTHead().insertRow();
  head.append(cell("th", counted.fields.join(" / ") || "All"), ...columns.map((value) => cell("th", value || (counted.fields.length > 1 ? "none" : "Pictures"))));
  const body = made.createTBody();
  for (const value of rows) {
    const line = body.insertRow();
    line.append(cell("th", value || (counted.fields.length ? "none" : "All")));
    for (const column of columns) {
      const found = counted.rows.find((row) => (row.values[0] ?? "") === value && (counted.fields.length < 2 || row.values[1] === column));
      line.append(cell("td", found ? words(found) : ""));
    }
  }
  return made;
}

/** @param {Row} row */
function words(row) {
  const marks = Object.entries(row.marks).filter(([mark]) => mark).sort().map(([mark, count]) => `${count} ${mark}`);
  const rest = [row.favourites ? `${row.favourites} ♥` : "", row.rated ? `${(row.stars / row.rated).toFixed(1)} ★` : ""].filter(Boolean);
  return marks.length || rest.length ? `${[...marks, ...rest].join(", ")} of ${row.total}` : String(row.total);
}

/** @param {string} name @param {string} text */
function cell(name, text) {
  const made = document.createElement(name);
  made.textContent = text.length > 120 ? `${text.slice(0, 119)}…` : text;
  made.title = text;
  return made;
}

/** @param {string} text */
function note(text) {
  const made = element("p");
  made.textContent = text;
  return made;
}

/** @param {string[]} names @param {string | undefined} chosen */
function choice(names, chosen) {
  const made = document.createElement("select");
  made.append(new Option("nothing", ""), ...names.map((name) => new Option(name, name)));
  made.value = chosen ?? "";
  return made;
}

/** @param {string} label @param {HTMLElement} control */
function labelled(label, control) {
  const made = document.createElement("label");
  made.append(label, control);
  return made;
}
