// @ts-check
// A picture that is zoomed by wheel, keys and two fingers, and moved by dragging. Enlarged, its pixels stay crisp.

const MOST = 40;
const STEP = 1.2;
const MOVED = 4;

/**
 * @param {HTMLElement} frame what the picture is seen through
 * @param {HTMLImageElement} image
 * @param {{ enlarge: boolean }} how whether a small picture is first shown as large as the frame
 */
export function zoomable(frame, image, { enlarge }) {
  let [scale, x, y, moved] = [1, 0, 0, false];
  let filling = enlarge;
  /** @type {Map<number, PointerEvent>} */
  const fingers = new Map();

  const fit = () => {
    const [width, height] = [image.naturalWidth || 1, image.naturalHeight || 1];
    const whole = Math.min(frame.clientWidth / width, frame.clientHeight / height);
    return filling ? whole : Math.min(whole, 1);
  };
  const draw = () => {
    frame.style.setProperty("--shift", `translate(-50%, -50%) translate(${x}px, ${y}px) scale(${scale})`);
    frame.style.setProperty("--width", `${image.naturalWidth}px`);
    frame.style.setProperty("--height", `${image.naturalHeight}px`);
    frame.toggleAttribute("data-crisp", scale > 1);
  };
  const reset = () => {
    [scale, x, y] = [fit(), 0, 0];
    draw();
  };
  const zoomAt = (/** @type {number} */ factor, /** @type {number} */ left, /** @type {number} */ top) => {
    const next = Math.min(Math.max(scale * factor, Math.min(fit(), 1) / 4), MOST);
    const place = frame.getBoundingClientRect();
    const [fromX, fromY] = [left - place.left - place.width / 2, top - place.top - place.height / 2];
    x = fromX - ((fromX - x) * next) / scale;
    y = fromY - ((fromY - y) * next) / scale;
    scale = next;
    draw();
  };
  image.addEventListener("load", reset);
  new ResizeObserver(reset).observe(frame);
  frame.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(event.deltaY < 0 ? STEP : 1 / STEP, event.clientX, event.clientY);
  }, { passive: false });
  frame.addEventListener("pointerdown", (event) => {
    moved = false;
    fingers.set(event.pointerId, event);
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) {
      return;
    }
    const other = [...fingers.values()].find((finger) => finger.pointerId !== event.pointerId);
    if (other) {
      const apart = (/** @type {PointerEvent} */ finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
      zoomAt(apart(event) / Math.max(apart(before), 1), (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
    }
    x += (event.clientX - before.clientX) / fingers.size;
    y += (event.clientY - before.clientY) / fingers.size;
    moved ||= Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY) > MOVED / 4;
    fingers.set(event.pointerId, event);
    draw();
  });
  for (const type of /** @type {const} */ (["pointerup", "pointercancel"])) {
    frame.addEventListener(type, (event) => fingers.delete(event.pointerId));
  }
  return {
    reset,
    moved: () => moved,
    zoom: (/** @type {number} */ factor) => {
      const place = frame.getBoundingClientRect();
      zoomAt(factor, place.left + place.width / 2, place.top + place.height / 2);
    },
    /** As large as the frame, or at its own size. */
    toggle() {
      filling = !filling;
      reset();
    },
  };
}
