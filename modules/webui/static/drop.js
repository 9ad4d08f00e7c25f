// @ts-check
// A picture dropped on the prompts brings its settings back. Python reads them from a hidden file box.
import { around } from "./dom.js";
import { carriesPicture, fileOf } from "./dropped.js";
import { say } from "./notice.js";

const AREA = ".prompt-container";
const BOX = '[id$="_prompt_image"]';

export function watchDrops() {
  for (const type of /** @type {const} */ (["dragenter", "dragover"])) {
    document.addEventListener(type, (event) => {
      const area = carriesPicture(event.dataTransfer) ? around(event, AREA) : null;
      mark(area);
      if (area) {
        event.preventDefault();
        event.stopPropagation();
      }
    }, true);
  }
  for (const type of /** @type {const} */ (["dragleave", "dragend"])) {
    document.addEventListener(type, (event) => {
      if (!(event.relatedTarget instanceof Element && event.relatedTarget.closest(AREA))) {
        mark(null);
      }
    }, true);
  }
  document.addEventListener("drop", drop, true);
  watchStrays();
}

/** A file that nothing takes would be opened by the browser in place of the page. */
function watchStrays() {
  const isStray = (/** @type {DragEvent} */ event) => (
    !event.defaultPrevented && Boolean(event.dataTransfer?.types.includes("Files")) && !around(event, "input[type=file]")
  );
  window.addEventListener("dragover", (event) => {
    if (isStray(event) && event.dataTransfer) {
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    }
  });
  window.addEventListener("drop", (event) => {
    if (isStray(event)) {
      event.preventDefault();
      say("Nothing takes a file here. Drop a picture on a prompt, a canvas or PNG Info.", true);
    }
  });
}

/** @param {DragEvent} event */
async function drop(event) {
  const area = around(event, AREA);
  mark(null);
  if (!area || !event.dataTransfer || !carriesPicture(event.dataTransfer)) {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
  const file = await fileOf(event.dataTransfer);
  if (file) {
    hand(area.querySelector(BOX), file);
  }
}

/** Show that `area`, and no other, takes what is being dragged. @param {Element | null} area */
function mark(area) {
  for (const each of document.querySelectorAll(AREA)) {
    each.toggleAttribute("data-drop", each === area);
  }
}

/** Put a file into a component for files. @param {Element | null} box @param {File} file */
function hand(box, file) {
  // A box that still holds the last file takes no new one.
  /** @type {HTMLElement | null | undefined} */
  const clear = box?.querySelector('button[aria-label="Clear"], button[aria-label="Remove"]');
  clear?.click();
  requestAnimationFrame(() => {
    /** @type {HTMLInputElement | null | undefined} */
    const input = box?.querySelector('input[type="file"]');
    const files = new DataTransfer();
    files.items.add(file);
    if (input) {
      input.files = files.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}
