// @ts-check
// What a click on a card does to a prompt: its tag, or its name, is added at the end, or taken out where it stands.

const TAG = /^<(\w+):([^:>]+)[^>]*>\s*(.*)$/s;

/**
 * The prompt with what a card adds, or without it where it is there already.
 * @param {string} words
 * @param {string} added a tag with words behind it, or the name of an embedding
 * @param {string} separator
 */
export function toggled(words, added, separator) {
  return without(words, added, separator) ?? joined(words, added, separator);
}

/** @param {string} words @param {string} added @param {string} separator */
export function joined(words, added, separator) {
  return words.trim() === "" || added === "" ? words + added : words + separator + added;
}

/**
 * The prompt without what a card adds; null where it is not in there. A tag counts with any weight.
 * @param {string} words
 * @param {string} added
 * @param {string} separator
 * @returns {string | null}
 */
export function without(words, added, separator) {
  const place = placeOf(words, added);
  if (!place) {
    return null;
  }
  let [start, end] = place;
  // What joined it to the words before goes too; at the very beginning, what joined it to those behind.
  if (separator && words.slice(0, start).endsWith(separator)) {
    start -= separator.length;
  } else if (separator && start > 0 && /\s/.test(words[start - 1]) && !/\S/.test(words[end] ?? " ")) {
    start -= 1;
  } else if (start === 0 && separator && words.slice(end).startsWith(separator)) {
    end += separator.length;
  }
  return words.slice(0, start) + words.slice(end);
}

/** Whether a prompt has what a card adds. @param {string} words @param {string} added */
export function isIn(words, added) {
  return added !== "" && placeOf(words, added) !== null;
}

/** @param {string} words @param {string} added @returns {[number, number] | null} */
function placeOf(words, added) {
  const tag = TAG.exec(added);
  if (!tag) {
    const name = literal(added);
    // With its weight, where it has one of its own.
    const found = new RegExp(`\\(${name}(?::-?[\\d.]+)?\\)`).exec(words) ?? new RegExp(`(?<![\\w-])${name}(?![\\w-])`).exec(words);
    return found ? [found.index, found.index + found[0].length] : null;
  }
  const [, kind, name, behind] = tag;
  const found = new RegExp(`<${kind}:${literal(name)}(?::[^>]*)?>`).exec(words);
  if (!found) {
    return null;
  }
  const end = found.index + found[0].length;
  const blank = /^\s*/.exec(words.slice(end))?.[0].length ?? 0;
  const follows = behind !== "" && words.startsWith(behind, end + blank);
  return [found.index, follows ? end + blank + behind.length : end];
}

/** @param {string} text */
function literal(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
