// @ts-check
// What was typed and chosen and the server never heard of: while it is away, in the moments before the page goes, and
// before what was kept has come back. It stays in the browser, and is put in again when the page is opened.
import { onEvent } from "./events.js";
import { runs, typed } from "./dom.js";
import { isRestored, isUnsent } from "./inputs.js";
import { write as putBack } from "./prompt_history.js";
import { beginnings, known, session } from "./session.js";

const KEY = "easel-unsent ";
const SESSION = "easel_session";
const AGAIN = 10_000;
const PAUSE = 200;
const KEPT_AFTER = 1500;
const JUST_NOW = 1000;
const LONGEST = 7 * 24 * 3600 * 1000;

/** Components whose value is plain: texts, numbers, choices. Pictures and files are in the server's hands. */
const PLAIN = ["textbox", "number", "slider", "checkbox", "dropdown", "radio", "checkboxgroup", "colorpicker"];

/** @typedef {{ at: number, boxes: Record<string, string | boolean>, components: Record<string, unknown> }} Noted */

/** Those of them whose value is one of several. */
const CHOICES = ["dropdown", "radio", "checkboxgroup"];

let isLost = false;
let timer = 0;
let forgetting = 0;
/** When something was last typed or pressed. */
let used = -Infinity;

/** @param {() => void} keep has the server keep everything, where the page has lived through it */
export function watchUnsent(keep) {
  onEvent((kind) => {
    if (kind === "lost") {
      isLost = true;
      noteSoon();
    } else if (kind === "connected" && isLost) {
      isLost = false;
      setTimeout(() => isLost || keep(), AGAIN);
      forgetLater(AGAIN + KEPT_AFTER);
    }
  });
  // Gradio tells of no change while it has lost the server.
  for (const type of ["input", "change", "click", "keyup", "focusout"]) {
    document.addEventListener(type, () => {
      used = performance.now();
      noteSoon();
    }, true);
  }
  document.addEventListener("input", (event) => {
    const box = event.target;
    if ((isLost || !isRestored()) && (box instanceof HTMLTextAreaElement || (box instanceof HTMLInputElement && !["file", "radio", "range"].includes(box.type)))) {
      noteBox(box);
    }
  }, true);
  window.addEventListener("pagehide", () => {
    if (isRestored() && (isLost || isUnsent() || performance.now() - used < JUST_NOW || localStorage.getItem(KEY + known()))) {
      noteComponents();
    }
  });
}

/** @param {HTMLTextAreaElement | HTMLInputElement} box */
function noteBox(box) {
  const place = box.closest("[id]")?.id;
  // The list of a dropdown is chosen from, not typed into.
  if (place && !box.getAttribute("role")) {
    const noted = notedOf([known(), ...beginnings]);
    noted.boxes[place] = box instanceof HTMLInputElement && box.type === "checkbox" ? box.checked : box.value;
    delete noted.components[place];
    write(noted);
  }
}

function noteSoon() {
  if (isLost && isRestored()) {
    clearTimeout(timer);
    timer = setTimeout(noteComponents, PAUSE);
  }
}

/** Note the values of everything that the server keeps. Where the page is going, there is no time for more than promises. */
async function noteComponents() {
  const ids = keptIds();
  const plain = components().filter(({ id }) => ids.has(id));
  const values = await Promise.all(plain.map(({ id }) => window.easelTree?.get_state(id, true)));
  const noted = notedOf([known()]);
  for (const [place, { name }] of plain.entries()) {
    noted.components[name] = values[place]?.value;
    delete noted.boxes[name];
  }
  write(noted);
}

/** The plain components that have an id, with a name for each: several may have the same id, as the lists of scripts have. */
function components() {
  /** @type {Map<string, number>} */
  const seen = new Map();
  return (window.gradio_config?.components ?? []).filter(({ type, props }) => (
    PLAIN.includes(type) && props?.elem_id && props.elem_id !== SESSION
  )).map(({ id, type, props }) => {
    const place = String(props?.elem_id);
    const number = (seen.get(place) ?? 0) + 1;
    seen.set(place, number);
    return { id, type, name: number > 1 ? `${place} #${number}` : place };
  });
}

/** The numbers of the components that the server keeps. */
function keptIds() {
  const buttons = runs().flatMap((tab) => [`${tab}_keep_inputs`, `${tab}_keep_guests`]);
  const ids = new Set((window.gradio_config?.components ?? []).filter(({ props }) => buttons.includes(String(props?.elem_id))).map(({ id }) => id));
  const events = (window.gradio_config?.dependencies ?? []).filter(({ targets }) => targets.some(([id]) => ids.has(id)));
  return new Set(events.flatMap(({ inputs }) => inputs));
}

/** What was noted under the first of these sessions that has anything. @param {string[]} names @returns {Noted} */
function notedOf(names) {
  const text = names.map((name) => name && localStorage.getItem(KEY + name)).find(Boolean) || "{}";
  return { at: 0, boxes: {}, components: {}, ...JSON.parse(text) };
}

/** @param {Noted} noted */
function write(noted) {
  try {
    localStorage.setItem(KEY + session(), JSON.stringify({ ...noted, at: Date.now() }));
  } catch {
    // More than a browser stores: what is on the page stays there.
  }
}

/** Forget what is noted as soon as the server has it all. @param {number} wait */
function forgetLater(wait) {
  clearTimeout(forgetting);
  forgetting = setTimeout(() => (isLost || isUnsent() ? forgetLater(wait) : localStorage.removeItem(KEY + known())), wait);
}

/** Put in again what the server never heard of. To be called when all that it knew is back. */
export async function putInAgain() {
  forgetOld();
  const noted = notedOf([known(), ...beginnings]);
  const { boxes, components: values } = noted;
  if (!noted.at) {
    return;
  }
  write(noted);
  // The page may be opened once more before the server has kept them.
  forgetLater(KEPT_AFTER);
  const plain = components().filter(({ name }) => name in values);
  await Promise.all(plain.map(({ id, type, name }) => putIn(id, type, values[name])));
  for (const [place, value] of Object.entries(boxes)) {
    if (place in values) {
      continue;
    }
    const box = document.querySelector(`[id="${CSS.escape(place)}"] :is(textarea, input[type=checkbox], input[type=number], input)`);
    if (box instanceof HTMLInputElement && typeof value === "boolean") {
      box.checked !== value && box.click();
    } else if (box instanceof HTMLTextAreaElement && box.closest(".prompt")) {
      putBack(place, String(value)); // what was kept in its place can be taken back
    } else if (box instanceof HTMLTextAreaElement || box instanceof HTMLInputElement) {
      box.value = String(value);
      typed(box);
    }
  }
}

/** Give a component its value, unless it is one that is no longer offered. @param {number} id @param {string} type @param {any} value */
async function putIn(id, type, value) {
  const state = await window.easelTree?.get_state(id, false);
  const offered = state?.choices?.map((choice) => (Array.isArray(choice) ? choice[1] : choice));
  const isOffered = !CHOICES.includes(type) || !offered || state?.allow_custom_value || [value].flat().every((each) => each === null || offered.includes(each));
  if (state && isOffered && JSON.stringify(state.value) !== JSON.stringify(value)) {
    await window.easelTree?.update_state(id, { value }, false);
  }
}

/** What closed pages left that were never opened again. */
function forgetOld() {
  for (const name of Object.keys(localStorage).filter((each) => each.startsWith(KEY))) {
    if (notedOf([name.slice(KEY.length)]).at < Date.now() - LONGEST) {
      localStorage.removeItem(name);
    }
  }
}
