// @ts-check
// A drawing that the server could not be given stays in this browser, and is put back when the page is opened again.
import { forget, keep, kept } from "../store.js";
import { pictureAddress, shownPicture } from "./intake.js";

/** @param {import("./canvas.js").Canvas} canvas */
export async function keepDrawing(canvas) {
  const { paint } = canvas.parts;
  const blob = paint.width ? await new Promise((resolve) => paint.toBlob(resolve, "image/png")) : null;
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
  const picture = drawn.file ? await shownPicture(URL.createObjectURL(drawn.file)) : await onServer(drawn.value.picture, canvas.value.picture);
  const paint = drawn.paint ? await shownPicture(URL.createObjectURL(drawn.paint)) : null;
  canvas.loads++;
  canvas.open(picture, drawn.value, paint);
  canvas.saver.putBack(drawn.file);
}

/** A picture that the server had; after a restart it may have it in another place. @param {string} path @param {string | null} other */
async function onServer(path, other) {
  return shownPicture(pictureAddress(path)).catch((error) => {
    if (other) {
      return shownPicture(pictureAddress(other));
    }
    throw error;
  });
}
