// @ts-check
// A list of very many rows of one height, of which only those that are seen are in the document.
import { element } from "./dom.js";

const BEYOND = 6;

export class VirtualList {
  /** @param {{ height: number, label: string, draw: (row: HTMLElement, index: number) => void, range: (first: number, last: number) => void }} options */
  constructor(options) {
    this.options = options;
    this.total = 0;
    /** @type {Map<number, HTMLElement>} */
    this.rows = new Map();
    this.element = element("div", "virtual-list");
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "list");
    this.element.setAttribute("aria-label", options.label);
    this.canvas = element("div", "virtual-list-canvas");
    this.canvas.setAttribute("role", "presentation");
    this.element.append(this.canvas);
    this.element.addEventListener("scroll", () => this.place(false), { passive: true });
    new ResizeObserver(() => this.place(false)).observe(this.element);
  }

  /** How many rows there are; all are drawn again. @param {number} total */
  count(total) {
    this.total = total;
    this.canvas.style.height = `${total * this.options.height}px`;
    this.place(true);
  }

  /** @param {boolean} all whether rows that are there are drawn again, too */
  place(all) {
    const { height, draw, range } = this.options;
    if (!this.element.clientHeight) {
      return;
    }
    const first = Math.max(Math.floor(this.element.scrollTop / height) - BEYOND, 0);
    const last = Math.min(Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + BEYOND, this.total) - 1;
    for (const [index, row] of this.rows) {
      if (index < first || index > last) {
        this.rows.delete(index);
        row.remove();
      }
    }
    for (let index = first; index <= last; index++) {
      const known = this.rows.get(index);
      const row = known ?? element("div", "virtual-row");
      if (!known) {
        row.setAttribute("role", "listitem");
        row.style.transform = `translateY(${index * height}px)`;
        this.rows.set(index, row);
      }
      const there = this.canvas.children[index - first];
      if (there !== row) {
        this.canvas.insertBefore(row, there ?? null);
      }
      if (all || !known) {
        draw(row, index);
      }
    }
    if (last >= first) {
      range(first, last);
    }
  }
}
