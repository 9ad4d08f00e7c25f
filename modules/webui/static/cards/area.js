// @ts-check
// The area of one page of cards on one tab: search, order, folders, and the grid.
import { api } from "../api.js";
import { around, element, panels, press, route, textBox } from "../dom.js";
import { attempt, say } from "../notice.js";
import { showTriggers } from "../prompt/mount.js";
import { write } from "../prompt_history.js";
import { VirtualGrid } from "../virtual_grid.js";
import { drawCard } from "./card.js";
import { controls } from "./controls.js";
import { openEditor, usePictureShown } from "./editor.js";
import { drawDirectories, drawTree } from "./folders.js";
import { CardList } from "./list.js";
import { lastPrompt, openPage } from "./mount.js";
import { isIn, joined, toggled, without } from "./tags.js";

/** @typedef {import("./list.js").Card} Card */
/** @typedef {{ name: string, title: string, kind: string, tag: string, takes_negative: boolean }} PageInfo */
/** @typedef {{ pages: PageInfo[], settings: Record<string, any>, family: string | null, checkpoint: string | null }} Overview */

const SIZE = { width: 168, height: 224 };
const SUFFIX = /\.(safetensors|ckpt|pt|pth|bin|png|webp|avif|jxl)$/i;
const TAUGHT_KINDS = ["lora", "embedding", "checkpoint"];
const FILTERED_KINDS = ["lora", "embedding"];
/** Cards that are asked for ahead of all: more than a large window shows. */
const FIRST = 120;
const STEPS = new Map([["ArrowRight", 1], ["ArrowLeft", -1]]);
const FAMILY_NAMES = { SD1: "SD 1", SD2: "SD 2", SDXL: "SDXL" };

/** @type {Map<string, Area>} */
const areas = new Map();
/** @type {Map<string, Promise<CardList>>} Both tabs show the same lists. */
const lists = new Map();
/** The checkpoint whose card was pressed, until the server has heard of it. */
let wanted = "";

/** The page has been opened. @param {string} tab @param {string} page */
export async function openArea(tab, page) {
  const key = `${tab} ${page}`;
  let area = areas.get(key);
  if (!area) {
    const place = document.getElementById(`${tab}_${page}_cards_html`);
    if (!place) {
      return;
    }
    if (place.dataset.own) {
      await attempt(() => openOwn(tab, page, place));
      return;
    }
    area = new Area(tab, page, place);
    areas.set(key, area);
  }
  await attempt(() => /** @type {Area} */ (area).open());
}

/** A page of an extension, which draws its cards itself. @param {string} tab @param {string} page @param {HTMLElement} place */
async function openOwn(tab, page, place) {
  if (place.dataset.own === "drawn") {
    return;
  }
  place.dataset.own = "drawn";
  const name = encodeURIComponent(page);
  const draw = async () => {
    const answer = await fetch(route(`api/v1/cards/${name}/html?tab=${tab}`));
    place.innerHTML = answer.ok ? await answer.text() : "";
  };
  document.getElementById(`${tab}_${page}_extra_refresh_internal`)?.addEventListener("click", () => attempt(async () => {
    await api(`cards/${name}/refresh`, { method: "POST" });
    await draw();
  }));
  await draw();
}

/** Open the notes of a card by its name. @param {string} tab @param {string} page @param {string} name */
export async function editCard(tab, page, name) {
  const [info, card] = await cardWhere(page, (each) => each.name === name || each.path.replace(SUFFIX, "") === name);
  openEditor({ tab, page, kind: info.kind, name: card.path.replace(SUFFIX, ""), metadata: false, saved: () => areas.get(`${tab} ${page}`)?.refresh() });
}

/** Give the card whose picture is this file the picture in the gallery. @param {string} tab @param {string} file */
export async function takePreview(tab, file) {
  const stem = (/** @type {string} */ path) => path.replaceAll("\\", "/").replace(SUFFIX, "").replace(/\.preview$/, "");
  for (const { name: page } of (await api("cards")).pages) {
    const found = await cardWhere(page, (card, list) => stem(`${list.folders[card.folder]}/${card.path}`) === stem(file)).catch(() => null);
    if (found) {
      const [info, card] = found;
      await usePictureShown({ tab, page, kind: info.kind, name: card.path.replace(SUFFIX, ""), metadata: false, saved: () => areas.get(`${tab} ${page}`)?.refresh() });
      return;
    }
  }
  throw new Error(`No card has its picture in ${file}.`);
}

