// The search box of the settings: all sections at once, only the settings that match.

export function watchSettingsSearch() {
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("#settings_search")) {
      search(event.target.value.trim().toLowerCase());
    }
  });
  document.addEventListener("click", (event) => {
    const box = document.querySelector("#settings_search textarea, #settings_search input");
    if (box?.value && event.target.closest?.('.tab-nav button[data-group="settings"]')) {
      box.value = "";
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
  });
}

function search(words) {
  if (words) {
    document.documentElement.dataset.settingsSearch = "";
  } else {
    delete document.documentElement.dataset.settingsSearch;
  }
  for (const page of document.querySelectorAll(".settings-page")) {
    let matches = 0;
    for (const setting of page.querySelectorAll('[id^="setting_"]')) {
      const text = `${setting.textContent} ${setting.id.slice("setting_".length)}`.toLowerCase();
      const fits = words.split(/\s+/).every((word) => text.includes(word));
      setting.toggleAttribute("data-unmatched", !fits);
      matches += fits;
    }
    page.toggleAttribute("data-unmatched", !matches);
  }
}
