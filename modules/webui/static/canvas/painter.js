// @ts-check
// Painting: strokes, areas and fills, in pixels of the picture. A stroke is drawn on a sheet of its own and laid over
// what was there, so that its opacity counts once however often it crosses itself.
import { floodFill } from "./fill.js";

/** @typedef {{ x: number, y: number }} Point */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box */

/** Sheets that all canvases share: only one is painted on at a time. */
const strokeSheet = sheet();
const beforeSheet = sheet();

export class Painter {
  /** @param {import("./canvas.js").Canvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.paint = context(canvas.parts.paint);
    /** @type {Point & { radius: number } | null} */
    this.last = null;
    /** @type {Box | null} What the stroke has touched. */
    this.touched = null;
    this.isErasing = false;
  }

  get brush() {
    return this.canvas.toolbar.brush;
  }

  /** Whether what the brush paints has levels between nothing and all. */
  get isSoft() {
    return this.brush.softness > 0 || this.brush.opacity < 1;
  }

  /** Begin with an empty paint of this size. @param {{ width: number, height: number }} size */
  resize({ width, height }) {
    Object.assign(this.paint.canvas, { width, height });
  }

  /** @param {boolean} isErasing */
  begin(isErasing) {
    const { width, height } = this.paint.canvas;
    this.isErasing = isErasing;
    this.last = this.touched = null;
    for (const each of [strokeSheet, beforeSheet]) {
      if (each.canvas.width !== width || each.canvas.height !== height) {
        Object.assign(each.canvas, { width, height });
      }
    }
    strokeSheet.clearRect(0, 0, width, height);
    copy(beforeSheet, this.paint.canvas);
  }

  /** Go on with a stroke. @param {Point} point @param {number} pressure 0..1 */
  strokeTo(point, pressure) {
    const radius = Math.max(this.brush.size * pressure / 2, 0.5);
    const from = this.last ?? { ...point, radius };
    const to = { ...point, radius };
    this.brush.softness > 0 ? this.softLine(from, to) : this.hardLine(from, to);
    this.last = to;
    const reach = Math.max(from.radius, radius) + 2;
    this.layOver(boxOf([from, to], reach));
  }

  /** Fill the area within a line of points. @param {Point[]} points */
  area(points) {
    strokeSheet.clearRect(0, 0, strokeSheet.canvas.width, strokeSheet.canvas.height);
    strokeSheet.fillStyle = this.brush.colour;
    strokeSheet.beginPath();
    points.forEach(({ x, y }) => strokeSheet.lineTo(x, y));
    strokeSheet.fill();
    this.layOver({ x: 0, y: 0, ...size(this.paint.canvas) });
  }

  /** End what was begun, so that it can be undone. */
  end() {
    const box = this.touched;
    this.last = this.touched = null;
    if (box) {
      this.note(box, cut(beforeSheet.canvas, box), this.isSoft);
    }
  }

  /** Give up what was begun. */
  cancel() {
    copy(this.paint, beforeSheet.canvas);
    this.last = this.touched = null;
  }

  /** Fill all that is connected with a point and has no paint, or with `isErasing` has some. @param {Point} point @param {boolean} isErasing */
  fill(point, isErasing) {
    this.begin(isErasing);
    const { colour, opacity } = this.brush;
    if (floodFill(this.paint, strokeSheet, point, colour, isErasing)) {
      this.touched = { x: 0, y: 0, ...size(this.paint.canvas) };
      this.layOver(this.touched);
      this.note(this.touched, cut(beforeSheet.canvas, this.touched), opacity < 1);
    }
    this.touched = null;
  }

  /** Take all paint away. */
  clear() {
    const box = { x: 0, y: 0, ...size(this.paint.canvas) };
    const before = cut(this.paint.canvas, box);
    this.paint.clearRect(0, 0, box.width, box.height);
    this.note(box, before, false);
  }

  /** The colour that is seen at a point, as #rrggbb. @param {Point} point */
  colourAt({ x, y }) {
    const [left, top] = this.canvas.value.frame;
    const one = sheet(1, 1);
    one.drawImage(this.canvas.parts.picture, left - Math.floor(x), top - Math.floor(y), this.canvas.size.width, this.canvas.size.height);
    one.drawImage(this.paint.canvas, -Math.floor(x), -Math.floor(y));
    const [red, green, blue] = one.getImageData(0, 0, 1, 1).data;
    return `#${[red, green, blue].map((level) => level.toString(16).padStart(2, "0")).join("")}`;
  }

  /** @param {Box} box @param {HTMLCanvasElement} before @param {boolean} isSoft */
  note(box, before, isSoft) {
    const after = cut(this.paint.canvas, box);
    const was = this.canvas.value.soft;
    /** @param {HTMLCanvasElement} piece */
    const put = (piece) => {
      this.paint.clearRect(box.x, box.y, box.width, box.height);
      this.paint.drawImage(piece, box.x, box.y);
      this.canvas.painted(was || isSoft);
    };
    this.canvas.history.push({
      undo: () => put(before), redo: () => put(after), bytes: 8 * box.width * box.height,
    });
    this.canvas.painted(isSoft);
  }

  /** @param {Point & { radius: number }} from @param {Point & { radius: number }} to */
  hardLine(from, to) {
    strokeSheet.strokeStyle = strokeSheet.fillStyle = this.brush.colour;
    strokeSheet.lineCap = "round";
    strokeSheet.lineWidth = from.radius + to.radius;
    strokeSheet.beginPath();
    strokeSheet.moveTo(from.x, from.y);
    strokeSheet.lineTo(to.x, to.y);
    strokeSheet.stroke();
  }

  /** @param {Point & { radius: number }} from @param {Point & { radius: number }} to */
  softLine(from, to) {
    const length = Math.hypot(to.x - from.x, to.y - from.y);
    const steps = Math.max(1, Math.ceil(length / Math.max(to.radius / 5, 0.5)));
    for (let step = 1; step <= steps; step++) {
      const part = step / steps;
      this.dab(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part, from.radius + (to.radius - from.radius) * part);
    }
  }

  /** @param {number} x @param {number} y @param {number} radius */
  dab(x, y, radius) {
    const { colour, softness } = this.brush;
    const fade = strokeSheet.createRadialGradient(x, y, radius * (1 - softness), x, y, radius);
    fade.addColorStop(0, colour);
    fade.addColorStop(1, `${colour}00`);
    strokeSheet.fillStyle = fade;
    strokeSheet.beginPath();
    strokeSheet.arc(x, y, radius, 0, 2 * Math.PI);
    strokeSheet.fill();
  }

  /** Lay the stroke over what was there before it. @param {Box} wanted */
  layOver(wanted) {
    const box = within(wanted, size(this.paint.canvas));
    if (!box.width || !box.height) {
      return;
    }
    const { paint } = this;
    const { x, y, width, height } = box;
    paint.clearRect(x, y, width, height);
    paint.drawImage(beforeSheet.canvas, x, y, width, height, x, y, width, height);
    paint.globalCompositeOperation = this.isErasing ? "destination-out" : "source-over";
    paint.globalAlpha = this.brush.opacity;
    paint.drawImage(strokeSheet.canvas, x, y, width, height, x, y, width, height);
    paint.globalAlpha = 1;
    paint.globalCompositeOperation = "source-over";
    this.touched = this.touched ? around(this.touched, box) : box;
  }
}