/** @param {string} page @param {(card: Card, list: CardList) => boolean} fits @returns {Promise<[PageInfo, Card]>} */
async function cardWhere(page, fits) {
  const info = (await api("cards")).pages.find((/** @type {PageInfo} */ each) => each.name === page);
  const list = await listOf(page);
  const card = list.cards.find((each) => fits(each, list));
  if (!info || !card) {
    throw new Error("There is no such card. Refresh the cards, or look at its name.");
  }
  return [info, card];
}

/** The first cards of a page, soon; all of them where they are there already. @param {string} page @returns {Promise<CardList>} */
async function beginningOf(page) {
  const known = lists.get(page);
  if (known) {
    return known;
  }
  const list = new CardList(await api(`cards/${encodeURIComponent(page)}?first=${FIRST}`));
  if (list.isWhole) {
    lists.set(page, Promise.resolve(list));
  }
  return list;
}

/** The cards of a page, read once. @param {string} page */
function listOf(page) {
  let loading = lists.get(page);
  if (!loading) {
    loading = api(`cards/${encodeURIComponent(page)}`).then((told) => new CardList(told));
    lists.set(page, loading);
    loading.catch(() => lists.delete(page));
  }
  return loading;
}

/** The checkpoint is another one: what fits it is shown. */
export function checkpointChanged() {
  for (const tab of panels()) {
    areas.get(`${tab} ${openPage(tab)}`)?.open();
  }
}

/** The checkpoint that a card asks for. */
export function desiredCheckpoint() {
  return wanted;
}

class Area {
  /** @param {string} tab @param {string} page @param {HTMLElement} place */
  constructor(tab, page, place) {
    this.tab = tab;
    this.page = page;
    this.place = place;
    this.id = `${tab}_${page}`;
    /** @type {Overview | null} */
    this.told = null;
    /** @type {CardList | null} */
    this.list = null;
    /** @type {Card[]} */
    this.shown = [];
    this.folder = "";
    this.everyFamily = false;
    this.began = false;
    this.grid = new VirtualGrid({ size: SIZE.width, height: SIZE.height, name: this.id, draw: (cell, index) => this.draw(cell, index), range: () => {} });
    const grid = this.grid.element;
    grid.id = `${this.id}_cards`;
    grid.className += " extra-network-cards";
    grid.tabIndex = -1;
    grid.setAttribute("role", "list");
    grid.setAttribute("aria-label", "Cards");
    grid.removeAttribute("aria-multiselectable");
    grid.addEventListener("click", (event) => this.clicked(event));
    grid.addEventListener("keydown", (event) => this.pressed(event));
    grid.addEventListener("focusin", (event) => this.focused(event));
  }

