// @ts-check
// Which part of the picture is seen, and how large: zoom, position, and the height of the area it is seen in.

const SMALLEST = 0.02;
const LARGEST = 40;
/** The area of an empty canvas, and the least of any, in pixels of the page. */
const EMPTY_HEIGHT = 220;
/** Above this, pixels are shown as squares. */
const CRISP = 2;

export class View {
  /** @param {import("./canvas.js").Canvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    /** Whether the picture stands where it was fitted; then it is fitted again when the area changes. */
    this.isFitted = true;
    this.width = 0;
    new ResizeObserver(() => this.areaChanged()).observe(canvas.parts.area);
    this.fitArea();
  }

  get isMaximised() {
    return this.canvas.root.dataset.maximised === "yes";
  }

  areaChanged() {
    const { clientWidth, clientHeight } = this.canvas.parts.area;
    if (!clientWidth || !clientHeight) {
      return; // on a tab that is not shown
    }
    if (clientWidth !== this.width) {
      this.width = clientWidth;
      this.fitArea();
    }
    this.isFitted ? this.fit() : this.show();
  }

  /** Make the area as high as the picture needs, at most as the settings say. */
  fitArea() {
    const { area } = this.canvas.parts;
    const { width, height } = this.canvas.whole;
    const most = Math.min(window.easelOptions.canvas.height, Math.max(0.75 * window.innerHeight, EMPTY_HEIGHT));
    const needed = this.canvas.isOpen && area.clientWidth ? area.clientWidth * height / width : EMPTY_HEIGHT;
    area.style.height = this.isMaximised ? "" : `${Math.round(Math.min(Math.max(needed, EMPTY_HEIGHT), most))}px`;
  }

  /** Show the whole picture in the middle of the area; with the frame open, with room to drag it. */
  fit() {
    const { clientWidth, clientHeight } = this.canvas.parts.area;
    const { width, height } = this.canvas.whole;
    if (!this.canvas.isOpen || !clientWidth) {
      return;
    }
    const room = this.canvas.frame.isOpen ? 0.7 : 1;
    const fitting = Math.min(clientWidth / width, clientHeight / height) * room;
    const isOwnSize = fitting < 1 && !window.easelOptions.canvas.autoExpand && !this.canvas.frame.isOpen;
    // Whole factors keep the pixels of small pictures squares of one size.
    this.scale = isOwnSize ? 1 : fitting >= CRISP ? Math.floor(fitting) : fitting;
    this.x = isOwnSize ? 0 : (clientWidth - width * this.scale) / 2;
    this.y = isOwnSize ? 0 : (clientHeight - height * this.scale) / 2;
    this.isFitted = true;
    this.show();
  }

  /** @param {number} factor @param {{ x: number, y: number }} at the place in the area that stays */
  zoom(factor, at) {
    const scale = Math.min(Math.max(this.scale * factor, SMALLEST), LARGEST);
    this.x = at.x - (at.x - this.x) * scale / this.scale;
    this.y = at.y - (at.y - this.y) * scale / this.scale;
    this.scale = scale;
    this.isFitted = false;
    this.show();
  }

  /** @param {number} x @param {number} y */
  move(x, y) {
    this.x += x;
    this.y += y;
    this.isFitted = false;
    this.show();
  }

  /** Fill the window, or go back into the page. */
  maximise(on = !this.isMaximised) {
    on ? (this.canvas.root.dataset.maximised = "yes") : delete this.canvas.root.dataset.maximised;
    this.fitArea();
    this.fit();
    this.canvas.toolbar.refresh();
  }

  /** Where a pointer is, in the area. @param {MouseEvent} event */
  inArea(event) {
    const box = this.canvas.parts.area.getBoundingClientRect();
    return { x: event.clientX - box.left - 1, y: event.clientY - box.top - 1 }; // within the border
  }

  /** Where a pointer is, in pixels of the picture with its frame. @param {MouseEvent} event */
  inPicture(event) {
    const { x, y } = this.inArea(event);
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  show() {
    const { stage, picture, paint } = this.canvas.parts;
    const { width, height } = this.canvas.whole;
    const [left, top] = this.canvas.value.frame;
    stage.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    stage.style.width = `${width}px`;
    stage.style.height = `${height}px`;
    picture.style.left = `${left}px`;
    picture.style.top = `${top}px`;
    picture.style.width = `${this.canvas.size.width}px`;
    picture.style.height = `${this.canvas.size.height}px`;
    const isCrisp = this.scale >= CRISP ? "pixelated" : "auto";
    picture.style.imageRendering = paint.style.imageRendering = isCrisp;
    this.canvas.marks.show();
  }
}
