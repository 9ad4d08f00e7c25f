// @ts-check
// The keys of the canvas under the pointer, as the settings have them.

const TYPED_INTO = 'textarea, select, [contenteditable="true"], input:not([type=range], [type=checkbox], [type=radio], [type=color], [type=file])';

/** @param {import("./canvas.js").Canvas[]} canvases */
export function watchKeys(canvases) {
  window.addEventListener("keydown", (event) => {
    const maximised = canvases.find((each) => each.view.isMaximised);
    const canvas = maximised ?? canvases.find((each) => each.isOpen && (each.toolbar.isHovered || each.root.contains(document.activeElement)));
    if (!canvas || event.isComposing) {
      return;
    }
    if (maximised && event.key === "Escape") {
      maximised.view.maximise(false);
    } else if (isTyping() || !act(canvas, event)) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
  window.addEventListener("keyup", () => canvases.forEach((each) => (each.toolbar.isMoving = false)), true);
  window.addEventListener("blur", () => canvases.forEach((each) => (each.toolbar.isMoving = false)));
}

function isTyping() {
  return Boolean(document.activeElement?.matches(TYPED_INTO));
}

/** Do what a key means; whether it means anything. @param {import("./canvas.js").Canvas} canvas @param {KeyboardEvent} event */
function act(canvas, event) {
  if (event.ctrlKey || event.metaKey) {
    return canvas.isPaintable && undoOrRedo(canvas, event);
  }
  if (event.altKey || !canvas.toolbar.isHovered && !canvas.view.isMaximised) {
    return false;
  }
  const { keys } = window.easelOptions.canvas;
  const { toolbar, view } = canvas;
  const means = /** @type {[string, string, () => void][]} */ ([
    [keys.shrink_brush, "Hotkey shrink brush", () => toolbar.growBrush(-1)],
    [keys.grow_brush, "Hotkey enlarge brush", () => toolbar.growBrush(1)],
    [keys.move, "Moving canvas", () => (toolbar.isMoving = true)],
    [keys.fullscreen, "Fullscreen", () => view.maximise()],
    [keys.reset, "Reset Zoom", () => view.fit()],
    [keys.overlap, "Overlap", () => canvas.root.toggleAttribute("data-overlap")],
  ]);
  const found = means.find(([key, name]) => isKey(key, event) && toolbar.allows(name));
  found?.[2]();
  return Boolean(found);
}

/** @param {import("./canvas.js").Canvas} canvas @param {KeyboardEvent} event */
function undoOrRedo(canvas, event) {
  const isRedo = isKey("Y", event) || (isKey("Z", event) && event.shiftKey);
  if (!isRedo && !isKey("Z", event)) {
    return false;
  }
  isRedo ? canvas.history.redo() : canvas.history.undo();
  return true;
}

/** Letters count by their place on the keyboard too, so that they act with any alphabet. @param {string} key @param {KeyboardEvent} event */
function isKey(key, event) {
  return key !== "" && (event.code === `Key${key}` || event.key.toUpperCase() === key);
}
