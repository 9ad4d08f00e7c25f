// @ts-check
// How pictures come onto a canvas: chosen, dropped, pasted. The file itself goes to the server, with all it says.
import { route } from "../dom.js";
import { fileOf } from "../dropped.js";
import { emptyState } from "./state.js";

/** The address at which the server gives an uploaded or a made picture. @param {string} path */
export function pictureAddress(path) {
  return route(`gradio_api/file=${path.split("/").map(encodeURIComponent).join("/")}`);
}

/** A picture, decoded. Raises where it is none. @param {string} address */
export async function shownPicture(address) {
  const picture = new Image();
  picture.src = address;
  await picture.decode();
  return picture;
}

/** @param {import("./canvas.js").Canvas} canvas */
export function watchIntake(canvas) {
  const { file, area } = canvas.parts;
  file.addEventListener("change", () => {
    file.files?.[0] && take(canvas, file.files[0]);
    file.value = ""; // the same file can be chosen again
  });
  area.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.dataset.drop = "yes";
  });
  area.addEventListener("dragleave", (event) => {
    if (!(event.relatedTarget instanceof Node && area.contains(event.relatedTarget))) {
      delete area.dataset.drop;
    }
  });
  area.addEventListener("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    delete area.dataset.drop;
    const dropped = event.dataTransfer && (await fileOf(event.dataTransfer));
    if (dropped) {
      take(canvas, dropped);
    } else {
      canvas.say("There is no picture in what was dropped. Drop a file, or a picture of this page.");
    }
  });
}

/** A pasted picture goes to the canvas under the pointer, or to the only one that is seen. @param {import("./canvas.js").Canvas[]} canvases */
export function watchPaste(canvases) {
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])].filter((each) => each.type.startsWith("image/"));
    const shown = canvases.filter((canvas) => canvas.root.offsetParent !== null);
    const target = shown.find((canvas) => canvas.root.matches(":hover, :focus-within")) ?? (shown.length === 1 ? shown[0] : null);
    if (files.length && target) {
      event.preventDefault();
      take(target, files[0]);
    }
  });
}

/**
 * Put a file onto a canvas: it is seen at once and sent meanwhile.
 * @param {import("./canvas.js").Canvas} canvas
 * @param {File} file
 */
export async function take(canvas, file) {
  try {
    const picture = await shownPicture(URL.createObjectURL(file));
    canvas.loads++;
    canvas.open(picture, emptyState());
    canvas.saver.pictureChanged(file);
  } catch {
    canvas.say(`${file.name} cannot be shown: it is no picture, or of a format that this browser does not know.`);
  }
}
