// @ts-check
// The page's own tabs. Which one is open stands in data- attributes of the document element (see tabs.py).

import { around, textBox, typed } from "./dom.js";

const BUTTON = ".tab-nav button[data-tab]";
const STEPS = new Map([["ArrowLeft", -1], ["ArrowUp", -1], ["ArrowRight", 1], ["ArrowDown", 1]]);

/** Open a tab of the page by its name, or of a group of tabs inside it. @param {string} name */
export function openTab(name, group = "tab") {
  document.documentElement.dataset[group] = name;
  for (const button of buttonsOf(group)) {
    const chosen = button.dataset.tab === name;
    button.classList.toggle("selected", chosen);
    button.setAttribute("aria-selected", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
  tell(group, name);
}

/** Put the name of the open tab into the hidden box by which the server knows it, where the group has one. @param {string} group @param {string} name */
function tell(group, name) {
  const box = textBox(`${group}_chosen`);
  if (box && box.value !== name) {
    box.value = name;
    typed(box);
  }
}

/** @param {string} group */
function buttonsOf(group) {
  /** @type {NodeListOf<HTMLElement>} */
  const buttons = document.querySelectorAll(`.tab-nav button[data-group="${group}"]`);
  return [...buttons];
}

export function watchTabs() {
  document.addEventListener("click", (event) => {
    const button = around(event, BUTTON);
    if (button) {
      openTab(button.dataset.tab ?? "", button.dataset.group);
    }
  });
  document.addEventListener("keydown", (event) => {
    const button = around(event, BUTTON);
    const step = STEPS.get(event.key);
    if (!button || !step || event.ctrlKey || event.altKey || event.metaKey) {
      return;
    }
    const all = buttonsOf(button.dataset.group ?? "");
    const next = all[(all.indexOf(button) + step + all.length) % all.length];
    openTab(next.dataset.tab ?? "", next.dataset.group);
    next.focus();
    event.preventDefault();
  });
}
