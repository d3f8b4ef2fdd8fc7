// What is on a canvas of pixels while somebody paints: colours, which pixels were painted, which are a hole, and undoing.

/** @typedef {"pen" | "eraser" | "hole"} Tool */

const UNDOABLE = 30;
/** A colour as red, green, blue. @param {string} hex such as #c0392b */
const channels = (hex) => [1, 3, 5].map((place) => Number.parseInt(hex.slice(place, place + 2), 16));

export class PixelPainting {
  /** @param {number} side in pixels @param {Uint8ClampedArray<ArrayBuffer>} [rgba]  what is there at first, all transparent if not given */
  constructor(side, rgba) {
    this.side = side;
    this.rgba = rgba ?? new Uint8ClampedArray(side * side * 4);
    this.painted = new Uint8Array(side * side);
    this.hole = new Uint8Array(side * side);
    /** @type {{ rgba: Uint8ClampedArray<ArrayBuffer>, painted: Uint8Array<ArrayBuffer>, hole: Uint8Array<ArrayBuffer> }[]} */
    this.history = [];
  }

  /** Before a stroke: what undoing comes back to. */
  remember() {
    this.history.push({ rgba: this.rgba.slice(), painted: this.painted.slice(), hole: this.hole.slice() });
    if (this.history.length > UNDOABLE) this.history.shift();
  }

  /** @returns {boolean} whether there was anything to undo */
  undo() {
    const before = this.history.pop();
    if (!before) return false;
    Object.assign(this, before);
    return true;
  }

  clear() {
    this.remember();
    this.rgba = new Uint8ClampedArray(this.side * this.side * 4);
    this.painted = new Uint8Array(this.side * this.side).fill(1);
    this.hole = new Uint8Array(this.side * this.side);
  }

  /**
   * A line of squares of `size` pixels from one pixel to another.
   * @param {number[]} from @param {number[]} to @param {number} size @param {Tool} tool @param {string} color
   */
  line([fromX, fromY], [x, y], size, tool, color) {
    const length = Math.max(Math.abs(x - fromX), Math.abs(y - fromY), 1);
    for (let step = 0; step <= length; step++) {
      const along = step / length;
      this.#dab(Math.round(fromX + (x - fromX) * along), Math.round(fromY + (y - fromY) * along), size, tool, color);
    }
  }

  /** @param {number} x @param {number} y @param {number} size @param {Tool} tool @param {string} color */
  #dab(x, y, size, tool, color) {
    const before = Math.floor((size - 1) / 2);
    for (let row = y - before; row < y - before + size; row++) {
      for (let column = x - before; column < x - before + size; column++) {
        if (row >= 0 && column >= 0 && row < this.side && column < this.side)
          this.#set(row * this.side + column, tool, color);
      }
    }
  }

  /** @param {number} place @param {Tool} tool @param {string} color */
  #set(place, tool, color) {
    if (tool === "hole") {
      this.hole[place] = 1;
      return;
    }
    this.rgba.set(tool === "pen" ? [...channels(color), 255] : [0, 0, 0, 0], place * 4);
    this.painted[place] = 1;
    if (tool === "eraser") this.hole[place] = 0;
  }
}
