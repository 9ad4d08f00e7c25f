// @ts-check
// Menus that open where the pointer is, by the right button, a long press or the menu key.
import { element } from "./dom.js";
import { stage } from "./notice.js";

/** @typedef {{ label: string, act: () => void }} MenuItem */

/** @type {(() => void) | null} */
let close = null;

/**
 * Open a menu of `items` at a place of the window, and give its first entry the focus.
 * @param {MenuItem[]} items @param {number} x @param {number} y
 */
export function openMenu(items, x, y) {
  close?.();
  const before = document.activeElement;
  const menu = element("div", "easel-menu");
  menu.setAttribute("role", "menu");
  menu.id = "context-menu";
  const leave = () => {
    close = null;
    menu.remove();
    removeEventListener("pointerdown", outside, true);
    if (before instanceof HTMLElement) {
      before.focus({ preventScroll: true });
    }
  };
  const outside = (/** @type {Event} */ event) => event.target instanceof Node && menu.contains(event.target) || leave();
  for (const { label, act } of items) {
    const item = document.createElement("button");
    item.type = "button";
    item.setAttribute("role", "menuitem");
    item.textContent = label;
    item.addEventListener("click", () => {
      leave();
      act();
    });
    menu.append(item);
  }
  menu.addEventListener("keydown", (event) => moveFocus(event, menu, leave));
  stage().append(menu);
  menu.style.left = `${Math.max(4, Math.min(x, innerWidth - menu.offsetWidth - 4))}px`;
  menu.style.top = `${Math.max(4, Math.min(y, innerHeight - menu.offsetHeight - 4))}px`;
  close = leave;
  addEventListener("pointerdown", outside, true);
  menu.querySelector("button")?.focus();
}

/** @param {KeyboardEvent} event @param {HTMLElement} menu @param {() => void} leave */
function moveFocus(event, menu, leave) {
  const items = [...menu.querySelectorAll("button")];
  const here = items.findIndex((item) => item === document.activeElement);
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step) {
    items[(here + step + items.length) % items.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    leave();
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}
