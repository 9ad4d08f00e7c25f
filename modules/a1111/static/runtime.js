// What scripts of A1111's extensions find in the page: loaded ahead of them, before the document is complete.
// A classic script on purpose: its functions are to be globals. Its types are checked less strictly than those of the
// page (tests/javascript/extensions.json), for it stands in for functions that take anything.
// @ts-check
"use strict";

var opts = window.opts || {};
var titles = {};
var localization = window.localization || {};
var uiCurrentTab = null;

/**
 * Gradio 3 drew its page at one go; today parts of it arrive one after another. Until it is whole nothing is found in
 * it, so that a script which waits for one part does not miss another.
 */
function gradioApp() {
  const app = document.querySelector("gradio-app");
  if (!app) {
    return document;
  }
  if (!easelRuntime.loaded) {
    const none = () => document.createDocumentFragment().querySelectorAll("*");
    Object.assign(app, { getElementById: () => null, querySelector: () => null, querySelectorAll: none });
  }
  return app.shadowRoot || app;
}

function easelShowAll() {
  const app = /** @type {Element & { getElementById?: (id: string) => Element | null }} */ (document.querySelector("gradio-app"));
  if (app) {
    delete app.querySelector;
    delete app.querySelectorAll;
    app.getElementById = (id) => document.getElementById(id);
    // Those who watch the page have a look.
    app.append(document.createComment("drawn"));
    app.lastChild.remove();
  }
}

// To a script of an extension the document is ready when the page is whole: what stands in it then is what it looks for.
const easelWaiting = [];
for (const target of [document, window]) {
  const listen = target.addEventListener;
  target.addEventListener = function (type, listener, ...more) {
    const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
    const theirs = script && script.src.includes("/file=");
    if (theirs && !easelRuntime.loaded && typeof listener === "function" && (type === "DOMContentLoaded" || type === "load")) {
      easelWaiting.push((event) => listener.call(target, event));
      return;
    }
    listen.call(this, type, listener, ...more);
  };
}

function get_uiCurrentTab() {
  return document.querySelector("#tabs .tab-bar-tab button.selected");
}

function get_uiCurrentTabContent() {
  const button = get_uiCurrentTab();
  return button ? document.getElementById(button.getAttribute("aria-controls")) : null;
}

// Ways through the page that Gradio 3 had, and what they are today. Tried where a selector finds nothing as it stands.
/** @type {[RegExp, string][]} */
const easelOldWays = [
  [/>\s*label\s*>\s*(?=textarea|input)/g, " label "], // a block lies between
  [/\s*>\s*(?:\.tabs\s*>\s*)?(?:div)?\.tab-nav/g, " .tab-nav"],
  [/(tabs)\s*>\s*div(?::first-child)?\s*>\s*button/g, "$1 .tab-nav > button"],
  [/\bdiv\.label-wrap/g, ".label-wrap"],
];

function easelNewWay(selector) {
  return easelOldWays.reduce((text, [old, now]) => text.replace(old, now), String(selector));
}

for (const kind of [Document, Element]) {
  const { querySelector, querySelectorAll } = kind.prototype;
  kind.prototype.querySelector = function (selector) {
    const found = querySelector.call(this, selector);
    const now = found ? selector : easelNewWay(selector);
    return now === selector ? found : querySelector.call(this, now);
  };
  kind.prototype.querySelectorAll = function (selector) {
    const found = querySelectorAll.call(this, selector);
    const now = found.length ? selector : easelNewWay(selector);
    return now === selector ? found : querySelectorAll.call(this, now);
  };
}

// Gradio 3 had a slider below the block with its label and number; today it is in one with its two ends.
{
  const before = Object.getOwnPropertyDescriptor(Element.prototype, "previousElementSibling");
  Object.defineProperty(Element.prototype, "previousElementSibling", {
    ...before,
    get() {
      const head = this.type === "range" && this.closest(".slider_input_container")?.parentElement?.querySelector(".head");
      return head ? head.parentElement : before.get.call(this);
    },
  });
}

