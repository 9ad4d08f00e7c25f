// @ts-check
// Width and height together: a size pasted into either of them, and a proportion that is held.
import { around, panels, typed } from "./dom.js";

/** @typedef {{ width: HTMLInputElement, height: HTMLInputElement }} Sides */

/** The proportion, width / height, that a tab holds. @type {Map<string, number>} */
const held = new Map();
/** A side that follows the other must not move it in turn. */
let isFollowing = false;

export function watchSizes() {
  document.addEventListener("paste", (event) => {
    const [width, height] = sizeIn(event.clipboardData?.getData("text") ?? "") ?? [];
    const tab = around(event, "input") ? tabOf(event) : "";
    const sides = width && height && tab ? sidesOf(tab) : null;
    if (sides) {
      event.preventDefault();
      isFollowing = true;
      write(sides.width, Number(width));
      write(sides.height, Number(height));
      isFollowing = false;
      held.has(tab) && held.set(tab, proportionOf(sides));
    }
  }, true);
  document.addEventListener("input", (event) => isFollowing || follow(event));
  document.addEventListener("change", (event) => isFollowing || follow(event));
  for (const tab of panels()) {
    const button = document.getElementById(`${tab}_aspect_lock_btn`);
    button?.setAttribute("aria-pressed", "false");
    button?.addEventListener("click", () => toggle(tab, button));
    // At the button itself and at once: what extensions do there comes after it. A swapped size has the other proportion.
    document.getElementById(`${tab}_res_switch_btn`)?.addEventListener("click", () => {
      const sides = sidesOf(tab);
      if (sides) {
        const [width, height] = [sides.width.value, sides.height.value];
        isFollowing = true;
        put(sides.width, height);
        put(sides.height, width);
        isFollowing = false;
      }
      const proportion = held.get(tab);
      proportion && held.set(tab, 1 / proportion);
    });
  }
}

/** @param {string} tab @param {HTMLElement} button */
function toggle(tab, button) {
  const sides = sidesOf(tab);
  if (held.delete(tab) || !sides) {
    button.setAttribute("aria-pressed", "false");
    return;
  }
  held.set(tab, proportionOf(sides));
  button.setAttribute("aria-pressed", "true");
}

/** @param {Event} event */
function follow(event) {
  const tab = tabOf(event);
  const proportion = held.get(tab);
  const sides = proportion && event.isTrusted ? sidesOf(tab) : null;
  if (sides && proportion) {
    const isWidth = Boolean(around(event, `#${tab}_width`));
    const given = Number(/** @type {HTMLInputElement} */ (event.target).value);
    const [other, side] = isWidth ? [sides.height, given / proportion] : [sides.width, given * proportion];
    if (given > 0) {
      isFollowing = true;
      write(other, side);
      isFollowing = false;
    }
  }
}

/** The panel whose width or height an event is about; "" for none. @param {Event} event */
function tabOf(event) {
  return panels().find((tab) => around(event, `#${tab}_width, #${tab}_height`)) ?? "";
}

/** @param {string} tab @returns {Sides | null} */
function sidesOf(tab) {
  const [width, height] = ["width", "height"].map((side) => document.querySelector(`#${tab}_${side} input[type=number]`));
  return width instanceof HTMLInputElement && height instanceof HTMLInputElement ? { width, height } : null;
}

/** @param {Sides} sides */
function proportionOf({ width, height }) {
  return Number(width.value) / Math.max(Number(height.value), 1);
}

/** Write a side, in the steps and within the limits of its slider. @param {HTMLInputElement} box @param {number} side */
function write(box, side) {
  const [step, least, most] = [Number(box.step) || 8, Number(box.min) || 64, Number(box.max) || 2048];
  put(box, String(inSteps(side, step, least, most)));
}

/** @param {HTMLInputElement} box @param {string} value */
function put(box, value) {
  box.value = value;
  typed(box);
}

/** @param {number} side @param {number} step @param {number} least @param {number} most */
export function inSteps(side, step, least, most) {
  return Math.min(Math.max(Math.round(side / step) * step, least), most);
}

/** "768x512" and its like: both numbers; null for another text. @param {string} text @returns {string[] | null} */
export function sizeIn(text) {
  return /^\s*(\d{2,5})\s*(?:px)?\s*[x×*✕,:]\s*(\d{2,5})\s*(?:px)?\s*$/i.exec(text)?.slice(1) ?? null;
}
