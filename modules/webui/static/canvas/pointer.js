// @ts-check
// Mouse, pen and fingers on a canvas. One finger paints, two move and zoom; the middle button or the key for moving
// moves; the right button and the other end of a pen erase.

const PEN_ERASER = 32;
const WHEEL_ZOOM = 1.15;
/** Points of a lasso that is worth filling. */
const FEWEST_POINTS = 3;

/** @param {import("./canvas.js").Canvas} canvas */
export function watchPointer(canvas) {
  new Pointer(canvas);
}

class Pointer {
  /** @param {import("./canvas.js").Canvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Map<number, PointerEvent>} Fingers on the canvas. */
    this.fingers = new Map();
    /** @type {"paint" | "move" | "rectangle" | "lasso" | null} */
    this.action = null;
    /** @type {{ x: number, y: number }[]} In the picture. */
    this.points = [];
    this.isErasing = false;
    this.before = { x: 0, y: 0 }; // where the pointer was, in the area
    const { area } = canvas.parts;
    area.addEventListener("pointerdown", (event) => this.down(event));
    area.addEventListener("pointermove", (event) => this.moved(event));
    area.addEventListener("pointerup", (event) => this.up(event));
    area.addEventListener("pointercancel", (event) => this.cancelled(event));
    area.addEventListener("pointerenter", () => canvas.toolbar.hovered(true));
    area.addEventListener("pointerleave", () => canvas.toolbar.hovered(false));
    area.addEventListener("wheel", (event) => wheel(canvas, event), { passive: false });
    area.addEventListener("contextmenu", (event) => canvas.isPaintable && event.preventDefault());
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { canvas } = this;
    if (!canvas.isOpen || (event.target instanceof Element && event.target.closest(".canvas-handles, .canvas-empty"))) {
      return;
    }
    if (event.pointerType === "touch") {
      this.fingers.set(event.pointerId, event);
      if (this.fingers.size > 1) {
        this.giveUp();
        return;
      }
    }
    if (this.action) {
      return;
    }
    try {
      canvas.parts.area.setPointerCapture(event.pointerId);
    } catch {
      // The pointer has gone already.
    }
    this.begin(event);
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  begin(event) {
    const { canvas } = this;
    const { tool } = canvas.toolbar;
    const point = canvas.view.inPicture(event);
    this.points = [point];
    this.before = canvas.view.inArea(event);
    if (event.button === 1 || canvas.toolbar.isMoving || !canvas.isPaintable || canvas.frame.isOpen) {
      this.action = "move";
      return;
    }
    this.isErasing = canvas.toolbar.isErasing || event.button === 2 || Boolean(event.buttons & PEN_ERASER);
    if (tool === "pick") {
      canvas.toolbar.setColour(canvas.painter.colourAt(point));
    } else if (tool === "fill") {
      canvas.painter.fill(point, this.isErasing);
    } else if (tool === "brush") {
      this.action = "paint";
      canvas.painter.begin(this.isErasing);
      canvas.painter.strokeTo(point, pressureOf(event));
    } else {
      this.action = tool;
    }
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const { canvas, before } = this;
    const now = canvas.view.inArea(event);
    this.before = now;
    canvas.toolbar.placeCursor(event);
    if (this.fingers.size > 1 && this.fingers.has(event.pointerId)) {
      this.pinch(event);
      return;
    }
    if (this.action === "move" || canvas.toolbar.isMoving) {
      canvas.view.move(now.x - before.x, now.y - before.y);
    } else if (this.action === "paint") {
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) {
        canvas.painter.strokeTo(canvas.view.inPicture(each), pressureOf(each));
      }
    } else if (this.action) {
      this.points.push(canvas.view.inPicture(event));
      canvas.marks.setDraft(this.outline());
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.fingers.delete(event.pointerId);
    const { action, canvas } = this;
    this.action = null;
    canvas.marks.setDraft(null);
    if (action === "paint") {
      canvas.painter.end();
    } else if (action === "rectangle" || action === "lasso") {
      this.points.push(canvas.view.inPicture(event));
      const outline = this.outline();
      if (outline.length >= FEWEST_POINTS) {
        canvas.painter.begin(this.isErasing);
        canvas.painter.area(outline);
        canvas.painter.end();
      }
    }
  }

  /** @param {PointerEvent} event */
  cancelled(event) {
    this.fingers.delete(event.pointerId);
    this.giveUp();
  }

  giveUp() {
    if (this.action === "paint") {
      this.canvas.painter.cancel();
    }
    this.action = null;
    this.canvas.marks.setDraft(null);
  }

  /** The corners of what is dragged out: a rectangle of whole pixels, or the line of the lasso. */
  outline() {
    if (this.action === "lasso" || (!this.action && this.canvas.toolbar.tool === "lasso")) {
      return this.points;
    }
    const [from, to] = [this.points[0], this.points[this.points.length - 1]];
    const [left, right] = [Math.floor(Math.min(from.x, to.x)), Math.ceil(Math.max(from.x, to.x))];
    const [top, bottom] = [Math.floor(Math.min(from.y, to.y)), Math.ceil(Math.max(from.y, to.y))];
    return [{ x: left, y: top }, { x: right, y: top }, { x: right, y: bottom }, { x: left, y: bottom }];
  }

  /** Two fingers: what lies between them stays between them. @param {PointerEvent} event */
  pinch(event) {
    const { view } = this.canvas;
    const others = [...this.fingers.values()].filter((each) => each.pointerId !== event.pointerId);
    const before = /** @type {PointerEvent} */ (this.fingers.get(event.pointerId));
    const [still, from, to] = [others[0], before, event].map((each) => view.inArea(each));
    const factor = distance(still, to) / Math.max(distance(still, from), 1);
    view.zoom(factor, { x: (still.x + from.x) / 2, y: (still.y + from.y) / 2 });
    view.move((to.x - from.x) / 2, (to.y - from.y) / 2);
    this.fingers.set(event.pointerId, event);
  }
}

/** @param {import("./canvas.js").Canvas} canvas @param {WheelEvent} event */
function wheel(canvas, event) {
  const { zoom, adjust } = window.easelOptions.canvas;
  const direction = Math.sign(-(event.deltaY || event.deltaX)); // Shift turns the wheel sideways
  if (!canvas.isOpen || !direction) {
    return;
  }
  if (isHeld(zoom, event) && canvas.toolbar.allows("Zoom")) {
    event.preventDefault();
    canvas.view.zoom(direction > 0 ? WHEEL_ZOOM : 1 / WHEEL_ZOOM, canvas.view.inArea(event));
  } else if (isHeld(adjust, event) && canvas.isPaintable && canvas.toolbar.allows("Adjust brush size")) {
    event.preventDefault();
    canvas.toolbar.growBrush(direction);
  }
  canvas.toolbar.placeCursor(event);
}

/** @param {string} modifier @param {WheelEvent} event */
function isHeld(modifier, event) {
  return { Shift: event.shiftKey, Ctrl: event.ctrlKey || event.metaKey, Alt: event.altKey }[modifier] ?? false;
}

/** Pens press more or less; all others fully. @param {PointerEvent} event */
function pressureOf(event) {
  return event.pointerType === "pen" && event.pressure > 0 ? event.pressure : 1;
}

/** @param {{ x: number, y: number }} a @param {{ x: number, y: number }} b */
function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
