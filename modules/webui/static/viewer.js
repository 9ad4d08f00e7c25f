// @ts-check
// Pictures over the full page: arrows, zoom, pan, compare, and what can be done with the one that is shown.
import { element } from "./dom.js";
import { watchGamepad } from "./gamepad.js";
import { stage } from "./notice.js";
import { zoomable } from "./zoom.js";

/**
 * @typedef {object} Shown A picture. `before` is one to compare it with.
 * @property {string} src
 * @property {string} [name] for screen readers
 * @property {string} [text] its parameters
 * @property {string | null} [before]
 *
 * @typedef {object} Source What is looked through.
 * @property {() => number} count
 * @property {(index: number) => Shown | null | Promise<Shown | null>} at
 * @property {(index: number) => void} [onShow]
 * @property {() => void} [onClose]
 * @property {{ label: string, key?: string, act: (index: number) => void, leaves?: boolean }[]} [actions]
 */

/** @type {{ close: () => void } | null} */
let open = null;

export function viewerOpen() {
  return open !== null;
}

/** Open the viewer at a picture of `source`. @param {Source} source @param {number} index @param {{ compare?: boolean }} [how] */
export function openViewer(source, index, { compare = false } = {}) {
  open?.close();
  const { zoomed, icons, bar } = window.easelOptions.viewer;
  const root = element("div", "lightbox");
  root.id = "lightboxModal";
  root.setAttribute("role", "dialog");
  root.setAttribute("aria-modal", "true");
  root.setAttribute("aria-label", "Picture");
  root.tabIndex = -1;
  root.style.setProperty("--icon-opacity", String(icons));
  root.style.setProperty("--bar-opacity", String(bar));
  const frame = element("div", "lightbox-frame");
  const image = document.createElement("img");
  image.id = "modalImage";
  const before = document.createElement("img");
  before.className = "lightbox-before";
  before.alt = "The picture before";
  before.hidden = true;
  frame.append(image, before);
  const slider = compareSlider(frame);
  const tools = element("div", "lightbox-bar");
  const text = element("p", "lightbox-text");
  text.hidden = true;
  const view = zoomable(frame, image, { enlarge: zoomed });
  const focused = document.activeElement;
  let comparing = compare;
  let asked = 0;

  const show = async (/** @type {number} */ wanted) => {
    const count = source.count();
    if (!count) {
      close();
      return;
    }
    index = (wanted + count) % count;
    const mine = ++asked;
    const shown = await source.at(index);
    if (mine !== asked || !shown) {
      return;
    }
    image.src = shown.src;
    image.alt = shown.name ?? "";
    text.textContent = shown.text ?? "";
    before.src = shown.before ?? "";
    before.hidden = slider.hidden = !comparing || !shown.before;
    position.textContent = count > 1 ? `${index + 1} / ${count}` : "";
    view.reset();
    source.onShow?.(index);
  };
  const close = () => {
    open = null;
    stopGamepad();
    root.remove();
    document.removeEventListener("keydown", onKey, true);
    source.onClose?.();
    if (focused instanceof HTMLElement) {
      focused.focus({ preventScroll: true });
    }
  };
  const turn = (/** @type {number} */ step) => show(index + step);
  const compareOrNot = () => {
    comparing = !comparing;
    show(index);
  };

  const add = (/** @type {string} */ id, /** @type {string} */ label, /** @type {() => void} */ act) => {
    const button = document.createElement("button");
    button.type = "button";
    button.id = id;
    button.textContent = label;
    button.addEventListener("click", act);
    tools.append(button);
  };
  const position = element("span", "lightbox-position");
  tools.append(position);
  for (const [number, action] of (source.actions ?? []).entries()) {
    add(`modal_action_${number}`, action.label, () => run(action));
  }
  add("modal_compare", "Compare", compareOrNot);
  add("modal_info", "Parameters", () => (text.hidden = !text.hidden));
  add("modal_zoom", "Zoom", () => view.toggle());
  add("modal_close", "Close", close);
  const run = (/** @type {NonNullable<Source["actions"]>[0]} */ action) => {
    const at = index;
    if (action.leaves) {
      close();
    }
    action.act(at);
  };
  const [previous, next] = [arrow("modalPrev", "Previous picture", "‹", () => turn(-1)), arrow("modalNext", "Next picture", "›", () => turn(1))];
  root.append(frame, slider, previous, next, tools, text);
  frame.addEventListener("click", (event) => event.target === frame && !view.moved() && close());

  /** @type {Record<string, () => unknown>} */
  const keys = {
    Escape: close, ArrowLeft: () => turn(-1), ArrowRight: () => turn(1), Home: () => show(0), End: () => show(source.count() - 1),
    "+": () => view.zoom(1.25), "-": () => view.zoom(0.8), "=": () => view.zoom(1.25), z: () => view.toggle(), c: compareOrNot,
    i: () => (text.hidden = !text.hidden),
  };
  for (const action of source.actions ?? []) {
    if (action.key) {
      keys[action.key] = () => run(action);
    }
  }
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Tab") {
      keepFocus(event, root);
      return;
    }
    const act = event.ctrlKey || event.altKey || event.metaKey ? null : keys[event.key];
    const inSlider = event.target instanceof HTMLInputElement && event.key.startsWith("Arrow");
    if (!inSlider) {
      event.stopPropagation(); // the page behind hears nothing: Escape is no interrupt here
    }
    if (act && !inSlider) {
      event.preventDefault();
      act();
    }
  };
  document.addEventListener("keydown", onKey, true);
  const stopGamepad = watchGamepad({ turn, close, zoom: () => view.toggle() });
  open = { close };
  stage().append(root);
  root.focus({ preventScroll: true });
  show(index);
}

/** @param {string} id @param {string} label @param {string} sign @param {() => void} act */
function arrow(id, label, sign, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.id = id;
  button.className = "lightbox-arrow";
  button.textContent = sign;
  button.setAttribute("aria-label", label);
  button.addEventListener("click", act);
  return button;
}

/** A slider that uncovers what was before. @param {HTMLElement} frame */
function compareSlider(frame) {
  const slider = document.createElement("input");
  slider.type = "range";
  slider.className = "lightbox-compare";
  slider.min = "0";
  slider.max = "100";
  slider.value = "50";
  slider.setAttribute("aria-label", "How much of the picture before is seen");
  slider.hidden = true;
  const move = () => frame.style.setProperty("--split", `${slider.value}%`);
  slider.addEventListener("input", move);
  move();
  return slider;
}

/** Keep the focus among the buttons of a dialog. @param {KeyboardEvent} event @param {HTMLElement} root */
function keepFocus(event, root) {
  /** @type {HTMLElement[]} */
  const stops = [...root.querySelectorAll("button, input:not([hidden])")].filter((each) => each instanceof HTMLElement);
  const at = stops.findIndex((each) => each === document.activeElement);
  event.preventDefault();
  event.stopPropagation();
  stops[(at + (event.shiftKey ? -1 : 1) + stops.length) % stops.length]?.focus();
}
