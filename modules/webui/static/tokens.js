// @ts-check
// Has the tokens of a prompt counted when the typing pauses.
import { panels, press, textBox } from "./dom.js";

const PAUSE = 400;

export function watchPrompts() {
  if (!window.easelOptions.tokenCounters) {
    return;
  }
  for (const tab of panels()) {
    watchPrompt(`${tab}_prompt`, `${tab}_token_button`);
    watchPrompt(`${tab}_neg_prompt`, `${tab}_negative_token_button`);
  }
}

/** @param {string} prompt @param {string} button */
function watchPrompt(prompt, button) {
  const box = textBox(prompt);
  if (!box) {
    return;
  }
  let last = ""; // the counter of an empty prompt is there from the beginning
  let timer = 0;
  const count = () => {
    if (box.value !== last) {
      last = box.value;
      press(button);
    }
  };
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(count, PAUSE);
  });
  // Texts that were put there by a restored picture cause no input event.
  setInterval(() => document.activeElement !== box && count(), 1000);
}
