// @ts-check
// Undo and redo. A step knows how to take itself back and how to come again, and about how much memory that costs.

const MOST_BYTES = 400e6;
const MOST_STEPS = 100;

export class History {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {CanvasStep[]} */
    this.done = [];
    /** @type {CanvasStep[]} */
    this.undone = [];
  }

  /** @param {CanvasStep} step */
  push(step) {
    this.undone = [];
    this.done.push(step);
    let bytes = this.done.reduce((sum, each) => sum + each.bytes, 0);
    while (this.done.length > MOST_STEPS || (bytes > MOST_BYTES && this.done.length > 1)) {
      bytes -= this.done.shift()?.bytes ?? 0;
    }
    this.changed();
  }

  undo() {
    const step = this.done.pop();
    if (step) {
      step.undo();
      this.undone.push(step);
      this.changed();
    }
  }

  redo() {
    const step = this.undone.pop();
    if (step) {
      step.redo();
      this.done.push(step);
      this.changed();
    }
  }

  clear() {
    this.done = [];
    this.undone = [];
    this.changed();
  }
}
