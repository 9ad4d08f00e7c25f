// @ts-check
// While the size of img2img is changed, its picture shows what comes of that: the part that is kept, or what is added.
import { textBox } from "../dom.js";
import { canvasOf } from "./mount.js";

/** The canvas of each sub tab. */
const CANVASES = /** @type {Record<string, string>} */ ({
  img2img: "img2img_image", sketch: "img2img_sketch", inpaint: "img2maskimg", inpaint_sketch: "inpaint_sketch",
});

export function watchResizing() {
  document.addEventListener("input", (event) => {
    if (event.target instanceof Element && event.target.closest("#img2img_width, #img2img_height, #resize_mode")) {
      requestAnimationFrame(preview); // when all boxes say the same
    }
  });
  // A picture that was enlarged by its frame is to come out as large.
  document.addEventListener("canvas-frame", () => document.getElementById("img2img_detect_image_size_btn")?.click());
}

function preview() {
  const canvas = canvasOf(CANVASES[document.documentElement.dataset.mode_img2img ?? "img2img"]);
  const [width, height] = ["img2img_width", "img2img_height"].map((id) => Number(textBox(id)?.value));
  if (canvas?.isOpen && width > 0 && height > 0) {
    /** @type {HTMLInputElement[]} */
    const modes = [...document.querySelectorAll("#resize_mode input")].filter((each) => each instanceof HTMLInputElement);
    canvas.marks.setTarget(targetOf(canvas.whole, width / height, modes.findIndex((mode) => mode.checked) === 2));
  }
}

/**
 * The rectangle of a proportion around the middle of a picture: within it, or with `isAround` about it.
 * @param {{ width: number, height: number }} size
 * @param {number} proportion width / height
 * @param {boolean} isAround
 */
export function targetOf({ width, height }, proportion, isAround) {
  const isByWidth = (proportion > width / height) !== isAround;
  const [wide, high] = isByWidth ? [width, width / proportion] : [height * proportion, height];
  const [left, top] = [(width - wide) / 2, (height - high) / 2];
  return [left, top, left + wide, top + high];
}
