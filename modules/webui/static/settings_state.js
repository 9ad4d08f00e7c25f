// @ts-check
// What the server knows of the settings, shown beside them: which were changed, their way back, files of settings.
import { api } from "./api.js";
import { element, press, route } from "./dom.js";
import { attempt, say } from "./notice.js";
import { searchAgain, showAll } from "./settings.js";

/** @typedef {{ key: string, label: string, default: unknown }} State */

export function watchSettings() {
  const tools = document.getElementById("settings_tools");
  const result = document.getElementById("settings_result");
  if (!tools || !result) {
    return;
  }
  tools.append(...pagesSwitch(), onlyChanged(), exporting(), importing());
  const open = () => document.documentElement.dataset.tab === "settings";
  new MutationObserver(() => open() && mark()).observe(document.documentElement, { attributeFilter: ["data-tab"] });
  new MutationObserver(() => {
    point(result);
    void mark();
  }).observe(result, { childList: true, subtree: true, characterData: true });
  if (open()) {
    void mark();
  }
}

/** Called when the controls hold what the server has. */
export function settingsRead() {
  void mark();
}

/** Mark the settings that are not the default, each with a button that brings the default back. */
async function mark() {
  const told = await api("settings").catch(() => null);
  if (!told) {
    return;
  }
  const changed = new Set(told.changed);
  for (const state of /** @type {State[]} */ (told.settings)) {
    const place = document.getElementById(`setting_${state.key}`);
    if (place && place.closest("#settings_pages")) {
      place.toggleAttribute("data-changed", changed.has(state.key));
      place.querySelector(":scope > .setting-reset")?.remove();
      if (changed.has(state.key)) {
        place.append(resetButton(state));
      }
    }
  }
  searchAgain();
}

/** @param {State} state */
function resetButton(state) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "setting-reset";
  button.textContent = "↺";
  button.title = `Back to the default: ${shown(state.default)}`;
  button.setAttribute("aria-label", `${state.label}: ${button.title}`);
  button.addEventListener("click", (event) => {
    event.preventDefault();
    change({ [state.key]: null }, `“${state.label}” is the default again.`);
  });
  return button;
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === "string" ? value || "empty" : JSON.stringify(value);
}

/** @param {Record<string, unknown>} changes @param {string} [sentence] */
function change(changes, sentence) {
  return attempt(async () => {
    const told = await api("settings", { method: "PATCH", body: changes });
    say(sentence ?? `${told.changed.length} ${told.changed.length === 1 ? "setting" : "settings"} changed.`);
    press("settings_read_again");
  });
}

/** An error names its setting: show the sentence there as well, in view. @param {HTMLElement} result */
function point(result) {
  document.querySelector(".setting-error")?.remove();
  const error = result.querySelector(".error[data-field]");
  const key = error instanceof HTMLElement ? error.dataset.field : "";
  const place = key ? document.getElementById(`setting_${key}`) : null;
  if (place && error) {
    const note = element("p", "setting-error");
    note.setAttribute("role", "alert");
    note.textContent = error.textContent;
    place.append(note);
    const page = place.closest(".settings-page")?.id;
    const button = page ? document.getElementById(`${page}-button`) : null;
    button?.click();
    place.scrollIntoView({ block: "center" });
  }
}

/** All sections below each other, or one at a time. */
function pagesSwitch() {
  const [all, one] = [element("button", "settings-link"), element("button", "settings-link")];
  [all.id, all.textContent, one.id, one.textContent] = ["settings_show_all_pages", "All sections", "settings_show_one_page", "One section"];
  one.hidden = true;
  const show = (/** @type {boolean} */ every) => {
    [all.hidden, one.hidden] = [every, !every];
    showAll(every);
  };
  all.addEventListener("click", () => show(true));
  one.addEventListener("click", () => show(false));
  return [all, one];
}

function onlyChanged() {
  const label = element("label", "settings-only");
  const box = document.createElement("input");
  box.type = "checkbox";
  box.id = "settings_only_changed";
  box.addEventListener("change", searchAgain);
  label.append(box, "Only changed");
  return label;
}

function exporting() {
  const link = document.createElement("a");
  link.className = "settings-link";
  link.id = "settings_export";
  link.href = route("api/v1/settings/file");
  link.download = "easel-settings.json";
  link.textContent = "Export";
  link.title = "A file with all settings that are not the default";
  return link;
}

function importing() {
  const label = element("label", "settings-link");
  label.title = "Settings from such a file, or from A1111's config.json";
  const box = document.createElement("input");
  box.type = "file";
  box.accept = ".json,application/json";
  box.id = "settings_import";
  box.addEventListener("change", () => {
    const file = box.files?.[0];
    box.value = "";
    return file && attempt(async () => {
      const values = read(await file.text(), file.name);
      await change(values);
    });
  });
  label.append(box, "Import…");
  return label;
}

/** @param {string} text @param {string} name @returns {Record<string, unknown>} */
function read(text, name) {
  let values = null;
  try {
    values = JSON.parse(text);
  } catch {
    // said below
  }
  if (!values || typeof values !== "object" || Array.isArray(values)) {
    throw new Error(`${name} holds no settings: it has to be a JSON object such as config.json. Nothing was changed.`);
  }
  return values;
}
