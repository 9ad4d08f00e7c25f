// @ts-check
// The word of a prompt that is being typed, and what becomes of the prompt when it is completed. Plain functions of texts.

/** @typedef {{ start: number, end: number, word: string }} Typed where the word begins and ends, and what to look for */

const ENDS = ",\n\r|{}()[]>";
const LEAST = 2;
/** What is longer is a sentence, no word; the server looks for no more. */
const LONGEST = 200;

/**
 * The word that ends at the caret: from the last comma or bracket on, from "<" for a network, from "__" for a wildcard.
 * @param {string} value @param {number} caret @returns {Typed | null}
 */
export function wordAt(value, caret) {
  let start = caret;
  let bracket = "";
  while (start > 0) {
    const sign = value[start - 1];
    if (sign === "<" || (ENDS.includes(sign) && value[start - 2] !== "\\")) {
      bracket = sign;
      start -= sign === "<" ? 1 : 0;
      break;
    }
    start -= 1;
    if (caret - start > LONGEST) {
      return null;
    }
  }
  const typed = value.slice(start, caret);
  if (bracket === "<") {
    return typed.includes("\n") ? null : { start, end: caret, word: typed };
  }
  start += cutAt(typed, bracket === "[" || (bracket === "|" && within(value, start)));
  start += leadingBlanks(value.slice(start, caret));
  const text = value.slice(start, caret);
  const wildcard = /__@?[^\s_]?[^\s,]*$/.exec(text);
  if (wildcard && (text.slice(0, wildcard.index).match(/__/g) ?? []).length % 2 === 0 && !wildcard[0].slice(2).includes("__")) {
    return { start: start + wildcard.index, end: caret, word: wildcard[0].replace("@", "") };
  }
  const word = text.replaceAll("\\", "");
  const enough = word.trim().length >= LEAST || /[^\x00-\x7f]/.test(word);
  return enough && !/^[\d.:\s]*$/.test(word) && !/:\s*[\d.]+$/.test(word) ? { start, end: rest(value, caret), word } : null;
}

/** Where a word begins behind what belongs to a choice or an edit: "0.5::", "2$$", "old:". @param {string} typed @param {boolean} edited */
function cutAt(typed, edited) {
  const weight = Math.max(typed.lastIndexOf("::"), typed.lastIndexOf("$$"));
  const edit = edited ? typed.lastIndexOf(":") + 1 : 0;
  return Math.max(weight < 0 ? 0 : weight + 2, edit);
}

/** Whether a place is inside square brackets. @param {string} value @param {number} place */
function within(value, place) {
  for (let at = place - 1, depth = 0; at >= 0; at--) {
    if (value[at] === "]") depth += 1;
    if (value[at] === "[" && depth-- === 0) return true;
    if (value[at] === "\n") return false;
  }
  return false;
}

/** @param {string} text */
function leadingBlanks(text) {
  return text.length - text.trimStart().length;
}

/** The rest of the word in which the caret stands goes with it. @param {string} value @param {number} caret */
function rest(value, caret) {
  return caret + (/^\w*/.exec(value.slice(caret))?.[0].length ?? 0);
}

/**
 * The prompt with a word completed, and where the caret is then. Behind what stands for itself comes a comma.
 * @param {string} value @param {Typed} typed @param {string} text @param {boolean} comma
 * @returns {{ value: string, caret: number }}
 */
export function completed(value, typed, text, comma) {
  const after = value.slice(typed.end);
  const follows = /^\s*[,)\]}|:>]/.test(after);
  const put = text + (comma && !follows ? ", " : "");
  const kept = put.endsWith(" ") ? after.replace(/^ /, "") : after;
  return { value: value.slice(0, typed.start) + put + kept, caret: typed.start + put.length };
}

/** A text with words behind it. @param {string} text @param {string} words */
export function withWords(text, words) {
  const before = text.trimEnd().replace(/,$/, "");
  return before && words ? `${before}, ${words}` : before || words;
}

/**
 * The part of a prompt that is selected, made whole tags; everything where nothing is selected.
 * @param {string} value @param {number} start @param {number} end @returns {{ start: number, end: number }}
 */
export function chosenPart(value, start, end) {
  if (start === end) {
    return { start: 0, end: value.length };
  }
  const part = value.slice(start, end);
  const begin = start + leadingBlanks(part);
  return { start: begin, end: begin + part.trim().length };
}

/** A number as lists show it: 1234567 is 1.2M. @param {number} count */
export function short(count) {
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)}M` : count >= 1e4 ? `${Math.round(count / 1e3)}k` : count >= 1e3 ? `${(count / 1e3).toFixed(1)}k` : String(count);
}