/** @param {HTMLCanvasElement} canvas */
function context(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/** A new sheet to draw on. */
export function sheet(width = 0, height = 0) {
  return context(Object.assign(document.createElement("canvas"), { width, height }));
}

/** A piece of a canvas, bit for bit. @param {HTMLCanvasElement} canvas @param {Box} box */
export function cut(canvas, { x, y, width, height }) {
  const piece = sheet(width, height);
  piece.drawImage(canvas, x, y, width, height, 0, 0, width, height);
  return piece.canvas;
}

/** @param {CanvasRenderingContext2D} target @param {HTMLCanvasElement} source */
function copy(target, source) {
  target.globalCompositeOperation = "copy";
  target.drawImage(source, 0, 0);
  target.globalCompositeOperation = "source-over";
}

/** @param {HTMLCanvasElement} canvas */
function size({ width, height }) {
  return { width, height };
}

/** The whole pixels around points. @param {Point[]} points @param {number} reach @returns {Box} */
function boxOf(points, reach) {
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [x, y] = [Math.floor(Math.min(...xs) - reach), Math.floor(Math.min(...ys) - reach)];
  return { x, y, width: Math.ceil(Math.max(...xs) + reach) - x, height: Math.ceil(Math.max(...ys) + reach) - y };
}

/** @param {Box} box @param {{ width: number, height: number }} limits @returns {Box} */
function within(box, limits) {
  const [x, y] = [Math.max(box.x, 0), Math.max(box.y, 0)];
  const [right, bottom] = [Math.min(box.x + box.width, limits.width), Math.min(box.y + box.height, limits.height)];
  return { x, y, width: Math.max(right - x, 0), height: Math.max(bottom - y, 0) };
}

/** @param {Box} a @param {Box} b @returns {Box} */
function around(a, b) {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const [right, bottom] = [Math.max(a.x + a.width, b.x + b.width), Math.max(a.y + a.height, b.y + b.height)];
  return { x, y, width: right - x, height: bottom - y };
}
