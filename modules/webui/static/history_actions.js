// @ts-check
// What can be done with the pictures that are chosen in the history.
import { api, query } from "./api.js";
import { element, route } from "./dom.js";
import { openTally } from "./history_tally.js";
import { compareTexts } from "./infotext_diff.js";
import { attempt, say } from "./notice.js";

/**
 * @typedef {object} Wanted
 * @property {() => number[]} numbers what is chosen
 * @property {() => void} all
 * @property {() => void} none
 * @property {() => string} query
 * @property {() => void} reload
 * @property {(two: number[]) => void} compare
 * @property {(where: string, number: number) => void} send
 */

/** @param {Wanted} wanted */
export function actionBar(wanted) {
  const bar = element("div", "history-actions");
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Pictures chosen");
  const told = element("span", "history-count");
  told.setAttribute("role", "status");
  bar.append(told);
  /** @type {Map<string, { button: HTMLButtonElement, able: (chosen: number, trash: boolean) => boolean }>} */
  const buttons = new Map();

  const add = (/** @type {string} */ label, /** @type {() => unknown} */ act, able = (/** @type {number} */ chosen, /** @type {boolean} */ _trash) => chosen > 0) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.addEventListener("click", act);
    bar.append(button);
    buttons.set(label, { button, able });
  };
  const change = (/** @type {string} */ what, /** @type {string} */ done) => attempt(async () => {
    const answer = await api(`history/${what}`, { body: { numbers: wanted.numbers() } });
    tell(answer, done);
    wanted.reload();
  });
  const mark = (/** @type {object} */ values) => attempt(async () => {
    tell(await api("history", { method: "PATCH", body: { numbers: wanted.numbers(), ...values } }), "marked");
    wanted.reload();
  });
  const asking = () => {
    const chosen = wanted.numbers();
    const asked = chosen.length ? query({ numbers: ranges(chosen) }) : wanted.query();
    if (asked.length > 60_000) {
      say("Too many single pictures at once. Choose fewer, or filter and choose none: then all that fit are taken.", true);
      return null;
    }
    return asked;
  };
  const download = (/** @type {string} */ what) => {
    const asked = asking();
    if (asked === null) {
      return;
    }
    const link = document.createElement("a");
    link.href = route(`api/v1/history/${what}?${asked}`);
    link.download = "";
    link.click();
  };
  const compare = (/** @type {(two: number[]) => unknown} */ act) => () => act(wanted.numbers().slice(0, 2).reverse());
  const [kept, one, two] = [
    (/** @type {number} */ chosen, /** @type {boolean} */ trash) => chosen > 0 && !trash,
    (/** @type {number} */ chosen) => chosen === 1,
    (/** @type {number} */ chosen) => chosen === 2,
  ];
  const trash = () => change("trash", "in the trash");
  const rate = (/** @type {number} */ rating) => mark({ rating });
  add("All", wanted.all, () => true);
  add("None", wanted.none);
  add("To txt2img", () => wanted.send("txt2img", wanted.numbers()[0]), one);
  add("To img2img", () => wanted.send("img2img", wanted.numbers()[0]), one);
  add("To inpaint", () => wanted.send("inpaint", wanted.numbers()[0]), one);
  add("To extras", () => wanted.send("extras", wanted.numbers()[0]), one);
  add("Compare", compare(wanted.compare), two);
  add("Compare parameters", compare((pair) => attempt(() => compareTexts(pair))), two);
  bar.append(ratingChoice(rate));
  add("♥", () => mark({ favourite: true }));
  add("Mark…", () => ask("A word for these pictures (nothing takes it away)", "good hands", (word) => mark({ mark: word })));
  add("Move…", () => ask("Folder below the output folder, or a whole path", "best", (folder) => folder && move(folder)), kept);
  add("Trash", trash, kept);
  add("Restore", () => change("restore", "back"), (chosen, inTrash) => chosen > 0 && inTrash);
  add("Delete for good", () => confirm(`Delete ${wanted.numbers().length} pictures for good?`) && change("erase", "deleted"), (chosen, inTrash) => chosen > 0 && inTrash);
  add("Count…", () => {
    const asked = asking();
    asked !== null && void openTally(asked);
  }, () => true);
  add("Zip", () => download("archive"), () => true);
  add("Table (CSV)", () => download("table"), () => true);
  add("Add folder…", () => ask("Folder with pictures (nothing: the output folders)", "", takeFolder), () => true);
  const move = (/** @type {string} */ folder) => attempt(async () => {
    tell(await api("history/move", { body: { numbers: wanted.numbers(), folder } }), "moved");
    wanted.reload();
  });
  return {
    element: bar,
    trash: () => wanted.numbers().length && trash(),
    rate: (/** @type {number} */ rating) => wanted.numbers().length && rate(rating),
    /** @param {number} total @param {number} chosen @param {boolean} inTrash */
    show(total, chosen, inTrash) {
      told.textContent = chosen ? `${chosen.toLocaleString("en")} of ${total.toLocaleString("en")} chosen` : `${total.toLocaleString("en")} ${total === 1 ? "picture" : "pictures"}`;
      for (const { button, able } of buttons.values()) {
        button.hidden = !able(chosen, inTrash);
      }
      bar.querySelector("select")?.toggleAttribute("hidden", !chosen);
    },
  };
}

/** @param {(rating: number) => unknown} rate */
function ratingChoice(rate) {
  const box = document.createElement("select");
  box.setAttribute("aria-label", "Rate the chosen pictures");
  for (const [value, words] of [["", "Rate…"], ["5", "★★★★★"], ["4", "★★★★"], ["3", "★★★"], ["2", "★★"], ["1", "★"], ["0", "no stars"]]) {
    box.append(new Option(words, value));
  }
  box.addEventListener("change", () => {
    if (box.value) {
      rate(Number(box.value));
      box.value = "";
    }
  });
  return box;
}

/** @param {{ done: number, problems: string[] }} answer @param {string} done */
function tell(answer, done) {
  say(`${answer.done} ${answer.done === 1 ? "picture" : "pictures"} ${done}.`);
  if (answer.problems.length) {
    say(answer.problems.slice(0, 3).join(" "), true);
  }
}

/** @param {string} folder */
function takeFolder(folder) {
  return attempt(async () => {
    await api("history/folders", { body: { folder } });
    say("The folder is being read; the queue shows how far it is.");
  });
}

/** Ask for a word in a small dialog. @param {string} question @param {string} example @param {(answer: string) => unknown} act */
function ask(question, example, act) {
  const dialog = document.createElement("dialog");
  dialog.className = "easel-dialog";
  const form = document.createElement("form");
  form.method = "dialog";
  const label = document.createElement("label");
  label.textContent = question;
  const box = document.createElement("input");
  box.placeholder = example;
  label.append(box);
  const [good, bad] = [document.createElement("button"), document.createElement("button")];
  [good.textContent, bad.textContent, bad.type] = ["OK", "Cancel", "button"];
  bad.addEventListener("click", () => dialog.close());
  form.append(label, good, bad);
  form.addEventListener("submit", () => act(box.value.trim()));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.append(form);
  (document.querySelector(".gradio-container") ?? document.body).append(dialog);
  dialog.showModal();
}

/** Numbers as ranges: 7,12-40. @param {number[]} numbers */
export function ranges(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  /** @type {[number, number][]} */
  const runs = [];
  for (const number of sorted) {
    const last = runs.at(-1);
    last && last[1] === number - 1 ? (last[1] = number) : runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
