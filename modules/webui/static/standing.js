// @ts-check
// "Generate forever" and "Enqueue": the menu of Generate, and the note that pictures go on being made.
import { api } from "./api.js";
import { around, element, panels, press } from "./dom.js";
import { onEvent } from "./events.js";
import { openMenu } from "./menu.js";
import { attempt, say } from "./notice.js";
import { runningTask } from "./progress.js";

/** @typedef {{ id: string, state: string, title: string, made: number, pictures: number | null, checkpoint: string | null, note: string }} Standing */

/** @type {Standing[]} The recurring jobs that have not ended. */
let standing = [];
/** @type {((standing: Standing[]) => void)[]} */
const listeners = [];

/** Call `listener` with the recurring jobs that have not ended, whenever they change. @param {(standing: Standing[]) => void} listener */
export function onStanding(listener) {
  listeners.push(listener);
}

/** @param {string} id @param {"stop" | "pause" | "resume"} what @param {object} [body] */
export function changeStanding(id, what, body) {
  return attempt(() => api(`standing/${id}/${what}`, { method: "POST", body }));
}

async function refresh() {
  const told = await api("standing").catch(() => null);
  if (told) {
    standing = told.standing.filter((/** @type {Standing} */ each) => each.state === "running" || each.state === "paused");
    show();
    listeners.forEach((listener) => listener(standing));
  }
}

/** The note in the header. */
function show() {
  const header = document.getElementById("easel_header");
  let note = document.getElementById("easel_standing");
  if (!standing.length) {
    note?.remove();
    return;
  }
  if (!note && header) {
    note = element("div", "standing-note");
    note.id = "easel_standing";
    const stop = document.createElement("button");
    stop.type = "button";
    stop.textContent = "Stop";
    stop.title = "Finish the picture that is being made, then make no more";
    stop.addEventListener("click", stopAll);
    note.append(element("span"), stop);
    header.append(note);
  }
  const made = standing.reduce((sum, each) => sum + each.made, 0);
  const paused = standing.every((each) => each.state === "paused");
  // The button stays the same one, so that a click is not lost to a picture that is finished meanwhile.
  const text = note?.querySelector("span");
  if (!text) {
    return;
  }
  text.textContent = `${paused ? "Paused" : "Generating forever"} · ${made} made`;
  text.title = standing.map((each) => each.title).join("\n");
}

function stopAll() {
  standing.forEach((each) => changeStanding(each.id, "stop"));
}

/** What the menu of Generate offers. @param {string} tab @returns {import("./menu.js").MenuItem[]} */
function offered(tab) {
  const items = [
    { label: "Enqueue", act: () => press(`${tab}_add_to_queue`) },
    { label: "Generate forever", act: () => press(`${tab}_generate_forever`) },
  ];
  if (standing.length) {
    items.push({ label: "Cancel generate forever", act: stopAll });
  }
  const task = runningTask(tab);
  if (task) {
    items.push({ label: "Stop after this image", act: () => stopAfterImage(task) });
  }
  return items;
}

/** @param {string} task */
export function stopAfterImage(task) {
  return attempt(async () => {
    await api(`jobs/${encodeURIComponent(task)}/cancel`, { body: { stop: "after_image" } });
    say("Stopping when this picture is finished.");
  });
}

export function watchStanding() {
  document.addEventListener("contextmenu", (event) => {
    const box = around(event, ".generate-box");
    const tab = panels().find((each) => box?.id === `${each}_generate_box`);
    if (tab && box) {
      event.preventDefault();
      const place = box.getBoundingClientRect();
      const [x, y] = event.clientX || event.clientY ? [event.clientX, event.clientY] : [place.left, place.bottom];
      // Extensions add entries of their own.
      openMenu([...offered(tab), ...(window.easelMenuEntries?.(event.target) ?? [])], x, y);
    }
  });
  onEvent((kind) => {
    if (kind === "standing" || kind === "connected") {
      refresh();
    }
  });
  refresh();
}
