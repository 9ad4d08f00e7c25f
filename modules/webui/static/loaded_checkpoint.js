// @ts-check
// What can be done with checkpoints from several places: out of memory, into it, hashes.
import { api } from "./api.js";
import { attempt, say } from "./notice.js";

const DONE = { unload: "The checkpoint is unloaded: out of memory until the next picture loads it again.", reload: "The checkpoint is loaded." };

/** @param {"unload" | "reload"} what */
export function changeLoaded(what) {
  return attempt(async () => {
    await api(`checkpoint/${what}`, { method: "POST" });
    say(DONE[what]);
  });
}

/** Have the missing hashes calculated. @param {string[]} [kinds] all kinds unless given */
export function calculateHashes(kinds) {
  return attempt(async () => {
    const { files } = await api("models/hash", { body: kinds ? { kinds } : {} });
    const many = files === 1 ? "The hash of 1 file is" : `The hashes of ${files.toLocaleString()} files are`;
    say(files ? `${many} being calculated while nothing else is done.` : "All hashes are known.");
  });
}
