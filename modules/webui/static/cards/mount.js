// @ts-check
// The pages of cards below the prompts. Their scripts are fetched when the page is idle, lists when one is first opened.
import { around, panels, textBox } from "../dom.js";
import { late } from "../late.js";
import { attempt } from "../notice.js";

/** @type {Map<string, HTMLTextAreaElement>} The prompt of each tab in which the keyboard was last. */
const lastPrompts = new Map();
const IDLE = 1000;
/** @type {typeof import("./area.js") | null} */
let area = null;
const fetchArea = late(async () => (area = await import("./area.js")));

export function watchCards() {
  const groups = panels().map((tab) => `data-${tab}_extra_tabs`);
  new MutationObserver((changes) => {
    for (const change of changes) {
      opened(String(change.attributeName).slice("data-".length).replace(/_extra_tabs$/, ""));
    }
  }).observe(document.documentElement, { attributeFilter: groups });
  document.addEventListener("click", (event) => {
    const [tab, page] = partsOf(around(event, "[id$=_edit_user_metadata_button]")?.id ?? "", "_edit_user_metadata_button");
    if (tab) {
      askFor(async (cards) => cards.editCard(tab, page, textBox(`${tab}_${page}_edit_user_metadata_name`)?.value ?? ""));
    }
    const saving = panels().find((each) => around(event, `#${each}_save_preview`));
    if (saving) {
      askFor(async (cards) => cards.takePreview(saving, textBox(`${saving}_preview_filename`)?.value ?? ""));
    }
  });
  document.addEventListener("focusin", (event) => {
    const box = event.target;
    const tab = document.documentElement.dataset.tab ?? panels()[0];
    if (box instanceof HTMLTextAreaElement && box.closest(".prompt")) {
      lastPrompts.set(tab, box);
    }
  });
}

/** Tab and page of a hidden helper that scripts of A1111's extensions press. @param {string} id @param {string} rest */
function partsOf(id, rest) {
  const tab = id.endsWith(rest) ? panels().find((each) => id.startsWith(`${each}_`)) : undefined;
  return tab ? [tab, id.slice(tab.length + 1, -rest.length)] : ["", ""];
}

/** @param {(cards: typeof import("./area.js")) => Promise<void>} act */
function askFor(act) {
  return attempt(async () => act(await fetchArea()));
}

/** The prompt of a tab in which the keyboard was last. @param {string} tab */
export function lastPrompt(tab) {
  return lastPrompts.get(tab);
}

/** The page of cards that is open on a tab; "generation" is none. @param {string} tab */
export function openPage(tab) {
  return document.documentElement.dataset[`${tab}_extra_tabs`] ?? "generation";
}

/** @param {string} tab */
function opened(tab) {
  const page = openPage(tab);
  carryPrompts(tab, page);
  if (page === "generation") {
    return;
  }
  void askFor(async (cards) => cards.openArea(tab, page));
}

/** Where the prompts stand inside the panel, they go along. @param {string} tab @param {string} page */
function carryPrompts(tab, page) {
  const prompts = document.querySelector(`#${tab}_toprow.compact`);
  const place = page === "generation" ? document.getElementById(`${tab}_settings`) : document.getElementById(`${tab}_${page}_prompts`);
  if (prompts && place && prompts.parentElement !== place) {
    place.prepend(prompts);
  }
}

/** The checkpoint that a card asks for. */
export function desiredCheckpoint() {
  return area?.desiredCheckpoint() ?? "";
}

/** The checkpoint is another one: cards that are shown follow. */
export function checkpointChanged() {
  const chosen = document.querySelector("#setting_sd_model_checkpoint input");
  document.documentElement.dataset.checkpoint = chosen instanceof HTMLInputElement ? chosen.value : "";
  area?.checkpointChanged();
}

/** Have the scripts of the cards at hand before they are asked for. */
export function fetchAhead() {
  // Where it does not come now, it is fetched when it is asked for.
  const ahead = () => void fetchArea().catch(() => {});
  "requestIdleCallback" in window ? requestIdleCallback(ahead) : setTimeout(ahead, IDLE);
}
