// @ts-check
// The search box of the settings: all sections at once, only the settings that match.
import { around, textBox, typed } from "./dom.js";

export function watchSettingsSearch() {
  document.addEventListener("input", (event) => {
    if (around(event, "#settings_search")) {
      search(textBox("settings_search")?.value.trim().toLowerCase() ?? "");
    }
  });
  document.addEventListener("click", (event) => {
    const box = textBox("settings_search");
    if (box?.value && around(event, '.tab-nav button[data-group="settings"]')) {
      box.value = "";
      typed(box);
    }
  });
}

let every = false;

/** Show all sections, whether or not anything is searched for. @param {boolean} all */
export function showAll(all) {
  every = all;
  searchAgain();
}

/** Filter again: what is marked as changed may be other settings now. */
export function searchAgain() {
  search(textBox("settings_search")?.value.trim().toLowerCase() ?? "");
}

/** @param {string} words */
function search(words) {
  const only = document.getElementById("settings_only_changed");
  const changed = only instanceof HTMLInputElement && only.checked;
  if (words || changed || every) {
    document.documentElement.dataset.settingsSearch = "";
  } else {
    delete document.documentElement.dataset.settingsSearch;
  }
  for (const page of document.querySelectorAll(".settings-page")) {
    let matches = 0;
    for (const setting of page.querySelectorAll('[id^="setting_"]')) {
      const text = `${setting.textContent} ${setting.id.slice("setting_".length)}`.toLowerCase();
      const fits = words.split(/\s+/).every((/** @type {string} */ word) => text.includes(word)) && (!changed || setting.hasAttribute("data-changed"));
      setting.toggleAttribute("data-unmatched", !fits);
      matches += Number(fits);
    }
    page.toggleAttribute("data-unmatched", !matches);
  }
}
