// @ts-check
// The elements of a canvas. Buttons are named in toolbar.js.

const MARKUP = `
<div class="canvas-bar" role="toolbar"></div>
<div class="canvas-area" tabindex="-1">
  <label class="canvas-empty">
    <input type="file" accept="image/*" class="canvas-file">
    <span class="canvas-invitation"><b>Drop a picture here</b><span>paste one, or choose a file</span></span>
  </label>
  <div class="canvas-stage"><img class="canvas-picture" alt="" draggable="false"><canvas class="canvas-paint" width="0" height="0"></canvas></div>
  <div class="canvas-marks" aria-hidden="true"></div>
  <div class="canvas-handles"></div>
  <div class="canvas-cursor" hidden aria-hidden="true"></div>
</div>
<div class="canvas-brush"></div>
<p class="canvas-note" role="status" hidden></p>
`;

/**
 * Put the elements into `root`.
 * @param {HTMLElement} root
 */
export function build(root) {
  root.innerHTML = MARKUP;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", root.dataset.label ?? "");
  /** @template {HTMLElement} T @param {string} name @returns {T} */
  const part = (name) => /** @type {T} */ (root.querySelector(`.canvas-${name}`));
  /** @type {HTMLInputElement} */
  const file = part("file");
  file.setAttribute("aria-label", `${root.dataset.label ?? "Picture"}: choose a file`);
  /** @type {HTMLImageElement} */
  const picture = part("picture");
  /** @type {HTMLCanvasElement} */
  const paint = part("paint");
  return {
    bar: part("bar"), area: part("area"), stage: part("stage"), marks: part("marks"), cursor: part("cursor"), handles: part("handles"),
    brush: part("brush"), note: part("note"), empty: part("empty"), file, picture, paint,
  };
}
