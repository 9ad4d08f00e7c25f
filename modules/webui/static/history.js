// @ts-check
// The History tab: search and filters, the grid, what is chosen in it, and what is done with that.
import { api, query } from "./api.js";
import { element, press } from "./dom.js";
import { onEvent } from "./events.js";
import { filterBar } from "./history_filters.js";
import { actionBar } from "./history_actions.js";
import { markActions, putMark } from "./marks.js";
import { attempt } from "./notice.js";
import { Pages } from "./history_pages.js";
import { VirtualGrid } from "./virtual_grid.js";
import { openViewer } from "./viewer.js";

const PAUSE = 150;

/** @typedef {import("./history_pages.js").Picture} Picture */

/** @type {number[]} What was chosen for the tabs that pictures are sent to. */
let sent = [];

/** Called by the buttons that send: the number of the picture for the server. */
export function historyChosen() {
  return [String(sent[0] ?? "")];
}

export function watchHistory() {
  const place = document.getElementById("easel_history");
  if (place) {
    const history = new History(place);
    const open = () => document.documentElement.dataset.tab === "history";
    new MutationObserver(() => open() && history.opened()).observe(document.documentElement, { attributeFilter: ["data-tab"] });
    if (open()) {
      history.opened();
    }
  }
}

class History {
  /** @param {HTMLElement} place */
  constructor(place) {
    /** @type {Set<number>} */
    this.chosen = new Set();
    this.anchor = -1;
    this.stale = true;
    this.timer = 0;
    this.turn = 0;
    this.filters = filterBar(() => this.later());
    this.pages = new Pages();
    this.actions = actionBar({
      numbers: () => this.pages.numbers.filter((number) => this.chosen.has(number)),
      all: () => this.choose(this.pages.numbers),
      none: () => this.choose([]),
      query: () => this.query(),
      reload: () => this.reload(),
      compare: (/** @type {number[]} */ two) => this.compare(two),
      send: (/** @type {string} */ where, /** @type {number} */ number) => this.send(where, number),
    });
    this.empty = element("p", "history-empty");
    this.grid = new VirtualGrid({
      size: 190,
      draw: (cell, index) => this.draw(cell, index),
      range: (first, last) => this.pages.need(first, last).then((came) => came && this.grid.redraw()),
    });
    this.grid.element.setAttribute("aria-label", "Pictures");
    this.grid.element.addEventListener("click", (event) => this.clicked(event));
    this.grid.element.addEventListener("dblclick", (event) => this.view(this.indexOf(event)));
    this.grid.element.addEventListener("keydown", (event) => this.pressed(event));
    place.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.chosen.size) {
        this.choose([]);
        event.stopPropagation();
      }
    });
    place.append(this.filters.element, this.actions.element, this.empty, this.grid.element);
    onEvent((kind, data) => {
      if (kind === "image" || kind === "history" || kind === "connected") {
        this.changed(kind, data);
      }
    });
  }

  opened() {
    if (this.stale) {
      this.reload();
    }
    this.grid.resized();
  }

  query() {
    return query(this.filters.values());
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reload(), PAUSE);
  }

  /** The pictures that fit, asked for again. What is chosen and still fits stays chosen. */
  async reload() {
    this.stale = false;
    const asked = this.query();
    const turn = ++this.turn;
    const told = await attempt(() => api(`history/numbers?${asked}`));
    // Answers may overtake each other; only the one that was asked for last says how things stand.
    if (!told || turn !== this.turn || asked !== this.query()) {
      return;
    }
    this.pages.use(told.numbers, asked);
    const fits = new Set(told.numbers);
    this.chosen = new Set([...this.chosen].filter((number) => fits.has(number)));
    this.grid.count(told.numbers.length);
    this.grid.redraw();
    this.empty.hidden = told.numbers.length > 0;
    this.empty.textContent = asked
      ? "No picture fits. Take a word or a filter away."
      : "Every picture that you make is listed here. Make one on the txt2img tab; or press Add folder to take in pictures that are there already.";
    this.actions.show(told.numbers.length, this.chosen.size, this.filters.values().trashed === true);
  }

  /** @param {string} kind @param {JobEvent} data */
  changed(kind, data) {
    if (kind === "history" && data.numbers) {
      this.pages.forget(data.numbers);
    }
    if (document.documentElement.dataset.tab === "history") {
      this.later();
    } else {
      this.stale = true;
    }
  }

  /** @param {HTMLElement} cell @param {number} index */
  draw(cell, index) {
    const number = this.pages.numbers[index];
    const picture = this.pages.at(index);
    cell.dataset.number = String(number);
    cell.setAttribute("aria-selected", String(this.chosen.has(number)));
    cell.setAttribute("aria-label", picture ? picture.prompt.slice(0, 120) || `Picture ${number}` : "Loading");
    const image = cell.querySelector("img") ?? cell.appendChild(document.createElement("img"));
    const badge = cell.querySelector("span") ?? cell.appendChild(element("span", "history-badge"));
    const src = picture ? `${picture.url}?size=256` : "";
    if (image.getAttribute("src") !== src) {
      src ? image.setAttribute("src", src) : image.removeAttribute("src");
      image.alt = "";
      image.loading = "eager";
      image.decoding = "async";
    }
    cell.title = picture ? `Seed ${picture.seed}\n${picture.prompt.slice(0, 300)}` : "";
    badge.textContent = picture ? [picture.favourite ? "♥" : "", picture.rating ? "★".repeat(picture.rating) : "", picture.mark].filter(Boolean).join(" ") : "";
    cell.toggleAttribute("data-small", Boolean(picture && Math.max(picture.width, picture.height) < 190));
  }

  /** @param {Event} event */
  indexOf(event) {
    const cell = event.target instanceof Element ? event.target.closest("[data-index]") : null;
    return cell instanceof HTMLElement ? Number(cell.dataset.index) : -1;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const index = this.indexOf(event);
    if (index < 0) {
      return;
    }
    const number = this.pages.numbers[index];
    if (event.shiftKey && this.anchor >= 0) {
      const [first, last] = [Math.min(index, this.anchor), Math.max(index, this.anchor)];
      this.choose([...this.chosen, ...this.pages.numbers.slice(first, last + 1)]);
    } else {
      this.anchor = index;
      this.chosen.has(number) ? this.chosen.delete(number) : this.chosen.add(number);
      this.choose([...this.chosen]);
    }
    this.grid.focus(index);
  }

  /** @param {Iterable<number>} numbers */
  choose(numbers) {
    this.chosen = new Set(numbers);
    this.grid.redraw();
    this.actions.show(this.pages.numbers.length, this.chosen.size, this.filters.values().trashed === true);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    const at = this.grid.focused;
    const steps = new Map([["ArrowLeft", -1], ["ArrowRight", 1], ["ArrowUp", -this.grid.columns], ["ArrowDown", this.grid.columns], ["Home", -at], ["End", this.pages.numbers.length - 1 - at], ["PageDown", this.grid.columns * 4], ["PageUp", -this.grid.columns * 4]]);
    const step = steps.get(event.key);
    if (step !== undefined) {
      this.grid.focus(Math.min(Math.max(at + step, 0), this.pages.numbers.length - 1));
    } else if (event.key === "Enter") {
      this.view(at);
    } else if (event.key === " ") {
      this.anchor = at;
      const number = this.pages.numbers[at];
      this.chosen.has(number) ? this.chosen.delete(number) : this.chosen.add(number);
      this.choose([...this.chosen]);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      this.choose(this.pages.numbers);
    } else if (event.key === "Delete") {
      this.actions.trash();
    } else if (/^[0-5]$/.test(event.key)) {
      this.actions.rate(Number(event.key));
    } else if (window.easelOptions.craft.marks[event.key.toLowerCase()] && !event.ctrlKey && !event.metaKey && !event.altKey) {
      this.mark(window.easelOptions.craft.marks[event.key.toLowerCase()], at);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Mark what is chosen, or else the picture that has the keyboard. @param {string} mark @param {number} at */
  mark(mark, at) {
    const numbers = this.chosen.size ? [...this.chosen] : this.pages.numbers.slice(at, at + 1);
    const first = this.pages.known.get(numbers[0]);
    numbers.length && void putMark(numbers, mark, this.chosen.size ? "" : first?.mark ?? "");
  }

  /** Open the viewer. @param {number} index @param {number[]} [among] @param {boolean} [compare] */
  view(index, among, compare = false) {
    const numbers = among ?? this.pages.numbers;
    if (index < 0 || index >= numbers.length) {
      return;
    }
    const picture = (/** @type {number} */ at) => this.pages.picture(numbers[(at + numbers.length) % numbers.length]);
    const rate = (/** @type {number} */ rating) => ({
      label: rating ? "★".repeat(rating) : "No stars", key: String(rating),
      act: (/** @type {number} */ at) => void attempt(() => api("history", { method: "PATCH", body: { numbers: [numbers[at]], rating } })),
    });
    const sends = ["txt2img", "img2img", "inpaint", "extras"].map((where) => ({
      label: `To ${where}`, leaves: true, act: (/** @type {number} */ at) => this.send(where, numbers[at]),
    }));
    openViewer({
      count: () => numbers.length,
      at: async (at) => {
        const [shown, other] = await Promise.all([picture(at), compare || numbers.length > 1 ? picture(at - 1) : null]);
        return shown && { src: shown.url, name: shown.prompt, text: shown.infotext, before: other?.url ?? null };
      },
      onShow: (at) => among || this.grid.focus(at),
      actions: [{ label: "Favourite", key: "f", act: (at) => this.toggle(numbers[at]) }, ...markActions((at) => picture(at)), rate(5), rate(3), rate(0), ...sends],
    }, index, { compare });
  }

  /** @param {number} number */
  async toggle(number) {
    const picture = await this.pages.picture(number);
    if (picture) {
      await attempt(() => api("history", { method: "PATCH", body: { numbers: [number], favourite: !picture.favourite } }));
    }
  }

  /** Two pictures under a slider. @param {number[]} two */
  compare(two) {
    this.view(1, two, true);
  }

  /** @param {string} where @param {number} number */
  send(where, number) {
    sent = [number];
    press(`history_send_to_${where}`);
  }
}
