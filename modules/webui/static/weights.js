// @ts-check
// Changing weights in a prompt: of the selected words or the word at the cursor, a red cat -> a (red:1.1) cat, and of a
// network, <lora:film:1> -> <lora:film:1.05>.
import { typed } from "./dom.js";

const STEP = 0.1;
const NETWORK_STEP = 0.05;
const BREAKS = /[\s,.;:()[\]<>|\\]/;
const WORDS = /\(([^()]*):(-?\d+(?:\.\d+)?)\)/g;
const NETWORK = /<([^<>:]+:[^<>:]+)(?::(-?\d+(?:\.\d+)?))?([^<>]*)>/g;

/**
 * Raise (`direction` 1) or lower (-1) the weight of what is selected in a text box.
 * @param {HTMLTextAreaElement} box
 * @param {number} direction
 */
export function changeWeight(box, direction) {
  const network = around(box, NETWORK);
  if (network) {
    const [, name, weight, rest] = network;
    const tag = `<${name}:${text(Number(weight ?? 1) + NETWORK_STEP * direction)}${rest}>`;
    replace(box, network.index, network.index + network[0].length, tag, 1, 1 + name.length);
    return;
  }
  const group = around(box, WORDS);
  if (group) {
    reweigh(box, group, direction);
    return;
  }
  const [start, end] = selectedWords(box);
  if (start < end) {
    const words = box.value.slice(start, end);
    replace(box, start, end, `(${words}:${text(1 + STEP * direction)})`, 1, 1 + words.length);
  }
}

/** The first match of `pattern` that the selection lies in. @param {HTMLTextAreaElement} box @param {RegExp} pattern */
function around(box, pattern) {
  for (const match of box.value.matchAll(pattern)) {
    if (match.index <= box.selectionStart && box.selectionEnd <= match.index + match[0].length) {
      return match;
    }
  }
  return null;
}

/** @param {HTMLTextAreaElement} box @param {RegExpExecArray} group @param {number} direction */
function reweigh(box, group, direction) {
  const [all, words, weight] = group;
  const next = Math.round((Number(weight) + STEP * direction) * 100) / 100;
  const [start, end] = [group.index, group.index + all.length];
  if (next === 1) {
    replace(box, start, end, words, 0, words.length);
  } else {
    replace(box, start, end, `(${words}:${text(next)})`, 1, 1 + words.length);
  }
}

/** @param {HTMLTextAreaElement} box */
function selectedWords(box) {
  let { selectionStart: start, selectionEnd: end, value } = box;
  if (start === end) {
    while (start > 0 && !BREAKS.test(value[start - 1])) start -= 1;
    while (end < value.length && !BREAKS.test(value[end])) end += 1;
  }
  while (end > start && /\s/.test(value[end - 1])) end -= 1;
  while (start < end && /\s/.test(value[start])) start += 1;
  return [start, end];
}

/**
 * Put `words` in the place of a part, and select some of them, counted from their beginning.
 * @param {HTMLTextAreaElement} box
 * @param {number} start
 * @param {number} end
 * @param {string} words
 * @param {number} from
 * @param {number} to
 */
function replace(box, start, end, words, from, to) {
  box.setRangeText(words, start, end, "preserve");
  box.setSelectionRange(start + from, start + to);
  typed(box);
}

/** @param {number} weight */
function text(weight) {
  return String(Math.round(weight * 100) / 100);
}
