// @ts-check
// Runs before the page is drawn.

// The colours that the command line asks for, unless the address asks for others.
(() => {
  const address = new URL(window.location.href);
  const theme = window.easelOptions.theme;
  if (theme && !address.searchParams.has("__theme")) {
    address.searchParams.set("__theme", theme);
    window.history.replaceState(window.history.state, "", address);
  }
})();

// A browser of which nothing was kept begins with what suits a first start.
if (!sessionStorage.getItem("easel-session") && !localStorage.getItem("easel-session")) {
  for (const { props } of window.gradio_config?.components ?? []) {
    if (props && String(props.elem_id) in window.easelOptions.firstInputs) {
      props.value = window.easelOptions.firstInputs[String(props.elem_id)];
    }
  }
}

// What is broken off because the page goes is no error; Gradio's client calls it one.
(() => {
  const say = console.error;
  window.addEventListener("beforeunload", () => (console.error = () => {}));
  window.addEventListener("pageshow", () => (console.error = say));
})();
