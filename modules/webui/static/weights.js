// @ts-check
// Changing weights in a prompt: of the selected words or the word at the cursor, a red cat -> a (red:1.1) cat, and of a
// network, <lora:film:1> -> <lora:film:1.05>. Moving tags between commas. Both are functions of a text and a selection.
import { typed } from "./dom.js";

/**
 * What the settings say: the steps of weights, and the signs that end a word.
 * @typedef {{ attention: number, extra: number, delimiters: string, move: boolean }} KeyOptions
 */
/** @typedef {{ value: string, start: number, end: number }} Marked a text with what is selected in it */

/** Signs that mean something in prompts, which end a word whatever the settings say. */
const SYNTAX = "<>[]|()";
const NETWORK = /<[^<>:]+:[^<>:]+[^<>]*>/g;
const NUMBER = /^-?(?:\d+\.?\d*|\.\d+)$/;
const WEIGHT = /:\s*(-?(?:\d+\.?\d*|\.\d+))\s*$/;
/** What parentheses alone stand for. */
const PLAIN = 1.1;
const OPENING = "([{<";
const CLOSING = ")]}>";

/**
 * Raise (`direction` 1) or lower (-1) the weight of what is selected in a text box.
 * @param {HTMLTextAreaElement} box
 * @param {number} direction
 * @param {KeyOptions} options
 */
export function changeWeight(box, direction, options) {
  put(box, weighed(marked(box), direction, options));
}

/** Move the tags that are selected, or the one at the cursor, past their neighbour. @param {HTMLTextAreaElement} box @param {number} direction */
export function moveTags(box, direction) {
  put(box, moved(marked(box), direction));
}

/** @param {Marked} text @param {number} direction @param {KeyOptions} options @returns {Marked | null} */
export function weighed(text, direction, options) {
  for (const match of text.value.matchAll(NETWORK)) {
    if (match.index <= text.start && text.end <= match.index + match[0].length) {
      return networkWeighed(text, match.index, match[0], options.extra * direction);
    }
  }
  const [start, end] = words(text, options);
  const group = groupAround(text.value, text.start, text.end);
  if (group && (text.start === text.end || covers(text, group))) {
    return groupWeighed(text.value, group, options.attention * direction);
  }
  if (start >= end) {
    return null;
  }
  const chosen = text.value.slice(start, end);
  return replaced(text.value, start, end, `(${chosen}:${written(1 + options.attention * direction)})`, 1, chosen.length);
}

/** The innermost parentheses around a selection; escaped ones are none. @param {string} value @param {number} start @param {number} end */
function groupAround(value, start, end) {
  /** @type {number[]} */
  const open = [];
  for (let place = 0; place < value.length; place++) {
    if (value[place] === "\\") {
      place += 1;
    } else if (value[place] === "(") {
      open.push(place);
    } else if (value[place] === ")") {
      const began = open.pop();
      if (began !== undefined && began <= start && end <= place + 1) {
        return { start: began, end: place + 1 };
      }
    }
  }
  return null;
}

/** Whether all words of a group are selected; some of them get a weight of their own. @param {Marked} text @param {{ start: number, end: number }} group */
function covers(text, group) {
  const inside = text.value.slice(group.start + 1, group.end - 1);
  const length = WEIGHT.exec(inside)?.index ?? inside.length;
  return text.start <= group.start + 1 && text.end >= group.start + 1 + length;
}

/** @param {string} value @param {{ start: number, end: number }} group @param {number} step */
function groupWeighed(value, group, step) {
  const inside = value.slice(group.start + 1, group.end - 1);
  const weight = WEIGHT.exec(inside);
  const chosen = weight ? inside.slice(0, weight.index) : inside;
  const next = rounded((weight ? Number(weight[1]) : PLAIN) + step);
  return next === 1
    ? replaced(value, group.start, group.end, chosen, 0, chosen.length)
    : replaced(value, group.start, group.end, `(${chosen}:${written(next)})`, 1, chosen.length);
}

