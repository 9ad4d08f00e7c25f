// @ts-check
// How a page out of sight tells that pictures are finished: a sound, a notification, its icon in the tab.
import { route } from "./dom.js";

/** Say aloud that a run has ended, with the user's own file if there is one. */
export function playSound() {
  const { sound, volume } = window.easelOptions;
  if (sound && volume > 0) {
    const audio = new Audio(route(sound));
    audio.volume = volume;
    // A browser that wants a click before it plays anything has had one: Generate. If it still refuses, so be it.
    audio.play().catch(() => {});
  }
}

/** @param {string} tab */
export function notify(tab) {
  if (document.hidden && "Notification" in window && Notification.permission === "granted") {
    const prompt = document.querySelector(`#${tab}_prompt textarea`);
    const body = prompt instanceof HTMLTextAreaElement ? prompt.value.slice(0, 120) : "";
    const notification = new Notification("Easel: finished", { body, tag: `easel-${tab}` });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
  }
}

const IDLE = /** @type {Map<HTMLLinkElement, string>} */ (new Map());
const BUSY = "data:image/svg+xml," + encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="11" fill="none" stroke="#2b8a7e" stroke-width="5" stroke-dasharray="42 28"/></svg>',
);

/** The icon in the browser's tab while pictures are made. @param {boolean} busy */
export function showBusy(busy) {
  for (const link of document.querySelectorAll("link[rel~=icon]")) {
    if (link instanceof HTMLLinkElement) {
      IDLE.set(link, IDLE.get(link) ?? link.href);
      link.href = busy ? BUSY : IDLE.get(link) ?? link.href;
    }
  }
}
