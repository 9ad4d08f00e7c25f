// @ts-check
// One canvas: a picture as an <img>, what is painted over it as a <canvas> in the picture's own pixels, and around them
// the tools. Its value (see value.py) is the text in `props.value`.
import { Frame } from "./frame.js";
import { History } from "./history.js";
import { pictureAddress, shownPicture, watchIntake } from "./intake.js";
import { Marks } from "./marks.js";
import { build } from "./markup.js";
import { Painter } from "./painter.js";
import { watchPointer } from "./pointer.js";
import { Saver } from "./saver.js";
import { emptyState } from "./state.js";
import { Toolbar } from "./toolbar.js";
import { View } from "./view.js";

/** More cannot be painted on: browsers have no canvas of that size. */
const LARGEST_SIDE = 16384;
const MOST_PIXELS = 100e6;

export class Canvas {
  /** @param {CanvasWidget} widget */
  constructor(widget) {
    this.root = /** @type {HTMLElement} */ (widget.element.querySelector(".easel-canvas"));
    this.id = this.root.dataset.name ?? ""; // the elements between it and that id have ids of Gradio's own
    this.paints = /** @type {"nothing" | "mask" | "colours"} */ (this.root.dataset.paints);
    this.grows = this.root.dataset.grows === "true";
    /** @type {CanvasContent} */
    this.value = emptyState();
    this.isOpen = false; // whether there is a picture
    this.size = { width: 0, height: 0 }; // of the picture, without its frame
    this.loads = 0;
    this.parts = build(this.root);
    this.view = new View(this);
    this.marks = new Marks(this);
    this.history = new History(() => this.toolbar.refresh());
    this.saver = new Saver(this, widget);
    this.painter = new Painter(this);
    this.frame = new Frame(this);
    this.toolbar = new Toolbar(this);
    watchPointer(this);
    watchIntake(this);
    widget.watch("value", () => this.load(widget.props.value));
    this.load(widget.props.value ?? "");
  }

  /** The size with the frame: that of the paint and of what is made. */
  get whole() {
    const [left, top, right, bottom] = this.value.frame;
    return { width: this.size.width + left + right, height: this.size.height + top + bottom };
  }

  /** Whether anything can be painted here now. */
  get isPaintable() {
    return this.isOpen && this.paints !== "nothing" && this.parts.paint.width > 0;
  }

  /** Show what the server has set. @param {string} text */
  async load(text) {
    if (text === this.saver.saved) {
      return;
    }
    const number = ++this.loads;
    this.saver.take(text);
    if (!text) {
      this.close();
      return;
    }
    try {
      const value = { ...emptyState(), ...JSON.parse(text) };
      const picture = await shownPicture(pictureAddress(value.picture));
      const paint = value.paint ? await shownPicture(pictureAddress(value.paint)) : null;
      if (number === this.loads) {
        this.open(picture, value, paint);
      }
    } catch {
      if (number === this.loads) {
        this.close();
        this.say("The picture could not be shown: it is no longer on the server, or this browser does not know its format.");
      }
    }
  }

  /**
   * Show a picture, with nothing painted or with `paint`.
   * @param {HTMLImageElement} picture
   * @param {CanvasContent} value
   * @param {HTMLImageElement | null} paint
   */
  open(picture, value, paint = null) {
    this.value = value;
    this.isOpen = true;
    this.size = { width: picture.naturalWidth, height: picture.naturalHeight };
    this.showAddress(picture.src);
    this.parts.picture.alt = this.root.dataset.label ?? "";
    this.root.dataset.open = "yes";
    const { width, height } = this.whole;
    const isTooLarge = Math.max(width, height) > LARGEST_SIDE || width * height > MOST_PIXELS;
    this.say(isTooLarge && this.paints !== "nothing"
      ? `${width}×${height} pixels are more than a browser can paint on. Inpaint upload takes a mask as a file.` : "");
    this.painter.resize(isTooLarge ? { width: 0, height: 0 } : this.whole);
    if (paint && !isTooLarge) {
      this.painter.paint.drawImage(paint, 0, 0, width, height);
    }
    this.history.clear();
    this.frame.leave();
    this.marks.setRegion(null);
    this.view.fitArea();
    this.view.fit();
    this.toolbar.refresh();
  }

  /** Take the picture away, and all that was painted on it. */
  close() {
    this.value = emptyState();
    this.isOpen = false;
    this.size = { width: 0, height: 0 };
    delete this.root.dataset.open;
    this.showAddress("");
    this.painter.resize({ width: 0, height: 0 });
    this.history.clear();
    this.frame.leave();
    this.marks.setRegion(null);
    this.view.fitArea();
    this.toolbar.refresh();
    this.say("");
  }

  /** Show the picture at an address; "" takes it away. @param {string} address */
  showAddress(address) {
    const { picture } = this.parts;
    if (picture.src.startsWith("blob:") && picture.src !== address) {
      URL.revokeObjectURL(picture.src);
    }
    address ? (picture.src = address) : picture.removeAttribute("src");
  }

  /** Take the picture away, as the user asks. */
  remove() {
    this.loads++;
    this.close();
    this.saver.pictureChanged(null);
  }

  /** Something was painted. @param {boolean} isSoft whether it has levels between nothing and all */
  painted(isSoft) {
    this.value = { ...this.value, soft: this.value.soft || isSoft };
    this.saver.paintChanged();
    this.toolbar.refresh();
  }

  /** Say something below the canvas. @param {string} text */
  say(text) {
    this.parts.note.textContent = text;
    this.parts.note.hidden = !text;
  }
}
