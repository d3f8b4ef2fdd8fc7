// Tokens one below the other on a canvas: the frame of `token_lines` and `token_arcs`.

import { fit } from "../core/canvas.js";
import { onCells } from "../core/keys.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

export const LINE = 22;
const [MARGIN, MAX_WIDTH] = [2, 460];

/** Middle of a line, from the top. @param {number} index */
export const middleOf = (index) => (index + 0.5) * LINE + MARGIN;

/** @param {CanvasRenderingContext2D} context @param {boolean} bold */
export function setFont(context, bold) {
  context.font = `${bold ? "bold " : ""}13px ${getComputedStyle(context.canvas).fontFamily}`;
}

export class TokenColumn {
  /** @type {{ rows: number, reach: number } | null} */ #drawn = null;

  /**
   * @param {HTMLCanvasElement} canvas  alone in a frame as wide as it may get
   * @param {{ onHover: (row: number | null) => void, onPick: (row: number) => void }} options
   */
  constructor(canvas, { onHover, onPick }) {
    canvas.parentElement?.classList.add("tc-frame");
    this.canvas = canvas;
    canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && onHover(this.#place(event)));
    canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && onHover(null));
    canvas.addEventListener("click", (event) => {
      const row = this.#place(event);
      if (row !== null) onPick(row);
    });
    onCells(canvas, {
      name: "Tokens with lines between them: arrow keys move along them, Enter picks one",
      size: () => [this.#drawn?.rows ?? 0, 1],
      over: (row) => onHover(row),
      pick: (row) => onPick(row),
      away: () => onHover(null),
    });
  }

  /**
   * A cleared context for `lines` lines; null while the frame is not on the page.
   * @param {number} lines @param {number} rows  of them that can be picked @param {number} reach  share of the width that picks
   */
  begin(lines, rows, reach) {
    const width = Math.min(this.canvas.parentElement?.clientWidth ?? 0, MAX_WIDTH);
    if (!width) return null;
    const height = LINE * lines + 2 * MARGIN;
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${height}px` });
    this.#drawn = { rows, reach: reach * width };
    return { context: fit(this.canvas, width, height), width };
  }

  /** @param {MouseEvent} event */
  #place({ offsetX, offsetY }) {
    const row = Math.floor((offsetY - MARGIN) / LINE);
    return this.#drawn && offsetX < this.#drawn.reach && row >= 0 && row < this.#drawn.rows ? row : null;
  }
}