// Gradio 3 listened at each element; today's hears most events only where they bubble to. Scripts make such that do not.
const easelBubbling = new Set(["beforeinput", "change", "click", "contextmenu", "dblclick", "input", "keydown", "keyup",
  "mousedown", "mousemove", "mouseout", "mouseover", "mouseup", "pointerdown", "pointermove", "pointerup", "touchend",
  "touchmove", "touchstart"]);
{
  const dispatch = EventTarget.prototype.dispatchEvent;
  EventTarget.prototype.dispatchEvent = function (event) {
    if (!(event instanceof Event) || event.bubbles || !(this instanceof Element) || !easelBubbling.has(event.type)) {
      return dispatch.call(this, event);
    }
    const like = {};
    for (const name in event) {
      like[name] = event[name];
    }
    return dispatch.call(this, new (/** @type {typeof Event} */ (event.constructor))(event.type, { ...like, bubbles: true }));
  };
}

// Callbacks. One that throws is named in the console, and the others are called.

const easelCallbacks = { loaded: [], update: [], after: [], tab: [], options: [] };

function onUiLoaded(callback) { easelCallbacks.loaded.push(callback); if (easelRuntime.loaded) easelCall([callback]); }
function onUiUpdate(callback) { easelCallbacks.update.push(callback); }
function onAfterUiUpdate(callback) { easelCallbacks.after.push(callback); }
function onUiTabChange(callback) { easelCallbacks.tab.push(callback); }
function onOptionsChanged(callback) { easelCallbacks.options.push(callback); }

var uiUpdateCallbacks = easelCallbacks.update;
var uiAfterUpdateCallbacks = easelCallbacks.after;
var uiLoadedCallbacks = easelCallbacks.loaded;
var uiTabChangeCallbacks = easelCallbacks.tab;
var optionsChangedCallbacks = easelCallbacks.options;

const easelRuntime = { loaded: false, drawn: false, timer: 0, resting: false, missed: [] };

const EASEL_REST = 16; // ms between two calls of onUiUpdate: one that changes the page itself would be called for ever

function easelCall(callbacks, ...values) {
  for (const callback of callbacks) {
    try {
      callback(...values);
    } catch (error) {
      console.error("A script of an extension failed:", error);
    }
  }
}

function executeCallbacks(callbacks, ...values) { easelCall(callbacks, ...values); }

let easelTypes = null;

/** The type of each component by its element's id. */
function easelTypesById() {
  const components = (window.gradio_config && window.gradio_config.components) || [];
  easelTypes = easelTypes || new Map(components.map((component) => {
    const id = (component.props && component.props.elem_id) || `component-${component.id}`;
    return [String(id), `gradio-${component.type}`];
  }));
  return easelTypes;
}

/** Names of classes that Gradio 3 gave its elements. */
function easelOldNames() {
  const types = easelTypesById();
  for (const element of document.querySelectorAll("[id]")) {
    const name = types.get(element.id);
    if (name && !element.classList.contains(name)) {
      element.classList.add(name);
    }
  }
  for (const bar of document.querySelectorAll(".tab-container[role=tablist]:not(.tab-nav)")) {
    bar.classList.add("tab-nav");
  }
  for (const bar of document.querySelectorAll(".tab-bar")) {
    bar.parentElement.classList.add("tabs", "gradio-tabs");
  }
  // Gradio 3 wrote a blank after the name of a tab, and extensions look for the button with it.
  for (const button of document.querySelectorAll("#tabs .tab-nav button[role=tab]")) {
    if (button.textContent && !button.textContent.endsWith(" ")) {
      button.append(" ");
    }
  }
  for (const list of document.querySelectorAll("ul[role=listbox]:not(.options)")) {
    list.classList.add("options");
  }
}

