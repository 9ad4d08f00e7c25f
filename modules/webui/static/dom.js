// @ts-check
// Small things that several scripts need.

/**
 * Call `then` once, as soon as all selectors find an element.
 * @param {string[]} selectors
 * @param {() => void} then
 */
export function whenDrawn(selectors, then) {
  const allDrawn = () => selectors.every((selector) => document.querySelector(selector));
  if (allDrawn()) {
    then();
    return;
  }
  const observer = new MutationObserver(() => {
    if (allDrawn()) {
      observer.disconnect();
      then();
    }
  });
  observer.observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-opened", "data-inputs"] });
}

/** Press a button by the id of its element, shown or not. @param {string} id */
export function press(id) {
  document.getElementById(id)?.click();
}

/** The address of a route of this server, also when it is served below a path. @param {string} path */
export function route(path) {
  return new URL(path, document.baseURI).toString();
}

/** A new element with classes. @param {string} name @param {string} classes */
export function element(name, classes = "") {
  const made = document.createElement(name);
  made.className = classes;
  return made;
}

/** The tabs with a generation panel. */
export function panels() {
  return window.easelOptions.panels;
}

/** The tabs that begin jobs; those with a generation panel are among them. */
export function runs() {
  return Object.keys(window.easelOptions.runs);
}

/** The tab that begins jobs of a kind. @param {string | undefined} kind */
export function tabOf(kind) {
  return runs().find((tab) => window.easelOptions.runs[tab] === kind) ?? "";
}

/**
 * The element that `selector` finds around what an event happened to.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function around(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/**
 * The box to type into in a component of Gradio.
 * @param {string} id
 * @returns {HTMLTextAreaElement | HTMLInputElement | null}
 */
export function textBox(id) {
  return document.querySelector(`#${id} textarea, #${id} input`);
}

/** Tell a box's component that its text is another one. @param {HTMLElement | null} box */
export function typed(box) {
  box?.dispatchEvent(new Event("input", { bubbles: true }));
}
