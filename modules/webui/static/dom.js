// Small things that several scripts need.

/** Call `then` once, as soon as every one of the selectors (between commas) finds an element. */
export function whenDrawn(selectors, then) {
  const allDrawn = () => selectors.split(", ").every((selector) => document.querySelector(selector));
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
  observer.observe(document.documentElement, { childList: true, subtree: true });
}

/** Press a button by the id of its element, shown or not. */
export function press(id) {
  document.getElementById(id)?.click();
}

/** The address of a route of this server, also when it is served below a path. */
export function route(path) {
  return new URL(path, document.baseURI).toString();
}

/** A new element with classes and text. */
export function element(name, classes = "", text = "") {
  const made = document.createElement(name);
  made.className = classes;
  made.textContent = text;
  return made;
}

/** The tabs with a generation panel. */
export function panels() {
  return window.easelOptions.panels;
}