/** Gradio 3 told of an open tab by the style of its element: "block", all others "none". */
function easelOldTabs() {
  // The copies of the buttons by which their widths are measured come after the buttons themselves.
  for (const copies of document.querySelectorAll(".tab-container.visually-hidden:not(:last-child)")) {
    copies.parentElement.append(copies);
  }
  const panels = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".tabs .tabitem:not([data-old-tab])"));
  for (const panel of panels) {
    panel.dataset.oldTab = "";
    const showAsBlock = () => {
      if (panel.style.display === "flex") {
        panel.style.display = "block";
      }
    };
    showAsBlock();
    new MutationObserver(showAsBlock).observe(panel, { attributes: true, attributeFilter: ["style"] });
  }
  const open = get_uiCurrentTabContent();
  for (const panel of document.querySelectorAll("#tabs > [id^=tab_]")) {
    // Nothing else stands in it: scripts look for `[style="display: block;"]`.
    const style = `display: ${panel === open ? "block" : "none"};`;
    if (panel.getAttribute("style") !== style) {
      panel.setAttribute("style", style);
    }
  }
}

/** Pages of cards are drawn when they are opened; scripts look for where the cards will be. */
function easelPlacesOfCards() {
  for (const place of document.querySelectorAll('[id$="_cards_html"]:empty')) {
    const cards = document.createElement("div");
    cards.id = place.id.replace(/_html$/, "");
    cards.className = "extra-network-cards";
    place.append(cards);
  }
}

/** An accordion that is a checkbox shows one in its head, and is open where it is checked. */
function easelInputAccordions() {
  const heads = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".input-accordion > .label-wrap"));
  for (const head of heads) {
    const accordion = /** @type {any} */ (head.parentElement);
    if (!head.querySelector(".input-accordion-checkbox")) {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.className = "input-accordion-checkbox";
      box.id = `${accordion.id}-visible-checkbox`;
      const follow = () => { box.checked = head.classList.contains("open"); };
      const press = () => {
        if (box.checked !== head.classList.contains("open")) {
          head.click();
        }
      };
      follow();
      box.addEventListener("click", (event) => event.stopPropagation());
      box.addEventListener("change", press);
      head.prepend(box);
      new MutationObserver(follow).observe(head, { attributes: true, attributeFilter: ["class"] });
      accordion.visibleCheckbox = box;
      accordion.onVisibleCheckboxChange = press;
    }
  }
}

function inputAccordionChecked(id, checked) {
  const accordion = /** @type {any} */ (document.getElementById(id));
  if (accordion && accordion.visibleCheckbox) {
    accordion.visibleCheckbox.checked = checked;
    accordion.onVisibleCheckboxChange();
  }
}

/**
 * An update of a layout block (its classes, its label) is for that block: Gradio hands it on to all that is in it, where
 * only its being visible belongs.
 */
function easelKeepUpdates(tree) {
  const hand_on = tree.update_visibility;
  tree.update_visibility = function (node, update) {
    return "visible" in update ? hand_on.call(this, node, { visible: update.visible }) : Promise.resolve();
  };
}

/** Gradio 3 told of choices by their plain values. The page itself has read its configuration by now. */
function easelOldConfig() {
  const plain = (choices) => choices.map((choice) => (Array.isArray(choice) ? choice[1] : choice));
  const config = window.gradio_config;
  window.gradio_config = config && {
    ...config,
    components: config.components.map((each) => (
      each.props && Array.isArray(each.props.choices)
        ? { ...each, props: { ...each.props, choices: plain(each.props.choices) } }
        : each
    )),
  };
}

// A page within the page finds the whole of it, as it did when all was drawn at once.
const easelFrames = new Map();

function easelHoldFrames() {
  const frames = /** @type {NodeListOf<HTMLIFrameElement>} */ (document.querySelectorAll("#tabs iframe[src]"));
  for (const frame of frames) {
    if (!easelFrames.has(frame)) {
      easelFrames.set(frame, { src: frame.getAttribute("src"), onload: frame.onload });
      frame.onload = null;
      frame.removeAttribute("src");
    }
  }
}

function easelReleaseFrames() {
  for (const [frame, { src, onload }] of easelFrames) {
    frame.onload = onload;
    frame.setAttribute("src", src);
  }
  easelFrames.clear();
}

