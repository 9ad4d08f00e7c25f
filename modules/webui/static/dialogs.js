// @ts-check
// Dialogs over the page that are drawn with it: one is open at a time, has the keyboard, and gives it back when it goes.
import { around } from "./dom.js";

const FOCUSABLE = "button, input, textarea, select, a[href], [tabindex='0']";

/** @type {HTMLElement | null} */
let open = null;
/** @type {HTMLElement | null} What had the keyboard before. */
let before = null;

/** Open the dialog with this id. @param {string} id */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog === open) {
    return;
  }
  closeDialog();
  before = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  open = dialog;
  dialog.dataset.open = "";
  dialog.setAttribute("role", "dialog");
  dialog.setAttribute("aria-modal", "true");
  dialog.setAttribute("aria-label", dialog.querySelector("h2")?.textContent ?? "");
  // Not its first control: focused lists open themselves.
  dialog.tabIndex = -1;
  dialog.focus();
}

/** Close the dialog that is open. */
export function closeDialog() {
  if (open) {
    delete open.dataset.open;
    open = null;
    before?.focus();
  }
}

export function watchDialogs() {
  document.addEventListener("keydown", (event) => {
    if (!open) {
      return;
    }
    if (event.key === "Escape" && !document.querySelector("ul[role=listbox]")) {
      event.preventDefault();
      event.stopPropagation();
      closeDialog();
    } else if (event.key === "Tab") {
      turn(event, open);
    }
  }, true);
  document.addEventListener("pointerdown", (event) => {
    // A press on the shade around a dialog closes it.
    if (open && !around(event, `#${open.id}`) && !around(event, "[role=listbox], .toast-wrap, .notices")) {
      event.preventDefault();
      closeDialog();
    }
  }, true);
}

/** Keep the keyboard inside a dialog. @param {KeyboardEvent} event @param {HTMLElement} dialog */
function turn(event, dialog) {
  const all = focusable(dialog);
  const [first, last] = [all[0], all[all.length - 1]];
  const at = document.activeElement;
  const outside = !dialog.contains(at);
  if (outside || (event.shiftKey ? at === first || at === dialog : at === last)) {
    event.preventDefault();
    (event.shiftKey ? last : first)?.focus();
  }
}

/** @param {HTMLElement} dialog @returns {HTMLElement[]} */
function focusable(dialog) {
  /** @type {NodeListOf<HTMLElement>} */
  const found = dialog.querySelectorAll(FOCUSABLE);
  return [...found].filter((each) => each.offsetParent !== null && !each.hasAttribute("disabled") && each.tabIndex >= 0);
}
