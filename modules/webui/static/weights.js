// Changing the weight of the selected words, or of the word at the cursor: a red cat -> a (red:1.1) cat.

const STEP = 0.1;
const BREAKS = /[\s,.;:()[\]<>|\\]/;

/** Raise (`direction` 1) or lower (-1) the weight of what is selected in a text box. */
export function changeWeight(box, direction) {
  const group = weightedGroup(box.value, box.selectionStart, box.selectionEnd);
  if (group) {
    reweigh(box, group, direction);
    return;
  }
  const [start, end] = selectedWords(box);
  if (start < end) {
    const words = box.value.slice(start, end);
    replace(box, start, end, `(${words}:${text(1 + STEP * direction)})`, start + 1, start + 1 + words.length);
  }
}

/** The innermost "(words:1.2)" around the selection. */
function weightedGroup(value, start, end) {
  for (const match of value.matchAll(/\(([^()]*):(-?\d+(?:\.\d+)?)\)/g)) {
    const last = match.index + match[0].length;
    if (match.index <= start && end <= last) {
      return { start: match.index, end: last, words: match[1], weight: Number(match[2]) };
    }
  }
  return null;
}

function reweigh(box, { start, end, words, weight }, direction) {
  const next = Math.round((weight + STEP * direction) * 100) / 100;
  if (next === 1) {
    replace(box, start, end, words, start, start + words.length);
  } else {
    replace(box, start, end, `(${words}:${text(next)})`, start + 1, start + 1 + words.length);
  }
}

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

function replace(box, start, end, words, selectFrom, selectTo) {
  box.setRangeText(words, start, end, "preserve");
  box.setSelectionRange(selectFrom, selectTo);
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

function text(weight) {
  return String(Math.round(weight * 100) / 100);
}