async function easelLoad() {
  if (window.easelTree) {
    easelKeepUpdates(window.easelTree);
  }
  await /** @type {Promise<unknown>} */ (window.easel.drawClosedParts()).catch((error) => console.error("Closed parts of the page could not be drawn:", error));
  easelRuntime.loaded = true;
  easelOldConfig();
  easelOldNames();
  easelOldTabs();
  easelInputAccordions();
  easelPlacesOfCards();
  easelHiddenParts();
  easelShowAll();
  easelReleaseFrames();
  easelCall(easelWaiting, new Event("DOMContentLoaded"));
  easelShowAll();
  easelCall(easelCallbacks.loaded);
  easelOnChange([]);
}

function easelOnChange(mutations) {
  if (!easelRuntime.loaded) {
    easelHoldFrames();
    // When what was typed last is back, the page is of use; the rest may take its time.
    if (document.documentElement.dataset.inputs === "restored" && !easelRuntime.drawn) {
      easelRuntime.drawn = true;
      easelLoad();
    }
    return;
  }
  if (easelRuntime.resting) {
    easelRuntime.missed.push(...mutations);
    return;
  }
  easelRuntime.resting = true;
  setTimeout(() => {
    const missed = easelRuntime.missed.splice(0);
    easelRuntime.resting = false;
    if (missed.length) {
      easelOnChange(missed);
    }
  }, EASEL_REST);
  easelCall(easelCallbacks.update, mutations);
  clearTimeout(easelRuntime.timer);
  easelRuntime.timer = setTimeout(() => {
    easelOldNames();
    easelOldTabs();
    easelInputAccordions();
    easelCall(easelCallbacks.after);
  }, 200);
  const tab = get_uiCurrentTab();
  if (tab && tab !== uiCurrentTab) {
    uiCurrentTab = tab;
    easelOldTabs();
    easelCall(easelCallbacks.tab);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const observer = new MutationObserver(easelOnChange);
  observer.observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["data-inputs", "data-tab"] });
  easelOnChange([]);
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("#settings_submit")) {
      [500, 2000].forEach((wait) => setTimeout(easelReadOptions, wait));
    }
  });
});

async function easelReadOptions() {
  const answer = await fetch(new URL("sdapi/v1/options", document.baseURI)).catch(() => null);
  if (!answer || !answer.ok) {
    return;
  }
  const now = await answer.json();
  if (Object.keys(now).some((key) => JSON.stringify(now[key]) !== JSON.stringify(opts[key]))) {
    Object.assign(opts, now);
    easelHiddenValues();
    easelCall(easelCallbacks.options);
  }
}

// Values

function updateInput(target) {
  const event = new Event("input", { bubbles: true });
  Object.defineProperty(event, "target", { value: target });
  target.dispatchEvent(event);
}

function randomId() {
  const part = () => Math.random().toString(36).slice(2, 7);
  return `task(${part()}${part()}${part()})`;
}

function args_to_array(args) { return Array.from(args); }

function create_submit_args(args) { return Array.from(args); }

function get_tab_index(tabId) {
  const bar = document.querySelector(`#${CSS.escape(tabId)} .tab-nav`) || document.querySelector(`#${CSS.escape(tabId)} [role=tablist]`);
  const buttons = bar ? [...bar.querySelectorAll("button")] : [];
  return Math.max(0, buttons.findIndex((button) => button.classList.contains("selected")));
}

function create_tab_index_args(tabId, args) {
  const values = Array.from(args);
  values[0] = get_tab_index(tabId);
  return values;
}

function get_img2img_tab_index() {
  const values = Array.from(arguments);
  values.splice(-2);
  values[0] = get_tab_index("mode_img2img");
  return values;
}

// The gallery

function all_gallery_buttons() {
  const shown = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[style="display: block;"] .thumbnail-item, .tabitem .gallery-container .thumbnail-item, .thumbnails > .thumbnail-item'))];
  return shown.filter((button, place) => button.offsetParent !== null && shown.indexOf(button) === place);
}

