// @ts-check
// Ctrl+Enter makes a picture, Alt+Enter and Escape interrupt, Ctrl+Up and Ctrl+Down change the weight of a word, Alt+Left and
// Alt+Right move it.
import { around, press } from "./dom.js";
import { afterwards, isRunning } from "./progress.js";
import { changeWeight, moveTags } from "./weights.js";

const PROMPTS = ".prompt, #hires_prompt, #hires_neg_prompt";

export function watchKeys() {
  document.addEventListener("keydown", (event) => {
    const tab = document.documentElement.dataset.tab ?? "txt2img";
    if (!document.getElementById(`${tab}_generate`) || event.isComposing) {
      return;
    }
    const isEnter = event.key === "Enter";
    if (isEnter && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      start(tab);
    } else if ((isEnter && event.altKey) || (event.key === "Escape" && !somethingToClose(event))) {
      if (isRunning(tab)) {
        event.preventDefault();
        press(`${tab}_interrupt`);
      }
    } else if ((event.key === "ArrowUp" || event.key === "ArrowDown") && (event.ctrlKey || event.metaKey)) {
      if (around(event, PROMPTS) && event.target instanceof HTMLTextAreaElement) {
        changeWeight(event.target, event.key === "ArrowUp" ? 1 : -1, window.easelOptions.keyedit);
        event.preventDefault();
      }
    } else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && event.altKey && window.easelOptions.keyedit.move) {
      if (around(event, PROMPTS) && event.target instanceof HTMLTextAreaElement) {
        moveTags(event.target, event.key === "ArrowRight" ? 1 : -1);
        event.preventDefault();
      }
    }
  }, true);
}

/** Start a picture; one that is being made is given up for it. @param {string} tab */
function start(tab) {
  if (isRunning(tab)) {
    afterwards(tab, () => press(`${tab}_generate`));
    press(`${tab}_interrupt`);
  } else {
    press(`${tab}_generate`);
  }
}

/** Whether Escape means something else here: an open list, or the picture in full screen. @param {Event} event */
function somethingToClose(event) {
  return Boolean(document.fullscreenElement || document.querySelector("ul[role=listbox]") || around(event, ".preview"));
}
