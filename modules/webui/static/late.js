// @ts-check
// Parts of the page that are fetched when they are first needed.

/**
 * A function that fetches a part once, and anew where it could not be fetched: the server may have been away.
 * What it gives is rejected with a sentence for people.
 * @template T
 * @param {() => Promise<T>} fetchPart
 * @returns {() => Promise<T>}
 */
export function late(fetchPart) {
  /** @type {Promise<T> | null} */
  let part = null;
  return () => {
    part ??= fetchPart().catch((error) => {
      part = null;
      // A browser tells of a script that did not come by a TypeError; others are faults of the script itself.
      throw error instanceof TypeError
        ? new Error("The server does not answer, so this part of the page could not be fetched. Try again when it does.")
        : error;
    });
    return part;
  };
}