function selected_gallery_button() {
  return all_gallery_buttons().find((button) => button.classList.contains("selected")) || null;
}

function selected_gallery_index() {
  return all_gallery_buttons().findIndex((button) => button.classList.contains("selected"));
}

function gallery_container_buttons(id) {
  return document.querySelectorAll(`#${id} .thumbnail-item`);
}

function selected_gallery_index_id(id) {
  return [...gallery_container_buttons(id)].findIndex((button) => button.classList.contains("selected"));
}

function extract_image_from_gallery(gallery) {
  if (!gallery || gallery.length === 0) {
    return [null];
  }
  const index = selected_gallery_index();
  return [gallery[index < 0 || index >= gallery.length ? 0 : index]];
}

// Going to another tab. What is handed over is handed on.

function easelOpen(tab, mode) {
  window.easel.openTab(tab);
  if (mode) {
    window.easel.openTab(mode, "mode_img2img");
  }
}

function switch_to_txt2img() { easelOpen("txt2img"); return Array.from(arguments); }
function switch_to_img2img_tab(number) {
  easelOpen("img2img", ["img2img", "sketch", "inpaint", "inpaint_sketch", "inpaint_upload", "batch"][number] || "img2img");
}
function switch_to_img2img() { switch_to_img2img_tab(0); return Array.from(arguments); }
function switch_to_sketch() { switch_to_img2img_tab(1); return Array.from(arguments); }
function switch_to_inpaint() { switch_to_img2img_tab(2); return Array.from(arguments); }
function switch_to_inpaint_sketch() { switch_to_img2img_tab(3); return Array.from(arguments); }
function switch_to_extras() { easelOpen("extras"); return Array.from(arguments); }

// Progress

function request(url, data, handler, errorHandler) {
  fetch(new URL(url, document.baseURI), {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(data),
  }).then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status))).then(handler, errorHandler);
}

function requestProgress(id_task, progressbarContainer, gallery, atEnd, onProgress, inactivityTimeout = 40) {
  const begun = Date.now();
  let wasActive = false;
  const ended = () => { if (atEnd) atEnd(); };
  const ask = () => request("internal/progress", { id_task, live_preview: false }, (told) => {
    wasActive = wasActive || told.active;
    if (told.completed || (wasActive && !told.active && !told.queued)) {
      ended();
    } else if (!told.active && !told.queued && Date.now() - begun > 1000 * inactivityTimeout) {
      ended();
    } else {
      if (onProgress) onProgress(told);
      setTimeout(ask, (opts && opts.live_preview_refresh_period) || 500);
    }
  }, ended);
  ask();
}

function formatTime(secs) {
  const [hours, minutes, seconds] = [secs / 3600, (secs / 60) % 60, secs % 60].map((each) => String(Math.floor(each)).padStart(2, "0"));
  return secs >= 3600 ? `${hours}:${minutes}:${seconds}` : secs > 60 ? `${minutes}:${seconds}` : `${Math.floor(secs)}s`;
}

const easelEdits = new Map();

/** Call a function once nothing was typed into an element for a while. The function that is given back does it at once. */
function onEdit(editId, elem, afterMs, func) {
  const edited = () => {
    clearTimeout(easelEdits.get(editId));
    easelEdits.set(editId, setTimeout(func, afterMs));
  };
  elem.addEventListener("input", edited);
  return edited;
}

function switchWidthHeight(tabname) {
  document.getElementById(`${tabname}_res_switch_btn`).click();
  return [];
}

function attachGalleryListeners(tabName) { return document.getElementById(`${tabName}_gallery`); }
function rememberGallerySelection() {}
function update_token_counter() {}
function showSubmitButtons() {}
function showSubmitInterruptingPlaceholder() {}
function showRestoreProgressButton() {}
function setRandomSeed() {}
function dimensionChange() {}

// Cards

function easelTab() { return document.documentElement.dataset.tab === "img2img" ? "img2img" : "txt2img"; }

const activePromptTextarea = {};

