// @ts-check
// The page in another language: texts, tooltips, placeholders and options by A1111's files. Loaded where one is chosen,
// or when the template for a new one is asked for.

/** Below these nothing is translated: what people write and choose is theirs, names of files stay names. */
const LEFT_ALONE = "textarea, script, style, code, pre, .infotext, .token, .prompt, #easel_history, #txt2img_gallery, #img2img_gallery, [data-raw]";
const ATTRIBUTES = ["title", "placeholder", "aria-label"];
/** What has no letters needs no translation. */
const LETTERS = /\p{L}/u;

/** Texts that style sheets show, by the property in which these look for them; a line each. */
const OF_STYLE_SHEETS = {
  "--easel-text-checkpoint": ["Checkpoint"],
  "--easel-text-no-pictures": ["Your pictures will appear here.", "Write what you would like to see, then press Generate."],
};

/** @returns {Record<string, string>} */
function table() {
  return window.localization ?? {};
}

/** @param {string} text */
function translated(text) {
  const words = text.trim();
  const found = words && LETTERS.test(words) ? table()[words] : undefined;
  return found ? text.replace(words, () => found) : undefined;
}

/** What was written by this script must not be looked up again. @type {WeakMap<Node, string>} */
const done = new WeakMap();

/** @param {Text} node */
function translateText(node) {
  if (done.get(node) === node.data || node.parentElement?.closest(LEFT_ALONE)) {
    return;
  }
  const words = translated(node.data);
  if (words !== undefined && words !== node.data) {
    node.data = words;
    done.set(node, words);
  }
}

/** @param {Element} element */
function translateAttributes(element) {
  for (const name of ATTRIBUTES) {
    const value = element.getAttribute(name);
    // Gradio names both parts of a slider by its label.
    const label = value?.match(/^(?:number input|range slider) for (.+)$/)?.[1] ?? value;
    const words = label ? translated(label) : undefined;
    if (words !== undefined && words !== value) {
      element.setAttribute(name, words);
    }
  }
}

/** @param {Node} root */
function translate(root) {
  each(root, translateText, translateAttributes);
}

/**
 * Every text and element from `root` down, except those that are left alone.
 * @param {Node} root @param {(node: Text) => void} text @param {(element: Element) => void} element
 */
function each(root, text, element) {
  if (root instanceof Text) {
    text(root);
    return;
  }
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = /** @type {Node | null} */ (root); node; node = walker.nextNode()) {
    if (node instanceof Text) {
      text(node);
    } else if (node instanceof Element) {
      element(node);
    }
  }
}

function translateStyleSheets() {
  for (const [name, texts] of Object.entries(OF_STYLE_SHEETS)) {
    const lines = texts.map((text) => JSON.stringify(table()[text] ?? text));
    document.documentElement.style.setProperty(name, lines.join(' "\\A " '));
  }
}

/** Translate the page as it is and as it changes. */
export function translatePage() {
  translateStyleSheets();
  if (/** @type {any} */ (table()).rtl) {
    document.documentElement.dir = "rtl";
  }
  const begin = () => {
    translate(document.body);
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.type === "characterData" && change.target instanceof Text) {
          translateText(change.target);
        } else if (change.type === "attributes" && change.target instanceof Element) {
          translateAttributes(change.target);
        }
        change.addedNodes.forEach(translate);
      }
    }).observe(document.body, {
      childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES,
    });
  };
  if (document.body) {
    begin();
  } else {
    document.addEventListener("DOMContentLoaded", begin);
  }
}

/** All texts of the page, with their translations where there are some. @returns {Record<string, string>} */
export function template() {
  /** @type {Record<string, string>} */
  const texts = {};
  const back = new Map(Object.entries(table()).map(([text, words]) => [words, text]));
  const note = (/** @type {string} */ text) => {
    const words = back.get(text.trim()) ?? text.trim();
    if (words && LETTERS.test(words)) {
      texts[words] = table()[words] ?? words;
    }
  };
  each(
    document.body,
    (node) => { if (!node.parentElement?.closest(LEFT_ALONE)) note(node.data); },
    (element) => ATTRIBUTES.forEach((name) => note(element.getAttribute(name) ?? "")),
  );
  Object.values(OF_STYLE_SHEETS).flat().forEach(note);
  // Options of lists that are closed are not in the document.
  for (const component of window.gradio_config?.components ?? []) {
    for (const name of ["label", "placeholder", "info"]) {
      const value = component.props?.[name];
      if (typeof value === "string") {
        note(value);
      }
    }
  }
  return { ...table(), ...texts };
}

/** Offer the template as a file. */
export function downloadTemplate() {
  const link = document.createElement("a");
  const content = JSON.stringify(template(), null, 4);
  link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
  link.download = "localization.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
