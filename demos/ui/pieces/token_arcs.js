// Tokens in one column, arcs between them as strong as the weights: to the left where a token looks back, to the right
// where it looks ahead. For attention of a text to itself.

import { fitText } from "../core/canvas.js";
import { role } from "../core/ramps.js";
import { middleOf, setFont, TokenColumn } from "./token_column.js";

/** @typedef {import("./heat_map.js").HeatMapView} HeatMapView */

const [FAINTEST, FAINTEST_OF_CHOSEN, NOTABLE] = [0.03, 0.002, 0.3];
const HALF = 46; // of the column of tokens

export class TokenArcs extends TokenColumn {
  /** @param {HeatMapView} map  `row` is the token whose arcs stand out */
  show({ rowLabels, weights, row }) {
    const count = rowLabels.length;
    const begun = this.begin(count, count, 1);
    if (!begun) return;
    const { context, width } = begun;
    drawArcs(context, { count, weights, row, middle: width / 2 });
    context.textAlign = "center";
    context.textBaseline = "middle";
    rowLabels.forEach((text, index) => {
      const notable = row !== null && Math.sqrt(weights[row * count + index]) > NOTABLE;
      setFont(context, index === row);
      context.fillStyle = role(index === row ? "query" : notable ? "key" : "ink");
      context.fillText(fitText(context, text, 2 * HALF - 6), width / 2, middleOf(index));
    });
  }
}

/** @param {CanvasRenderingContext2D} context @param {{ count: number, weights: ArrayLike<number>, row: number | null, middle: number }} what */
function drawArcs(context, { count, weights, row, middle }) {
  context.strokeStyle = role("subtle");
  for (let index = 0; index < count * count; index++) {
    const looking = Math.floor(index / count);
    if (looking === row || weights[index] <= FAINTEST) continue;
    [context.globalAlpha, context.lineWidth] = [0.4 * weights[index], 1.2];
    arc(context, looking, index % count, count, middle);
  }
  context.strokeStyle = role("query");
  for (let seen = 0; row !== null && seen < count; seen++) {
    const weight = weights[row * count + seen];
    if (weight <= FAINTEST_OF_CHOSEN) continue;
    [context.globalAlpha, context.lineWidth] = [Math.sqrt(weight), 1 + 3 * weight];
    arc(context, row, seen, count, middle);
  }
  context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {number} looking @param {number} seen @param {number} count @param {number} middle */
function arc(context, looking, seen, count, middle) {
  const side = seen < looking ? -1 : 1;
  const edge = middle + side * HALF;
  const reach = (middle - HALF - 6) * Math.min(1, 0.25 + Math.abs(looking - seen) / Math.max(8, count * 0.6));
  const [from, to, bend] = [middleOf(looking), middleOf(seen), edge + side * reach];
  context.beginPath();
  context.moveTo(edge, from);
  if (looking === seen) context.arc(edge + 5, from, 4, 0, 2 * Math.PI);
  else context.bezierCurveTo(bend, from, bend, to, edge, to);
  context.stroke();
}
