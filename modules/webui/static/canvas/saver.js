// @ts-check
// What is drawn goes to the server a moment after it was drawn, and at once before a button needs it.
import { isUnsent } from "../inputs.js";
import { forgetDrawing, keepDrawing } from "./unsent.js";

const PAUSE = 400;
const KEPT_AFTER = 1500;

export class Saver {
  /** @param {import("./canvas.js").Canvas} canvas @param {CanvasWidget} widget */
  constructor(canvas, widget) {
    this.canvas = canvas;
    this.widget = widget;
    this.saved = ""; // the text that the server knows
    this.timer = 0;
    this.keeping = 0;
    this.forgetting = 0;
    this.changes = 0; // of the paint
    this.sent = 0; // of those, how many are in `saved`
    /** @type {File | null} A picture that is not on the server yet. */
    this.file = null;
    this.isNew = false; // something that is no paint has changed
    /** @type {{ of: string, blob: Promise<Blob | null> } | null} The paint as a file, and of which change. */
    this.packed = null;
    /** @type {Promise<boolean>} */
    this.running = Promise.resolve(true);
  }

  /** Whether the server does not know yet what is seen. */
  get isBehind() {
    return this.isNew || this.changes !== this.sent;
  }

  /** The server has set this itself. @param {string} text */
  take(text) {
    clearTimeout(this.timer);
    this.saved = text;
    this.sent = this.changes;
    this.file = null;
    this.isNew = false;
    this.forgetLater();
  }

  paintChanged() {
    this.changes++;
    this.later();
  }

  /** Another picture was given, or none (null). @param {File | null} file */
  pictureChanged(file) {
    this.file = file;
    this.sent = this.changes;
    this.valueChanged();
    this.flush();
  }

  /** All that is seen is unknown to the server again. @param {File | null} file */
  putBack(file) {
    this.file = file;
    this.changes++;
    this.canvas.root.dataset.unsaved = "yes";
    this.valueChanged();
    this.flush();
  }

  /** Something else was changed. */
  valueChanged() {
    this.isNew = true;
    this.later();
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), PAUSE);
    // The page may go before the server has it.
    clearTimeout(this.keeping);
    this.keeping = setTimeout(() => keepDrawing(this.canvas).catch(() => {}));
  }

  /** What this browser keeps of the drawing is of no use once the server has it. */
  forgetLater() {
    clearTimeout(this.forgetting);
    this.forgetting = setTimeout(() => {
      if (isUnsent()) {
        this.forgetLater();
      } else if (!this.isBehind) {
        forgetDrawing(this.canvas).catch(() => {});
      }
    }, KEPT_AFTER);
  }

  /** The paint as it is now, as a file; null where there is none. @returns {Promise<Blob | null>} */
  paintFile() {
    const { loads, paints, parts: { paint } } = this.canvas;
    if (!paint.width || paints === "nothing") {
      return Promise.resolve(null);
    }
    const now = `${loads} ${this.changes} ${paint.width}x${paint.height}`;
    if (this.packed?.of !== now) {
      this.packed = { of: now, blob: new Promise((resolve) => paint.toBlob(resolve, "image/png")) };
    }
    return this.packed.blob;
  }

  /** Send what is new. Answers whether the server knows all now. */
  flush() {
    clearTimeout(this.timer);
    this.running = this.running.then(() => (this.isBehind ? this.send() : true));
    return this.running;
  }

  /** @returns {Promise<boolean>} */
  async send() {
    const { canvas } = this;
    const { changes, file } = this;
    const load = canvas.loads;
    this.isNew = false;
    try {
      const value = { ...canvas.value };
      if (file) {
        value.picture = (await this.widget.upload(file)).path;
      }
      if (changes !== this.sent) {
        value.paint = await this.sendPaint();
      }
      if (load !== canvas.loads) {
        return true; // something else has been put on the canvas meanwhile
      }
      if (file === this.file) {
        this.file = null;
      }
      canvas.value = { ...canvas.value, picture: value.picture, paint: value.paint };
      this.sent = changes;
      this.saved = value.picture ? JSON.stringify(canvas.value) : "";
      this.widget.props.value = this.saved;
      if (canvas.root.dataset.unsaved) {
        delete canvas.root.dataset.unsaved;
        canvas.say("");
      }
      this.forgetLater();
      return !this.isBehind || this.send();
    } catch {
      this.isNew = true;
      canvas.root.dataset.unsaved = "yes";
      keepDrawing(canvas).catch(() => {});
      canvas.say("The server could not be reached. What is drawn stays here and is sent with the next stroke or button.");
      return false;
    }
  }

  /** @returns {Promise<string | null>} the path of the paint on the server; null where there is none */
  async sendPaint() {
    if (!this.canvas.parts.paint.width) {
      return null;
    }
    const blob = await this.paintFile();
    if (!blob) {
      throw new Error("no picture of the canvas could be made");
    }
    return (await this.widget.upload(new File([blob], "paint.png", { type: "image/png" }))).path;
  }
}
