// @ts-check
// Keys that mark pictures while they are looked through: good, bad, and labels of one's own (the setting `picture_marks`).
import { api } from "./api.js";
import { say, attempt } from "./notice.js";

/** Put a mark on pictures; a picture that has it already loses it. @param {number[]} numbers @param {string} mark @param {string} now what they have */
export function putMark(numbers, mark, now) {
  const next = now === mark ? "" : mark;
  return attempt(async () => {
    await api("history", { method: "PATCH", body: { numbers, mark: next } });
    say(next ? `Marked: ${next}` : "The mark is taken away.");
  });
}

/**
 * Actions of the viewer for each mark.
 * @param {(index: number) => Promise<{ number: number, mark: string } | null>} picture
 */
export function markActions(picture) {
  return Object.entries(window.easelOptions.craft.marks).map(([key, mark]) => ({
    label: mark.charAt(0).toUpperCase() + mark.slice(1), key,
    act: (/** @type {number} */ index) => void attempt(async () => {
      const found = await picture(index);
      found && await putMark([found.number], mark, found.mark);
    }),
  }));
}

/** What the history knows of the picture at an address of the gallery. @param {string} address */
export function pictureAt(address) {
  const path = decodeURIComponent(new URL(address, document.baseURI).pathname.split("/file=")[1] ?? "");
  return api(`history/at?path=${encodeURIComponent(path)}`);
}