  /** @param {boolean} [again] the cards that are seen stay where they are */
  async open(again = false) {
    const [told, list] = await Promise.all([/** @type {Promise<Overview>} */ (api("cards")), beginningOf(this.page)]);
    this.told = told;
    this.info = told.pages.find((each) => each.name === this.page) ?? { name: this.page, title: this.page, kind: "", tag: "", takes_negative: false };
    if (!this.began) {
      this.begin(told);
    }
    this.list = list;
    this.look(told.settings);
    this.update(again);
    if (!list.isWhole) {
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); // what is there is drawn
      this.list = await listOf(this.page);
      this.update(true);
    }
  }

  /** Read the folders again. */
  async refresh() {
    await attempt(async () => {
      await api(`cards/${encodeURIComponent(this.page)}/refresh`, { method: "POST" });
      lists.delete(this.page);
      await listOf(this.page);
      await this.open(true);
    });
  }

  /** Draw what stays. @param {Overview} told */
  begin(told) {
    this.began = true;
    const settings = told.settings;
    this.controls = controls(this.id, {
      order: /** @type {any} */ (settings.extra_networks_card_order_field.toLowerCase().replace(" ", "_")),
      descending: settings.extra_networks_card_order === "Descending",
      tree: settings.extra_networks_tree_view_default_enabled,
      search: () => this.searched(),
      change: () => this.update(),
      refresh: () => this.refresh(),
    });
    this.folders = element("div", "cards-folders");
    this.note = element("p", "cards-note");
    this.note.setAttribute("role", "status");
    this.body = element("div", "cards-body");
    const pane = element("div", "cards-pane");
    pane.id = `${this.id}_pane`;
    pane.append(this.note, this.grid.element);
    this.body.append(this.folders, pane);
    this.place.replaceChildren(this.controls.element, this.body);
    for (const box of this.prompts()) {
      box.addEventListener("input", () => openPage(this.tab) === this.page && this.grid.redraw());
    }
    document.getElementById(`${this.id}_extra_refresh_internal`)?.addEventListener("click", () => this.refresh());
  }

  /** What the settings say of the cards' looks. @param {Record<string, any>} settings */
  look(settings) {
    const width = settings.extra_networks_card_width;
    this.grid.options.size = width || SIZE.width;
    this.grid.options.exact = Boolean(width);
    this.grid.options.height = settings.extra_networks_card_height || SIZE.height;
    this.place.style.setProperty("--card-text", String(settings.extra_networks_card_text_scale));
    const isTree = settings.extra_networks_tree_view_style === "Tree";
    this.body?.classList.toggle("with-tree", isTree);
    if (this.folders && this.folders.id !== `${this.id}_${isTree ? "tree" : "dirs"}`) {
      this.folders.id = `${this.id}_${isTree ? "tree" : "dirs"}`;
      this.folders.style.width = isTree ? `${settings.extra_networks_tree_view_default_width}px` : "";
    }
  }

  searched() {
    const text = this.controls?.text() ?? "";
    const plain = text.trim().replace(/^\/?/, "/");
    // A folder's button writes its name into the box; another text means no folder.
    this.folder = this.folder && plain === this.folder ? this.folder : "";
    this.update();
  }

  /** @param {string} folder */
  choose(folder) {
    this.folder = folder;
    const slash = this.told?.settings.extra_networks_dir_button_function;
    this.controls?.write(slash ? folder : folder.slice(1));
    this.update();
  }

  /** Show what is wanted now. @param {boolean} [again] the cards that are seen stay where they are */
  update(again = false) {
    const { list, told } = this;
    if (!list || !told || !this.controls) {
      return;
    }
    const settings = told.settings;
    let others = 0;
    const wanted = {
      search: this.controls.text(),
      folder: this.folder,
      order: this.controls.order(),
      descending: this.controls.descending(),
      hidden: settings.extra_networks_hidden_models,
      shows: (/** @type {Card} */ card) => {
        const fits = this.everyFamily || this.fits(card);
        others += fits ? 0 : 1;
        return fits;
      },
    };
    this.shown = list.matching(wanted);
    this.controls.count(list.isWhole ? this.shown.length : list.total, list.total);
    this.explain(others);
    this.drawFolders(settings);
    if (!again) {
      this.grid.element.scrollTop = 0;
      this.grid.focused = 0;
    }
    this.grid.count(this.shown.length);
  }

  /** Whether a card is for the chosen checkpoint. @param {Card} card */
  fits(card) {
    const { family, settings } = /** @type {Overview} */ (this.told);
    if (!family || settings.lora_show_all || !FILTERED_KINDS.includes(this.info?.kind ?? "")) {
      return true;
    }
    return card.family ? card.family === family : !(this.info?.kind === "lora" && settings.lora_hide_unknown_for_versions.includes(family));
  }

  /** @param {number} others cards that were left out */
  explain(others) {
    const note = /** @type {HTMLElement} */ (this.note);
    const family = this.told?.family ?? "";
    note.replaceChildren();
    if (!this.list?.isWhole) {
      note.hidden = true;
      return; // what else there is will be known in a moment
    }
    if (others) {
      const name = FAMILY_NAMES[/** @type {keyof typeof FAMILY_NAMES} */ (family)] ?? family;
      const button = element("button", "cards-link");
      button.setAttribute("type", "button");
      button.textContent = "Show them";
      button.addEventListener("click", () => {
        this.everyFamily = true;
        this.update();
      });
      note.append(`${others.toLocaleString()} ${others === 1 ? "is" : "are"} not for ${name}, as the chosen checkpoint is. `, button);
    }
    if (!this.shown.length && !others) {
      const folders = this.list.folders.join(" or ");
      note.append(this.list.cards.length ? "Nothing is found. Search for less." : `Nothing is here yet. ${folders ? `Put files into ${folders}` : "Put files into the folder"} and press Refresh.`);
    }
    note.hidden = !note.firstChild;
  }

  /** @param {Record<string, any>} settings */
  drawFolders(settings) {
    const place = /** @type {HTMLElement} */ (this.folders);
    const directories = this.list?.directories(settings.extra_networks_show_hidden_directories) ?? [];
    place.hidden = !this.controls?.tree() || !directories.length;
    if (!place.hidden) {
      const draw = settings.extra_networks_tree_view_style === "Tree" ? drawTree : drawDirectories;
      draw(place, { directories, slash: settings.extra_networks_dir_button_function, chosen: this.folder, choose: (folder) => this.choose(folder) });
    }
  }

  /** @param {HTMLElement} cell @param {number} index */
  draw(cell, index) {
    const card = this.shown[index];
    const settings = this.told?.settings ?? {};
    cell.setAttribute("role", "listitem");
    drawCard(cell, card, {
      description: settings.extra_networks_card_show_desc,
      html: settings.extra_networks_card_description_is_html,
      notes: Boolean(this.info?.kind),
      words: TAUGHT_KINDS.includes(this.info?.kind ?? ""),
      pressed: this.isChosen(card),
      focused: index === this.grid.focused,
    });
  }

  /** @param {Card} card */
  isChosen(card) {
    if (this.info?.kind === "checkpoint") {
      return this.pathOf(card) === this.told?.checkpoint;
    }
    return this.prompts().some((box) => isIn(box.value, this.added(card)));
  }

  /** @param {Card} card */
  pathOf(card) {
    const folder = this.list?.folders[card.folder] ?? "";
    return `${folder}${folder.includes("\\") ? "\\" : "/"}${card.path}`;
  }

  /** What a card adds to a prompt. @param {Card} card */
  added(card) {
    const weight = this.told?.settings.extra_networks_default_multiplier;
    return card.prompt ?? (this.info?.tag ? `<${this.info.tag}:${card.name}:${weight}>` : card.name);
  }

  /** @returns {HTMLTextAreaElement[]} */
  prompts() {
    const boxes = [textBox(`${this.tab}_prompt`), textBox(`${this.tab}_neg_prompt`)];
    return /** @type {HTMLTextAreaElement[]} */ (boxes.filter((box) => box instanceof HTMLTextAreaElement));
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const card = this.shown[this.indexOf(event)];
    const button = around(event, "button");
    if (!card || !button) {
      return;
    }
    if (button.classList.contains("copy-path-button")) {
      navigator.clipboard.writeText(this.pathOf(card)).then(() => say("The path is copied."), () => say(this.pathOf(card)));
    } else if (button.classList.contains("words-button")) {
      showTriggers(this.tab, button, `${this.info?.kind}/${card.name}`);
    } else if (button.classList.contains("edit-button") || button.classList.contains("metadata-button")) {
      const metadata = button.classList.contains("metadata-button");
      openEditor({ tab: this.tab, page: this.page, kind: this.info?.kind ?? "", name: card.path.replace(SUFFIX, ""), metadata, saved: () => this.refresh() });
    } else {
      this.use(card, event.shiftKey);
    }
  }

  /** @param {Card} card @param {boolean} negative */
  use(card, negative) {
    if (card.script) {
      Function(card.script).call(window);
    } else if (this.info?.kind === "checkpoint") {
      wanted = this.pathOf(card);
      press("change_checkpoint");
    } else {
      this.write(card, negative);
    }
    this.grid.redraw();
  }

  /** @param {Card} card @param {boolean} negative */
  write(card, negative) {
    const separator = this.told?.settings.extra_networks_add_text_separator ?? " ";
    const [positive, unwanted] = this.prompts();
    const last = lastPrompt(this.tab);
    const target = negative || (this.info?.takes_negative && last === unwanted) ? unwanted : positive;
    const added = this.added(card);
    const isThere = isIn(target.value, added);
    write(target === unwanted ? `${this.tab}_neg_prompt` : `${this.tab}_prompt`, toggled(target.value, added, separator));
    if (card.negative && target === positive) {
      const words = isThere ? without(unwanted.value, card.negative, separator) ?? unwanted.value
        : isIn(unwanted.value, card.negative) ? unwanted.value : joined(unwanted.value, card.negative, separator);
      write(`${this.tab}_neg_prompt`, words);
    }
  }

  /** @param {Event} event */
  indexOf(event) {
    return Number(around(event, ".virtual-cell")?.dataset.index ?? -1);
  }

  /** @param {FocusEvent} event */
  focused(event) {
    const index = this.indexOf(event);
    if (index >= 0 && index !== this.grid.focused) {
      const before = this.grid.cells.get(this.grid.focused);
      this.grid.focused = index;
      for (const cell of [before, this.grid.cells.get(index)]) {
        if (cell) {
          this.draw(cell, Number(cell.dataset.index));
        }
      }
    }
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const { columns, focused } = this.grid;
    const step = STEPS.get(event.key) ?? { ArrowDown: columns, ArrowUp: -columns, Home: -focused, End: this.shown.length }[event.key];
    if (step === undefined || !around(event, ".card-main")) {
      return;
    }
    event.preventDefault();
    const next = Math.min(Math.max(focused + step, 0), this.shown.length - 1);
    this.grid.focus(next);
    this.grid.redraw();
    /** @type {HTMLElement | null | undefined} */ (this.grid.cells.get(next)?.querySelector(".card-main"))?.focus({ preventScroll: true });
  }
}
