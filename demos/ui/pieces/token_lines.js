// Two columns of tokens, who looks (left) and who is looked at (right), joined by lines as strong as the weights.

import { fitText } from "../core/canvas.js";
import { role } from "../core/ramps.js";
import { middleOf, setFont, TokenColumn } from "./token_column.js";

/** @typedef {import("./heat_map.js").HeatMapView} HeatMapView */

const FAINTEST = 0.02;
const [LEFT, RIGHT] = [0.3, 0.7];

export class TokenLines extends TokenColumn {
  /** @param {HeatMapView} map  `row` is the token whose lines stand out */
  show(map) {
    const begun = this.begin(Math.max(map.rows, map.columns), map.rows, (LEFT + RIGHT) / 2);
    if (!begun) return;
    const { context, width } = begun;
    const [left, right] = [width * LEFT, width * RIGHT];
    drawLines(context, map, left + 4, right - 4);
    context.textBaseline = "middle";
    context.textAlign = "right";
    context.fillStyle = role("query");
    map.rowLabels.forEach((text, row) => {
      setFont(context, row === map.row);
      context.fillText(fitText(context, text, left - 6), left, middleOf(row));
    });
    context.textAlign = "left";
    context.fillStyle = role("key");
    setFont(context, false);
    map.columnLabels.forEach((text, column) => {
      context.fillText(fitText(context, text, width - right - 6), right, middleOf(column));
    });
  }
}

/** @param {CanvasRenderingContext2D} context @param {HeatMapView} map @param {number} from @param {number} to */
function drawLines(context, { rows, columns, weights, row }, from, to) {
  /** @param {number} looking @param {number} seen @param {number} strength */
  const line = (looking, seen, strength) => {
    context.globalAlpha = strength;
    context.beginPath();
    context.moveTo(from, middleOf(looking));
    context.lineTo(to, middleOf(seen));
    context.stroke();
  };
  [context.lineWidth, context.strokeStyle] = [1.5, role("subtle")];
  for (let index = 0; index < rows * columns; index++) {
    const looking = Math.floor(index / columns);
    if (looking !== row && weights[index] > FAINTEST) line(looking, index % columns, 0.45 * weights[index]);
  }
  [context.lineWidth, context.strokeStyle] = [3, role("query")];
  for (let seen = 0; row !== null && seen < columns; seen++) line(row, seen, Math.sqrt(weights[row * columns + seen]));
  context.globalAlpha = 1;
}
