// @ts-check
// Sliders whose number box takes more than the slider shows: Gradio would pull what was typed back to the slider's end.

export function watchOpenSliders() {
  document.addEventListener("blur", (event) => {
    const box = event.target;
    const slider = box instanceof HTMLInputElement && box.type === "number" ? box.closest(".open-slider") : null;
    if (!slider || !(box instanceof HTMLInputElement) || !box.value) {
      return;
    }
    const most = Number([...slider.classList].find((each) => each.startsWith("most-"))?.slice("most-".length));
    if (Number(box.value) > most) {
      box.value = String(most);
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (Number(box.value) > Number(box.max)) {
      event.stopPropagation();
    }
  }, true);
}
