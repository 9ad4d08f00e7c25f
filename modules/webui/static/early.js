// @ts-check
// Runs before the page is drawn: the colours that the command line asks for, unless the address asks for others.
(() => {
  const address = new URL(window.location.href);
  const theme = window.easelOptions.theme;
  if (theme && !address.searchParams.has("__theme")) {
    address.searchParams.set("__theme", theme);
    window.history.replaceState(window.history.state, "", address);
  }
})();

// What is broken off because the page goes is no error; Gradio's client calls it one.
(() => {
  const say = console.error;
  window.addEventListener("beforeunload", () => (console.error = () => {}));
  window.addEventListener("pageshow", () => (console.error = say));
})();
