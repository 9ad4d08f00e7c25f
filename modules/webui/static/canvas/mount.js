// @ts-check
// The canvases of the page by the id of their element, and what others ask of them.
import { Canvas } from "./canvas.js";
import { watchKeys } from "./keys.js";
import { watchPaste } from "./intake.js";
import { forgetOld } from "../store.js";
import { putDrawingBack } from "./unsent.js";

/** @type {Canvas[]} */
const canvases = [];
let pressedAgain = false;

/** Take the canvases that were drawn, now and later (see component.py). */
export function watchCanvases() {
  const drawn = Array.isArray(window.easelCanvases) ? window.easelCanvases : [];
  window.easelCanvases = { push: mount };
  drawn.forEach(mount);
  watchKeys(canvases);
  watchPaste(canvases);
  // Before any listener of a button: what it sends must be what is seen.
  window.addEventListener("click", waitForSaving, true);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") {
      canvases.forEach((canvas) => canvas.saver.flush());
    }
  });
}

/** @param {CanvasWidget} widget */
function mount(widget) {
  canvases.push(new Canvas(widget));
}

/** Put back what the server was never given. To be called when all that it knew is back. */
export function putDrawingsBack() {
  canvases.forEach((canvas) => putDrawingBack(canvas).catch(() => {}));
  forgetOld().catch(() => {});
}

/** The canvas with this id. @param {string} id */
export function canvasOf(id) {
  return canvases.find((canvas) => canvas.id === id);
}

/** Draw where "Only masked" looks. @param {string} id @param {string} text "left,top,right,bottom" or "" */
export function showRegion(id, text) {
  canvasOf(id)?.marks.setRegion(text ? text.split(",").map(Number) : null);
}

/**
 * A button pressed while a drawing is not yet on the server is pressed again when it is.
 * @param {MouseEvent} event
 */
async function waitForSaving(event) {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  const unsaved = canvases.filter((canvas) => canvas.saver.isBehind);
  if (pressedAgain || !button || button.closest(".easel-canvas") || button.dataset.tab || !unsaved.length) {
    return;
  }
  event.stopImmediatePropagation();
  event.preventDefault();
  const saved = await Promise.all(unsaved.map((canvas) => canvas.saver.flush()));
  if (saved.every(Boolean)) {
    await new Promise((resolve) => setTimeout(resolve)); // the component takes its new value first
    pressedAgain = true;
    button.click();
    pressedAgain = false;
  }
}
