// @ts-check
// A drawing that the server has not been given yet stays in this browser, and is put back when the page is opened again.
import { forget, keep, kept } from "../store.js";
import { pictureAddress, shownPicture } from "./intake.js";

const PATIENCE = 5000;
const PAUSE = 100;

/** @param {import("./canvas.js").Canvas} canvas */
export async function keepDrawing(canvas) {
  const load = canvas.loads;
  const blob = await canvas.saver.paintFile();
  if (load !== canvas.loads || !canvas.saver.isBehind) {
    return; // something else is on the canvas, or the server has it meanwhile
  }
  await keep(canvas.id, { value: canvas.value, file: canvas.saver.file, paint: blob });
}

/** @param {import("./canvas.js").Canvas} canvas */
export function forgetDrawing(canvas) {
  return forget(canvas.id);
}

/** @param {import("./canvas.js").Canvas} canvas */
export async function putDrawingBack(canvas) {
  const drawn = await kept(canvas.id);
  if (!drawn) {
    return;
  }
  if (!drawn.file && !drawn.value.picture) {
    canvas.remove();
    return;
  }
  // After a restart the server has the picture in another place: where it has put it onto the canvas by then.
  const path = drawn.file ? null : (await restoredPicture(canvas)) ?? drawn.value.picture;
  const picture = await shownPicture(drawn.file ? URL.createObjectURL(drawn.file) : pictureAddress(path));
  const paint = drawn.paint ? await shownPicture(URL.createObjectURL(drawn.paint)) : null;
  canvas.loads++;
  canvas.open(picture, { ...drawn.value, picture: path }, paint);
  canvas.saver.putBack(drawn.file);
}

/** The picture that the server restores, once it is seen. @param {import("./canvas.js").Canvas} canvas */
async function restoredPicture(canvas) {
  for (let waited = 0; waited < PATIENCE && !canvas.isOpen; waited += PAUSE) {
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  return canvas.value.picture;
}
