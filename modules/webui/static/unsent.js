// @ts-check
// What is typed and chosen while the server is away. Gradio opens the page again when it is back; what the server never
// heard of is put in again.
import { onEvent } from "./events.js";
import { runs, typed } from "./dom.js";

const KEY = "easel-unsent";
const SESSION = "easel_session";
const AGAIN = 10_000;
const PAUSE = 200;
const KEPT_AFTER = 1500;

/** Components whose value is plain: texts, numbers, choices. Pictures and files are in the server's hands. */
const PLAIN = ["textbox", "number", "slider", "checkbox", "dropdown", "radio", "checkboxgroup", "colorpicker"];

/** @typedef {{ boxes: Record<string, string | boolean>, components: Record<string, unknown> }} Noted */

let isLost = false;
let timer = 0;

/** @param {() => void} keep has the server keep everything, where the page has lived through it */
export function watchUnsent(keep) {
  onEvent((kind) => {
    if (kind === "lost") {
      isLost = true;
      noteSoon();
    } else if (kind === "connected" && isLost) {
      isLost = false;
      setTimeout(() => {
        if (!isLost) {
          sessionStorage.removeItem(KEY);
          keep();
        }
      }, AGAIN);
    }
  });
  // Gradio tells of no change while it has lost the server.
  for (const type of ["input", "change", "click", "keyup", "focusout"]) {
    document.addEventListener(type, noteSoon, true);
  }
  document.addEventListener("input", (event) => {
    const box = event.target;
    if (isLost && (box instanceof HTMLTextAreaElement || (box instanceof HTMLInputElement && !["file", "radio", "range"].includes(box.type)))) {
      noteBox(box);
    }
  });
}

/** @param {HTMLTextAreaElement | HTMLInputElement} box */
function noteBox(box) {
  const place = box.closest("[id]")?.id;
  // The list of a dropdown is chosen from, not typed into.
  if (place && !box.getAttribute("role")) {
    const before = noted();
    before.boxes[place] = box instanceof HTMLInputElement && box.type === "checkbox" ? box.checked : box.value;
    sessionStorage.setItem(KEY, JSON.stringify(before));
  }
}

function noteSoon() {
  if (isLost) {
    clearTimeout(timer);
    timer = setTimeout(noteComponents, PAUSE);
  }
}

/** Note the values of everything that the server keeps. */
async function noteComponents() {
  const ids = keptIds();
  const kept = components().filter(({ id }) => ids.has(id));
  const values = await Promise.all(kept.map(({ id }) => window.easelTree?.get_state(id, true)));
  const before = noted();
  kept.forEach(({ props }, place) => (before.components[String(props?.elem_id)] = values[place]?.value));
  sessionStorage.setItem(KEY, JSON.stringify(before));
}

/** The plain components with an id of their own. */
function components() {
  return (window.gradio_config?.components ?? []).filter(({ type, props }) => (
    PLAIN.includes(type) && props?.elem_id && props.elem_id !== SESSION
  ));
}

/** The numbers of the components that the server keeps. */
function keptIds() {
  const buttons = runs().flatMap((tab) => [`${tab}_keep_inputs`, `${tab}_keep_guests`]);
  const ids = new Set((window.gradio_config?.components ?? []).filter(({ props }) => buttons.includes(String(props?.elem_id))).map(({ id }) => id));
  const events = (window.gradio_config?.dependencies ?? []).filter(({ targets }) => targets.some(([id]) => ids.has(id)));
  return new Set(events.flatMap(({ inputs }) => inputs));
}

/** @returns {Noted} */
function noted() {
  return { boxes: {}, components: {}, ...JSON.parse(sessionStorage.getItem(KEY) ?? "{}") };
}

/** Put in again what the server never heard of. To be called when all that it knew is back. */
export function putInAgain() {
  const { boxes, components: values } = noted();
  // The page may be opened once more before the server has kept them.
  setTimeout(() => isLost || sessionStorage.removeItem(KEY), KEPT_AFTER);
  for (const { id, props } of Object.keys(values).length ? components() : []) {
    const name = String(props?.elem_id);
    if (name in values) {
      window.easelTree?.update_state(id, { value: values[name] }, false);
    }
  }
  for (const [place, value] of Object.entries(boxes)) {
    if (place in values) {
      continue;
    }
    const box = document.querySelector(`[id="${CSS.escape(place)}"] :is(textarea, input[type=checkbox], input[type=number], input)`);
    if (box instanceof HTMLInputElement && typeof value === "boolean") {
      box.checked !== value && box.click();
    } else if (box instanceof HTMLTextAreaElement || box instanceof HTMLInputElement) {
      box.value = String(value);
      typed(box);
    }
  }
}
