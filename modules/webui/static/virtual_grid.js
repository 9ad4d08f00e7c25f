// @ts-check
// A grid of very many cells of one size, of which only those that are seen are in the document.

const GAP = 8;
const BEYOND = 2;
/** Browsers draw nothing right beyond some ten million pixels; longer lists are scrolled by the share. */
const TALLEST = 8_000_000;

/**
 * @typedef {object} GridOptions
 * @property {number} size the least width of a cell, in pixels
 * @property {number} [height] of a cell; without it cells are squares
 * @property {boolean} [exact] cells are no wider than `size`
 * @property {string} [name] what the ids of cells begin with, where there are several grids
 * @property {(cell: HTMLElement, index: number) => void} draw
 * @property {(first: number, last: number) => void} range what is seen has changed
 */
export class VirtualGrid {
  /** @param {GridOptions} options */
  constructor(options) {
    this.options = options;
    this.total = 0;
    this.columns = 1;
    this.cell = options.size;
    this.name = options.name ?? "virtual";
    this.focused = 0;
    this.frame = 0;
    /** @type {Map<number, HTMLElement>} */
    this.cells = new Map();
    /** @type {HTMLElement[]} */
    this.spare = [];
    this.element = document.createElement("div");
    this.element.className = "virtual-grid";
    this.element.tabIndex = 0;
    this.element.setAttribute("role", "listbox");
    this.element.setAttribute("aria-multiselectable", "true");
    this.canvas = document.createElement("div");
    this.canvas.className = "virtual-grid-canvas";
    this.canvas.setAttribute("role", "presentation");
    this.element.append(this.canvas);
    this.element.addEventListener("scroll", () => this.later(), { passive: true });
    new ResizeObserver(() => this.resized()).observe(this.element);
  }

  /** How many cells there are. @param {number} total */
  count(total) {
    this.total = total;
    this.focused = Math.min(this.focused, Math.max(total - 1, 0));
    this.resized();
  }

  /** Lay out again: the element has another width. */
  resized() {
    const width = this.element.clientWidth;
    if (!width) {
      return;
    }
    this.columns = Math.max(Math.floor((width + GAP) / (this.options.size + GAP)), width < 420 ? 2 : 1);
    const exact = this.options.exact && this.options.size < width;
    this.cell = exact ? this.options.size : (width - GAP * (this.columns - 1)) / this.columns;
    this.canvas.style.height = `${Math.min(this.height, TALLEST)}px`;
    this.redraw();
  }

  get row() {
    return (this.options.height ?? this.cell) + GAP;
  }

  get height() {
    return Math.ceil(this.total / this.columns) * this.row;
  }

  /** Where, in a list of full height, the view begins. */
  get top() {
    const view = this.element.clientHeight;
    const stretch = this.height > TALLEST ? (this.height - view) / (TALLEST - view) : 1;
    return this.element.scrollTop * stretch;
  }

  later() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.place(false);
    });
  }

  /** Draw every visible cell again. */
  redraw() {
    this.place(true);
  }

  /** @param {boolean} all */
  place(all) {
    if (!this.element.clientWidth) {
      return;
    }
    const top = this.top;
    const first = Math.max(Math.floor(top / this.row) - BEYOND, 0) * this.columns;
    const last = Math.min((Math.ceil((top + this.element.clientHeight) / this.row) + BEYOND) * this.columns, this.total) - 1;
    for (const [index, cell] of this.cells) {
      if (index < first || index > last) {
        this.cells.delete(index);
        cell.remove();
        this.spare.push(cell);
      }
    }
    const shift = this.element.scrollTop - top;
    for (let index = first; index <= last; index++) {
      const known = this.cells.get(index);
      const cell = known ?? this.make(index);
      // Cells stand in the document as they are seen: screen readers go through it.
      const there = this.canvas.children[index - first];
      if (there !== cell) {
        this.canvas.insertBefore(cell, there ?? null);
      }
      const [x, y] = [(index % this.columns) * (this.cell + GAP), Math.floor(index / this.columns) * this.row + shift];
      cell.style.cssText = `width:${this.cell}px;height:${this.row - GAP}px;transform:translate(${x}px,${y}px)`;
      if (all || !known) {
        this.options.draw(cell, index);
      }
    }
    if (this.cells.has(this.focused)) {
      this.element.setAttribute("aria-activedescendant", `${this.name}-cell-${this.focused}`);
    } else {
      this.element.removeAttribute("aria-activedescendant");
    }
    if (last >= first) {
      this.options.range(first, last);
    }
  }

  /** @param {number} index */
  make(index) {
    const cell = this.spare.pop() ?? document.createElement("div");
    cell.className = "virtual-cell";
    cell.id = `${this.name}-cell-${index}`;
    cell.setAttribute("role", "option");
    cell.dataset.index = String(index);
    cell.toggleAttribute("data-focused", index === this.focused);
    this.cells.set(index, cell);
    return cell;
  }

  /** Give a cell the focus, scrolled into view. @param {number} index */
  focus(index) {
    this.cells.get(this.focused)?.removeAttribute("data-focused");
    this.focused = index;
    const [top, view] = [Math.floor(index / this.columns) * this.row, this.element.clientHeight];
    const stretch = this.height > TALLEST ? (this.height - view) / (TALLEST - view) : 1;
    if (top < this.top) {
      this.element.scrollTop = top / stretch;
    } else if (top + this.row > this.top + view) {
      this.element.scrollTop = (top + this.row - view) / stretch;
    }
    this.place(false);
    this.cells.get(index)?.setAttribute("data-focused", "");
    this.element.focus({ preventScroll: true });
  }
}
