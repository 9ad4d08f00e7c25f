// Has the tokens of a prompt counted when the typing pauses.
import { panels, press } from "./dom.js";

const PAUSE = 400;

export function watchPrompts() {
  const counted = panels().flatMap((tab) => [
    [`${tab}_prompt`, `${tab}_token_button`],
    [`${tab}_neg_prompt`, `${tab}_negative_token_button`],
  ]);
  for (const [prompt, button] of counted) {
    const box = document.querySelector(`#${prompt} textarea`);
    let last = null;
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
}
