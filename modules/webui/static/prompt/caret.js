// @ts-check
// Where the caret of a text box is in the window: the box's text is laid out once more, out of sight.

const COPIED = /** @type {const} */ ([
  "fontFamily", "fontSize", "fontWeight", "fontStyle", "letterSpacing", "lineHeight", "textIndent", "tabSize",
  "paddingTop", "paddingRight", "paddingBottom", "paddingLeft", "borderTopWidth", "borderRightWidth", "borderBottomWidth",
  "borderLeftWidth", "boxSizing", "wordSpacing",
]);

/**
 * The lower left corner of the place in front of character number `place`, in pixels of the window, and the height of a line.
 * @param {HTMLTextAreaElement} box @param {number} place
 */
export function caretPlace(box, place) {
  const style = getComputedStyle(box);
  const mirror = document.createElement("div");
  for (const name of COPIED) {
    mirror.style[name] = style[name];
  }
  Object.assign(mirror.style, {
    position: "fixed", top: "0", left: "0", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word",
    width: `${box.clientWidth + parseFloat(style.borderLeftWidth) + parseFloat(style.borderRightWidth)}px`,
  });
  const mark = document.createElement("span");
  mark.textContent = box.value.slice(place, place + 1).trim() || ".";
  mirror.append(box.value.slice(0, place), mark);
  document.body.append(mirror);
  const [outer, line] = [box.getBoundingClientRect(), parseFloat(style.lineHeight) || 20];
  const found = { x: outer.left + mark.offsetLeft - box.scrollLeft, y: outer.top + mark.offsetTop - box.scrollTop + line, line };
  mirror.remove();
  return found;
}