document.addEventListener("focusin", (event) => {
  const box = event.target instanceof HTMLTextAreaElement ? event.target.closest("[id$=_prompt]") : null;
  const tab = box && /^(txt2img|img2img)_(neg_)?prompt$/.exec(box.id);
  if (tab) {
    activePromptTextarea[tab[1]] = event.target;
  }
});

function cardClicked(tabname, textToAdd, textToAddNegative, allowNegativePrompt) {
  const prompt = document.querySelector(`#${tabname}_prompt textarea`);
  const negative = document.querySelector(`#${tabname}_neg_prompt textarea`);
  const chosen = (allowNegativePrompt && activePromptTextarea[tabname]) || prompt;
  for (const [box, text] of [[chosen, textToAdd], [negative, textToAddNegative]]) {
    if (box && text) {
      box.value += (box.value.trim() ? (opts.extra_networks_add_text_separator ?? " ") : "") + text;
      updateInput(box);
    }
  }
}

/** Use another checkpoint, named as a card names it. */
function selectCheckpoint(name) {
  const asked = window.easel.desiredCheckpoint;
  window.easel.desiredCheckpoint = () => {
    window.easel.desiredCheckpoint = asked;
    return Promise.resolve(name);
  };
  document.getElementById("change_checkpoint").click();
}

function registerPrompt(tabname, id) {
  const box = document.querySelector(`#${id} > label > textarea`);
  activePromptTextarea[tabname] = activePromptTextarea[tabname] || box;
  if (box) {
    box.addEventListener("focus", () => { activePromptTextarea[tabname] = box; });
  }
}

function setupExtraNetworksForTab() { /* cards are drawn, sorted and searched without it */ }
function setupExtraNetworks() { /* the same */ }

// Menus of the right button

const easelMenuOptions = new Map();

/** Offer an entry in the menu of the right button over elements; its number, by which it is taken away. */
function appendContextMenuOption(targetElementSelector, entryName, entryFunction) {
  const id = `${targetElementSelector}_${entryName}_${randomId()}`;
  easelMenuOptions.set(id, { selector: targetElementSelector, label: entryName, act: entryFunction });
  return id;
}

function removeContextMenuOption(id) { easelMenuOptions.delete(id); }

/** The entries for an element, in the order in which they were added. */
function easelMenuEntries(element) {
  return [...easelMenuOptions.values()].filter(({ selector }) => element instanceof Element && element.closest(selector));
}

document.addEventListener("contextmenu", (event) => {
  const entries = event.defaultPrevented ? [] : easelMenuEntries(event.target);
  if (entries.length && window.easel) {
    event.preventDefault();
    window.easel.openMenu(entries, event.clientX, event.clientY);
  }
});

function addContextMenuEventListener() { /* listened to from the beginning */ }

// Small things

function uiElementIsVisible(element) { return !!element && element.offsetParent !== null; }

function uiElementInSight(element) {
  const box = element.getBoundingClientRect();
  return box.bottom > 0 && box.top < window.innerHeight;
}

function toggleCss(key, css, enable) {
  let style = document.getElementById(key);
  if (enable && !style) {
    style = document.createElement("style");
    style.id = key;
    document.head.appendChild(style);
  }
  if (style) {
    style.textContent = enable ? css : "";
  }
}

function popup(contents) {
  const dialog = document.createElement("dialog");
  dialog.className = "global-popup";
  dialog.append(contents);
  dialog.addEventListener("click", (event) => event.target === dialog && closePopup());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

function popupId(id) { popup(document.getElementById(id)); }
function closePopup() { /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog.global-popup")).forEach((dialog) => dialog.close()); }
function getTranslation(text) { return typeof text === "string" ? localization[text.trim()] : undefined; }
function restart_reload() { location.reload(); }
function localSet(key, value) { try { localStorage.setItem(key, value); } catch { /* a full or forbidden store */ } }
function localGet(key, otherwise) { return localStorage.getItem(key) ?? otherwise; }
function localRemove(key) { localStorage.removeItem(key); }
