// @ts-check
// The size that the second pass will have, as a note beside its switch.

const CELL = 8;

/**
 * The note for these values of the controls; "" while there is no second pass.
 * @param {boolean} enabled
 * @param {number} width
 * @param {number} height
 * @param {number} scale
 * @param {number} resizeWidth
 * @param {number} resizeHeight
 */
export function finalSize(enabled, width, height, scale, resizeWidth, resizeHeight) {
  if (!enabled || !width || !height) {
    return "";
  }
  const [w, h] = target(width, height, scale, resizeWidth, resizeHeight);
  return `<p>from <b>${width}×${height}</b> to <b>${w}×${h}</b></p>`;
}

/** @param {number} width @param {number} height @param {number} scale @param {number} resizeWidth @param {number} resizeHeight */
function target(width, height, scale, resizeWidth, resizeHeight) {
  let [w, h] = [resizeWidth, resizeHeight];
  if (!w && !h) {
    [w, h] = [Math.trunc(width * scale), Math.trunc(height * scale)];
  } else if (!h) {
    h = Math.floor((w * height) / width);
  } else if (!w) {
    w = Math.floor((h * width) / height);
  }
  return [w, h].map((side) => Math.floor(side / CELL) * CELL);
}
