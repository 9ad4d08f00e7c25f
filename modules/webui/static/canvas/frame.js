// @ts-check
// Outpainting: the frame of the picture is dragged outwards, and what comes in between is painted by the model.
import { cut } from "./painter.js";

/** Sides grow by multiples of this, in pixels of the picture: that of the latents. */
const GRID = 8;
const MOST_ADDED = 8192;
/** Handles by the sides that they move: left, top, right, bottom. */
const HANDLES = /** @type {const} */ ([
  ["Left edge", 1, 0, 0, 0], ["Upper edge", 0, 1, 0, 0], ["Right edge", 0, 0, 1, 0], ["Lower edge", 0, 0, 0, 1],
  ["Upper left corner", 1, 1, 0, 0], ["Upper right corner", 0, 1, 1, 0],
  ["Lower right corner", 0, 0, 1, 1], ["Lower left corner", 1, 0, 0, 1],
]);

export class Frame {
  /** @param {import("./canvas.js").Canvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.isOpen = false;
    /** @type {number[] | null} The frame while it is dragged. */
    this.dragged = null;
    this.start = { x: 0, y: 0 };
  }

  /** The rectangle to be drawn, in the picture with its frame. */
  get shown() {
    if (!this.isOpen) {
      return null;
    }
    const { width, height } = this.canvas.whole;
    const more = this.more();
    return [-more[0], -more[1], width + more[2], height + more[3]];
  }

  /** What the frame being dragged has more than the present one. */
  more() {
    return this.canvas.value.frame.map((side, index) => (this.dragged ? this.dragged[index] - side : 0));
  }

  toggle() {
    this.isOpen ? this.leave() : this.enter();
    this.canvas.view.fit();
    this.canvas.toolbar.refresh();
  }

  enter() {
    this.isOpen = true;
    const buttons = HANDLES.map(([name], index) => {
      const button = Object.assign(document.createElement("button"), { type: "button", title: name });
      button.setAttribute("aria-label", `${name} of the picture: drag, or arrow keys, to paint beyond it`);
      button.addEventListener("pointerdown", (event) => this.down(event, index));
      button.addEventListener("pointermove", (event) => this.drag(event, index));
      button.addEventListener("pointerup", () => this.drop());
      button.addEventListener("pointercancel", () => this.drop());
      button.addEventListener("keydown", (event) => this.key(event, index));
      return button;
    });
    this.canvas.parts.handles.replaceChildren(...buttons);
    this.placeHandles();
  }

  leave() {
    this.isOpen = false;
    this.dragged = null;
    this.canvas.parts.handles.replaceChildren();
  }

  placeHandles() {
    const { x, y, scale } = this.canvas.view;
    const box = this.shown;
    HANDLES.forEach(([, left, top, right, bottom], index) => {
      const button = this.canvas.parts.handles.children[index];
      if (box && button instanceof HTMLElement) {
        const across = left ? box[0] : right ? box[2] : (box[0] + box[2]) / 2;
        const down = top ? box[1] : bottom ? box[3] : (box[1] + box[3]) / 2;
        button.style.transform = `translate(${x + across * scale}px, ${y + down * scale}px)`;
      }
    });
  }

  /** @param {PointerEvent} event @param {number} index */
  down(event, index) {
    event.preventDefault();
    event.stopPropagation();
    const button = this.canvas.parts.handles.children[index];
    button instanceof HTMLElement && button.focus();
    button.setPointerCapture(event.pointerId);
    this.start = this.canvas.view.inPicture(event);
    this.dragged = [...this.canvas.value.frame];
  }

  /** @param {PointerEvent} event @param {number} index */
  drag(event, index) {
    if (this.dragged) {
      const point = this.canvas.view.inPicture(event);
      this.dragged = this.moved(index, point.x - this.start.x, point.y - this.start.y);
      this.tellSize();
      this.canvas.marks.show();
    }
  }

  drop() {
    const frame = this.dragged;
    this.dragged = null;
    if (frame) {
      this.change(frame);
    }
  }

  /** @param {KeyboardEvent} event @param {number} index */
  key(event, index) {
    const steps = /** @type {Record<string, number[]>} */ ({
      ArrowLeft: [-GRID, 0], ArrowRight: [GRID, 0], ArrowUp: [0, -GRID], ArrowDown: [0, GRID],
    })[event.key];
    if (steps) {
      event.preventDefault();
      event.stopPropagation();
      this.change(this.moved(index, steps[0] * (event.shiftKey ? 8 : 1), steps[1] * (event.shiftKey ? 8 : 1)));
    }
  }

  /** The frame with the sides of a handle moved by so many pixels of the picture. @param {number} index @param {number} x @param {number} y */
  moved(index, x, y) {
    const sides = HANDLES[index].slice(1).map(Number);
    const by = [-x, -y, x, y];
    return this.canvas.value.frame.map((side, at) => {
      const wanted = sides[at] ? GRID * Math.round((side + by[at]) / GRID) : side;
      return Math.min(Math.max(wanted, 0), MOST_ADDED);
    });
  }

  tellSize() {
    const { width, height } = this.canvas.whole;
    const more = this.more();
    this.canvas.say(`${width + more[0] + more[2]}×${height + more[1] + more[3]} pixels`);
  }

  /** Give the picture another frame, as a step that can be undone. @param {number[]} frame */
  change(frame) {
    const before = this.canvas.value.frame;
    if (frame.every((side, index) => side === before[index])) {
      return;
    }
    const { paint } = this.canvas.parts;
    const piece = cut(paint, { x: 0, y: 0, width: paint.width, height: paint.height });
    this.canvas.history.push({
      undo: () => this.set(before, piece, before), redo: () => this.set(frame, piece, before), bytes: 4 * paint.width * paint.height,
    });
    this.set(frame, piece, before);
  }

  /**
   * Set the frame; what was painted within the frame `painted` stays in its place.
   * @param {number[]} frame @param {HTMLCanvasElement} piece @param {number[]} painted
   */
  set(frame, piece, painted) {
    const { canvas } = this;
    canvas.value = { ...canvas.value, frame };
    canvas.painter.resize(canvas.whole);
    canvas.painter.paint.drawImage(piece, frame[0] - painted[0], frame[1] - painted[1]);
    canvas.marks.setRegion(null);
    canvas.view.fit();
    this.tellSize();
    canvas.painted(false);
    canvas.saver.valueChanged();
    canvas.saver.flush().then(() => {
      canvas.root.dispatchEvent(new CustomEvent("canvas-frame", { bubbles: true, detail: canvas.whole }));
    });
  }
}
