// One traced picture: what every object query says after each stage, read out of the arrays of a TraceView.

import { load, part } from "../core/arrays.js";

/** @typedef {import("../types.js").TraceView} TraceView */
/** @typedef {import("../core/arrays.js").NumericArray} NumericArray */
/** @typedef {import("../core/arrays.js").Numbers} Numbers */

/** The stages before the first decoder layer. */
export const [PROPOSAL, REFERENCE] = [0, 1];

/** @param {number} logit */
const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

/** @param {ArrayLike<number>} values */
export const indexOfLargest = (values) =>
  Array.from(values).reduce((best, value, index) => (value > values[best] ? index : best), 0);

export class QueryTrace {
  /** @type {NumericArray | null} [layers, queries, heads, points, 3]: x, y, weight */ points = null;
  #asked = false;

  /**
   * @param {TraceView} view
   * @param {{ logits: NumericArray, boxes: NumericArray, moves: NumericArray, scores: NumericArray, chosen: NumericArray }} arrays
   */
  constructor(view, arrays) {
    this.view = view;
    this.arrays = arrays;
    /** every position's best score */ this.proposals = arrays.scores.data;
    /** the position each query started from */ this.chosen = Array.from(arrays.chosen.data);
  }

  /** @param {TraceView} view @returns {Promise<QueryTrace>} */
  static async of(view) {
    const handles = [view.logits, view.boxes, view.moves, view.proposals.scores, view.proposals.chosen];
    const [logits, boxes, moves, scores, chosen] = await Promise.all(handles.map(load));
    return new QueryTrace(view, { logits, boxes, moves, scores, chosen });
  }

  get queries() {
    return this.arrays.boxes.shape[1];
  }

  get layers() {
    return this.view.stages.length - 2;
  }

  get lastStage() {
    return this.view.stages.length - 1;
  }

  /** Centre and size. @param {number} stage @param {number} query @returns {Numbers} */
  box(stage, query) {
    return part(this.arrays.boxes, stage, query).data;
  }

  /** The four numbers that made the box of a stage. @param {number} stage after the proposal @param {number} query */
  move(stage, query) {
    return part(this.arrays.moves, stage - 1, query).data;
  }

  /** Scores by class; null for the reference box, which has none. @param {number} stage @param {number} query */
  scores(stage, query) {
    if (stage === REFERENCE) return null;
    const row = part(this.arrays.logits, stage === PROPOSAL ? 0 : stage - 1, query).data;
    return Array.from(row, sigmoid);
  }

  /** What a query says after a stage, as words: "ace 0.98"; empty for the reference box. @param {number} stage @param {number} query */
  said(stage, query) {
    const scores = this.scores(stage, query);
    if (!scores) return "";
    const best = indexOfLargest(scores);
    return `${this.view.labels[best]} ${scores[best].toFixed(2)}`;
  }

  /** Row and column, from 1, of the proposal a query started from. @param {number} position */
  placeOf(position) {
    const { columns } = this.view.proposals;
    return `row ${Math.floor(position / columns) + 1}, column ${(position % columns) + 1}`;
  }

  /** Fetches the sampling points once, and calls `then` when they are there. @param {() => void} then */
  fetchPoints(then) {
    if (this.#asked) return;
    this.#asked = true;
    load(this.view.points).then(
      (points) => {
        this.points = points;
        then();
      },
      () => {
        this.#asked = false;
      },
    );
  }
}
