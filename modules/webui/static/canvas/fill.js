// @ts-check
// Filling what is connected. An outline of paint holds a fill; half transparent edges count as what they are more.

/** From this alpha on, a pixel counts as painted. */
const PAINTED = 128;

/**
 * Draw on `target` all pixels that are connected with `point` in `paint` and are as unpainted as it (with `isPainted`,
 * as painted). Answers whether there were any.
 * @param {CanvasRenderingContext2D} paint
 * @param {CanvasRenderingContext2D} target
 * @param {{ x: number, y: number }} point
 * @param {string} colour #rrggbb
 * @param {boolean} isPainted
 */
export function floodFill(paint, target, point, colour, isPainted) {
  const { width, height } = paint.canvas;
  const [x, y] = [Math.floor(point.x), Math.floor(point.y)];
  if (x < 0 || y < 0 || x >= width || y >= height) {
    return false;
  }
  const levels = paint.getImageData(0, 0, width, height).data;
  /** @param {number} place */
  const isSame = (place) => (levels[4 * place + 3] >= PAINTED) === isPainted;
  const filled = connected(x, y, width, height, isSame);
  if (!filled) {
    return false;
  }
  const made = target.createImageData(width, height);
  const pixels = new Uint32Array(made.data.buffer);
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const value = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  for (let place = 0; place < filled.length; place++) {
    if (filled[place]) {
      pixels[place] = value;
    }
  }
  target.putImageData(made, 0, 0);
  return true;
}

/**
 * The places connected with (x, y), row by row of the picture; null where not even that one is.
 * @param {number} x @param {number} y @param {number} width @param {number} height
 * @param {(place: number) => boolean} isSame
 */
function connected(x, y, width, height, isSame) {
  const filled = new Uint8Array(width * height);
  const waiting = [y * width + x];
  if (!isSame(waiting[0])) {
    return null;
  }
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (filled[place]) {
      continue;
    }
    const row = place - (place % width);
    let [first, last] = [place, place];
    while (first > row && isSame(first - 1) && !filled[first - 1]) {
      first--;
    }
    while (last < row + width - 1 && isSame(last + 1) && !filled[last + 1]) {
      last++;
    }
    filled.fill(1, first, last + 1);
    for (const other of [-width, width]) {
      spread(first + other, last + other, filled, isSame, waiting, width * height);
    }
  }
  return filled;
}

/**
 * Note the beginning of each run between two places that is still to be filled.
 * @param {number} first @param {number} last @param {Uint8Array} filled @param {(place: number) => boolean} isSame
 * @param {number[]} waiting @param {number} count
 */
function spread(first, last, filled, isSame, waiting, count) {
  if (first < 0 || last >= count) {
    return;
  }
  for (let place = first, isInside = false; place <= last; place++) {
    const isOpen = !filled[place] && isSame(place);
    if (isOpen && !isInside) {
      waiting.push(place);
    }
    isInside = isOpen;
  }
}
