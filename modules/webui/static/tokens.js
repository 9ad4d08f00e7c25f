// Has the tokens of a prompt counted when the typing pauses.
import { press } from "./dom.js";

const PAUSE = 400;
const COUNTED = { txt2img_prompt: "txt2img_token_button", txt2img_neg_prompt: "txt2img_negative_token_button" };

export function watchPrompts() {
  for (const [prompt, button] of Object.entries(COUNTED)) {
    const box = document.querySelector(`#${prompt} textarea`);
    let counted = null;
    let timer = 0;
    const count = () => {
      if (box.value !== counted) {
        counted = box.value;
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
