// @ts-check
// The buttons of a canvas, the brush that they describe, and the circle that shows it.

/** @typedef {"brush" | "rectangle" | "lasso" | "fill" | "pick"} Tool */

const KEPT = "easel-brush";
/** The share of the shorter side that a brush has as long as none was chosen. */
const FIRST_SIZE = 0.06;
const LARGEST_SHARE = 0.5;
const GROWTH = 1.12;

/** Tools by name: what they are called, and whether they are for colours alone. */
const TOOLS = /** @type {const} */ ({
  brush: ["Brush", false], rectangle: ["Rectangle", false], lasso: ["Lasso: fill what you draw around", false],
  fill: ["Fill what is connected", false], pick: ["Take a colour from the picture", true],
});

export class Toolbar {
  /** @param {import("./canvas.js").Canvas} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Tool} */
    this.tool = "brush";
    this.isErasing = false;
    this.isHovered = false;
    this.isMoving = false; // the key for moving is held
    const { colours } = window.easelOptions.canvas;
    const { colourSetting = "", colour = "#ffffff" } = canvas.root.dataset;
    this.brush = { size: 0, softness: 0, opacity: 1, ...kept(canvas.id), colour: colours[colourSetting] ?? colour };
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    /** @type {Map<string, HTMLInputElement>} */
    this.inputs = new Map();
    this.build();
    this.refresh();
  }

  build() {
    const { canvas } = this;
    const { bar, brush } = canvas.parts;
    bar.setAttribute("aria-label", `Tools: ${canvas.root.dataset.label}`);
    if (canvas.paints !== "nothing") {
      for (const [name, [label, isForColours]] of Object.entries(TOOLS)) {
        if (!isForColours || canvas.paints === "colours") {
          this.button(name, label, () => this.choose(/** @type {Tool} */ (name)));
        }
      }
      this.button("erase", "Erase, with any of the tools", () => this.toggleErasing());
      this.gap();
      this.button("undo", "Undo (Ctrl+Z)", () => canvas.history.undo());
      this.button("redo", "Redo (Ctrl+Y)", () => canvas.history.redo());
      this.button("clear", "Clear all that is painted", () => canvas.painter.clear());
      this.slider(brush, "size", "Size", 1, 100);
      this.slider(brush, "softness", "Softness", 0, 100);
      this.slider(brush, "opacity", "Opacity", 1, 100);
      this.colour(brush);
    }
    if (canvas.grows) {
      this.button("frame", "Outpaint: drag the frame of the picture", () => canvas.frame.toggle());
    }
    this.gap();
    this.button("reset", "Show the whole picture", () => canvas.view.fit());
    this.button("fullscreen", "Fill the window", () => canvas.view.maximise());
    this.button("replace", "Choose another picture", () => canvas.parts.file.click());
    this.button("remove", "Remove the picture", () => canvas.remove());
    if (window.easelOptions.canvas.tooltip) {
      const help = this.button("help", helpText(canvas), () => canvas.say(canvas.parts.note.hidden ? helpText(canvas) : ""));
      help.setAttribute("aria-label", "Keys of the canvas");
    }
  }

  /** @param {string} name @param {string} label @param {() => void} act */
  button(name, label, act) {
    const button = Object.assign(document.createElement("button"), { type: "button", title: label });
    button.className = `canvas-button ${name}`;
    button.setAttribute("aria-label", label);
    button.addEventListener("click", act);
    this.canvas.parts.bar.append(button);
    this.buttons.set(name, button);
    return button;
  }

  gap() {
    this.canvas.parts.bar.append(Object.assign(document.createElement("span"), { className: "canvas-gap" }));
  }

  /** @param {HTMLElement} place @param {"size" | "softness" | "opacity"} name @param {string} label @param {number} least @param {number} most */
  slider(place, name, label, least, most) {
    const input = Object.assign(document.createElement("input"), { type: "range", min: String(least), max: String(most), step: "1" });
    const value = document.createElement("output");
    input.setAttribute("aria-label", `Brush: ${label.toLowerCase()}`);
    input.addEventListener("input", () => {
      this.brush[name] = name === "size" ? Number(input.value) : Number(input.value) / 100;
      keep(this.canvas.id, this.brush);
      this.refresh();
    });
    const row = document.createElement("label");
    row.append(label, input, value);
    place.append(row);
    this.inputs.set(name, input);
  }

  /** @param {HTMLElement} place */
  colour(place) {
    const input = Object.assign(document.createElement("input"), { type: "color" });
    input.setAttribute("aria-label", "Brush: colour");
    input.addEventListener("input", () => this.setColour(input.value));
    const row = document.createElement("label");
    row.className = "canvas-colour";
    row.append("Colour", input);
    place.append(row);
    this.inputs.set("colour", input);
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.tool = tool;
    this.canvas.frame.isOpen ? this.canvas.frame.toggle() : this.refresh();
  }

  toggleErasing() {
    this.isErasing = !this.isErasing;
    this.refresh();
  }

  /** @param {string} colour #rrggbb */
  setColour(colour) {
    this.brush.colour = colour;
    if (this.tool === "pick") {
      this.tool = "brush";
    }
    this.refresh();
  }

  /** @param {number} direction 1 or -1 */
  growBrush(direction) {
    const wanted = direction > 0 ? Math.ceil(this.brush.size * GROWTH) : Math.floor(this.brush.size / GROWTH);
    this.brush.size = Math.min(Math.max(wanted, 1), this.largest());
    keep(this.canvas.id, this.brush);
    this.refresh();
  }

  /** Whether the settings leave a function of the canvas on, by its name there. @param {string} name */
  allows(name) {
    return !window.easelOptions.canvas.disabled.includes(name);
  }

  largest() {
    const { width, height } = this.canvas.whole;
    return Math.max(Math.round(Math.min(width, height) * LARGEST_SHARE), 100);
  }

  /** @param {boolean} isHovered */
  hovered(isHovered) {
    this.isHovered = isHovered;
    const focused = document.activeElement;
    if (isHovered && window.easelOptions.canvas.blurPrompt && focused instanceof HTMLElement && focused.closest(".prompt")) {
      focused.blur();
    }
    if (!isHovered) {
      this.isMoving = false;
    }
    this.canvas.parts.cursor.hidden = !isHovered || !this.canvas.isPaintable || this.canvas.frame.isOpen || this.tool !== "brush";
  }

  /** @param {MouseEvent} event */
  placeCursor(event) {
    const { cursor } = this.canvas.parts;
    const { x, y } = this.canvas.view.inArea(event);
    const size = Math.max(this.brush.size * this.canvas.view.scale, 3);
    cursor.style.width = cursor.style.height = `${size}px`;
    cursor.style.transform = `translate(${x - size / 2}px, ${y - size / 2}px)`;
  }

  /** Show what is chosen and what can be pressed. */
  refresh() {
    const { canvas, brush } = this;
    if (canvas.isPaintable && !brush.size) {
      brush.size = Math.max(Math.round(Math.min(canvas.whole.width, canvas.whole.height) * FIRST_SIZE), 4);
    }
    for (const [name, button] of this.buttons) {
      const isChosen = name === this.tool || (name === "erase" && this.isErasing) || (name === "frame" && canvas.frame.isOpen)
        || (name === "fullscreen" && canvas.view.isMaximised);
      if (name in TOOLS || ["erase", "frame", "fullscreen"].includes(name)) {
        button.setAttribute("aria-pressed", String(isChosen));
      }
    }
    this.enable("undo", canvas.history?.done.length > 0);
    this.enable("redo", canvas.history?.undone.length > 0);
    canvas.root.dataset.tool = this.tool;
    canvas.parts.cursor.dataset.erasing = String(this.isErasing);
    this.inputs.get("size")?.setAttribute("max", String(this.largest()));
    this.fillIn("size", brush.size, `${brush.size} px`);
    this.fillIn("softness", Math.round(brush.softness * 100), `${Math.round(brush.softness * 100)} %`);
    this.fillIn("opacity", Math.round(brush.opacity * 100), `${Math.round(brush.opacity * 100)} %`);
    this.fillIn("colour", brush.colour, "");
  }

  /** @param {string} name @param {boolean} isEnabled */
  enable(name, isEnabled) {
    const button = this.buttons.get(name);
    if (button) {
      button.disabled = !isEnabled;
    }
  }

  /** @param {string} name @param {string | number} value @param {string} text */
  fillIn(name, value, text) {
    const input = this.inputs.get(name);
    if (input) {
      input.value = String(value);
      const output = input.nextElementSibling;
      output && (output.textContent = text);
    }
  }
}

/** What the keys and the wheel do, for people. @param {import("./canvas.js").Canvas} canvas */
function helpText(canvas) {
  const { zoom, adjust, keys } = window.easelOptions.canvas;
  const brush = canvas.paints === "nothing" ? "" : `${adjust}+wheel, ${keys.shrink_brush} and ${keys.grow_brush}: brush size. Right button: erase. `;
  return `${zoom}+wheel: zoom. Hold ${keys.move}, or the middle button: move. ${brush}${keys.reset}: whole picture. ${keys.fullscreen}: fill the window. Ctrl+Z: undo.`;
}

/** The brush that was last used on the canvas with this id. @param {string} id */
function kept(id) {
  try {
    return /** @type {object} */ (JSON.parse(localStorage.getItem(`${KEPT}:${id}`) ?? "{}"));
  } catch {
    return {};
  }
}

/** @param {string} id @param {{ size: number, softness: number, opacity: number }} brush */
function keep(id, { size, softness, opacity }) {
  localStorage.setItem(`${KEPT}:${id}`, JSON.stringify({ size, softness, opacity }));
}