/** The number at the cursor, or else the first one behind the name. @param {Marked} text @param {number} begin @param {string} tag @param {number} step */
function networkWeighed(text, begin, tag, step) {
  const parts = tag.slice(1, -1).split(":");
  let place = begin + 1;
  const spans = parts.map((part) => {
    const from = place;
    place += part.length + 1;
    return { part, from, to: from + part.length };
  });
  const numbers = spans.slice(2).map((span) => numberIn(span)).filter((span) => span !== null);
  const at = numbers.find((span) => span.from <= text.start && text.end <= span.to) ?? numbers[0];
  const named = spans[0].part.length + 1 + spans[1].part.length;
  if (!at) {
    const end = begin + 1 + named;
    return { ...replaced(text.value, end, end, `:${written(1 + step)}`, 0, 0), start: begin + 1, end: begin + 1 + named };
  }
  const made = replaced(text.value, at.from, at.to, written(Number(at.part) + step), 0, 0);
  return numbers[0] === at && text.start <= begin + 1 + named
    ? { ...made, start: begin + 1, end: begin + 1 + named }
    : { ...made, start: at.from, end: at.from + written(Number(at.part) + step).length };
}

/** The number of an argument: "0.5", or "te=0.5". @param {{ part: string, from: number, to: number }} span */
function numberIn({ part, from, to }) {
  const sign = part.indexOf("=") + 1;
  const number = part.slice(sign);
  return NUMBER.test(number) ? { part: number, from: from + sign, to } : null;
}

/** What is selected, or the word at the cursor, without blanks around it. @param {Marked} text @param {KeyOptions} options */
function words({ value, start, end }, options) {
  const breaks = (/** @type {string} */ letter) => options.delimiters.includes(letter) || SYNTAX.includes(letter);
  if (start === end) {
    while (start > 0 && !breaks(value[start - 1])) start -= 1;
    while (end < value.length && !breaks(value[end])) end += 1;
  }
  while (end > start && /\s/.test(value[end - 1])) end -= 1;
  while (start < end && /\s/.test(value[start])) start += 1;
  return [start, end];
}

/** @param {Marked} text @param {number} direction @returns {Marked | null} */
export function moved(text, direction) {
  const tags = tagsOf(text.value);
  const first = tags.findIndex((tag) => text.start <= tag.to);
  let last = first;
  while (last + 1 < tags.length && tags[last + 1].from < text.end) last += 1;
  const other = direction < 0 ? first - 1 : last + 1;
  if (first < 0 || other < 0 || other >= tags.length) {
    return null;
  }
  const [from, to] = [tags[first].text.from, tags[last].text.to];
  const chosen = text.value.slice(from, to);
  const beside = tags[other].text;
  const passed = text.value.slice(beside.from, beside.to);
  // What stands between the two, comma and blanks, stays where it is.
  if (direction < 0) {
    const between = text.value.slice(beside.to, from);
    return replaced(text.value, beside.from, to, chosen + between + passed, 0, chosen.length);
  }
  const between = text.value.slice(to, beside.from);
  return replaced(text.value, from, beside.to, passed + between + chosen, passed.length + between.length, chosen.length);
}

/** The parts between commas that stand in no brackets; `text` is without blanks around it. @param {string} value */
function tagsOf(value) {
  const cuts = [-1];
  let depth = 0;
  for (let place = 0; place < value.length; place++) {
    if (value[place] === "\\") {
      place += 1;
    } else if (OPENING.includes(value[place])) {
      depth += 1;
    } else if (CLOSING.includes(value[place])) {
      depth = Math.max(depth - 1, 0);
    } else if (value[place] === "," && depth === 0) {
      cuts.push(place);
    }
  }
  cuts.push(value.length);
  return cuts.slice(1).map((to, index) => {
    const from = cuts[index] + 1;
    const part = value.slice(from, to);
    const begin = from + part.length - part.trimStart().length;
    return { from, to, text: { from: Math.min(begin, to), to: Math.max(from + part.trimEnd().length, Math.min(begin, to)) } };
  });
}

/** @param {string} value @param {number} start @param {number} end @param {string} put @param {number} from @param {number} length @returns {Marked} */
function replaced(value, start, end, put, from, length) {
  return { value: value.slice(0, start) + put + value.slice(end), start: start + from, end: start + from + length };
}

/** @param {HTMLTextAreaElement} box @returns {Marked} */
function marked(box) {
  return { value: box.value, start: box.selectionStart, end: box.selectionEnd };
}

/** @param {HTMLTextAreaElement} box @param {Marked | null} text */
function put(box, text) {
  if (text) {
    box.value = text.value;
    box.setSelectionRange(text.start, text.end);
    typed(box);
  }
}

/** Without the noise of adding fractions. @param {number} weight */
function rounded(weight) {
  return Number(weight.toPrecision(12));
}

/** @param {number} weight */
function written(weight) {
  return String(Math.abs(weight) < 1e-9 ? 0 : rounded(weight));
}
