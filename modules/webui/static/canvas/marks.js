// @ts-check
// Lines over the picture that are no part of it: where "Only masked" looks, what a change of the size would do, and the
// shape that is being dragged out.

const PREVIEW_SECONDS = 2.5;

/** @typedef {{ x: number, y: number }} Point */

export class Marks {
  /** @param {import("./canvas.js").Canvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {number[] | null} left, top, right, bottom in the picture with its frame */
    this.region = null;
    /** @type {number[] | null} the same, of the size that is asked for */
    this.target = null;
    /** @type {Point[] | null} */
    this.draft = null;
    this.timer = 0;
  }

  /** @param {number[] | null} region */
  setRegion(region) {
    this.region = region;
    this.show();
  }

  /** Show for a moment what is made of the picture. @param {number[] | null} target */
  setTarget(target) {
    this.target = target;
    clearTimeout(this.timer);
    if (target) {
      this.timer = setTimeout(() => this.setTarget(null), PREVIEW_SECONDS * 1000);
    }
    this.show();
  }

  /** @param {Point[] | null} draft */
  setDraft(draft) {
    this.draft = draft;
    this.show();
  }

  show() {
    const lines = [];
    if (this.canvas.isOpen) {
      this.region && lines.push(this.line("region", corners(this.region)));
      this.target && lines.push(this.line("target", corners(this.target)));
      this.canvas.frame.shown && lines.push(this.line("grown", corners(this.canvas.frame.shown)));
      this.draft && lines.push(this.line("draft", this.draft));
    }
    this.canvas.parts.marks.innerHTML = lines.length ? `<svg>${lines.join("")}</svg>` : "";
    this.canvas.frame.placeHandles();
  }

  /** @param {string} kind @param {Point[]} points */
  line(kind, points) {
    const { x, y, scale } = this.canvas.view;
    const places = points.map((point) => `${(x + point.x * scale).toFixed(1)},${(y + point.y * scale).toFixed(1)}`).join(" ");
    return `<polygon class="canvas-line under" points="${places}"/><polygon class="canvas-line ${kind}" points="${places}"/>`;
  }
}

/** @param {number[]} box @returns {Point[]} */
function corners([left, top, right, bottom]) {
  return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
}
