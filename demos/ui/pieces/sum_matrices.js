// A whole head as matrices: queries, keys, scores, weights, values and sums, one row a token.

import { element } from "../core/dom.js";
import { clamp, onCells } from "../core/keys.js";
import { paintSums } from "./cells.js";
import { largestOf } from "./head_sum.js";
import { named } from "./named.js";
import { digits } from "./sum_arithmetic.js";

/** @typedef {import("./head_sum.js").HeadSum} HeadSum */
/** @typedef {{ title: string, cells: (number | null)[][], limit: number | null, ofKeys?: boolean, toKeys?: boolean }} Matrix */

/** @param {HeadSum} head @returns {Matrix[]} */
export function matricesOf(head) {
  const all = head.view.queries.map((_, query) => head.numbers(query));
  const scores = all.map(({ scaled }) => scaled);
  const limit = largestOf(...scores);
  /** @type {Matrix} */
  const masked = {
    title: "masked",
    cells: all.map(({ scaled, visible }) => scaled.map((value, s) => (visible[s] ? value : null))),
    limit,
    toKeys: true,
  };
  return [
    { title: "Q", cells: head.q, limit: head.limitK },
    { title: "K", cells: head.k, limit: head.limitK, ofKeys: true },
    { title: "QKᵀ/√d", cells: scores, limit, toKeys: true },
    ...(head.masked ? [masked] : []),
    { title: "softmax", cells: all.map(({ weights }) => weights), limit: null, toKeys: true },
    { title: "V", cells: head.v, limit: head.limitV, ofKeys: true },
    { title: "weights · V", cells: all.map(({ after }) => after), limit: head.limitV },
  ];
}

/**
 * @param {HTMLElement} root @param {HeadSum} head @param {number} query the outlined row
 * @param {{ onRead: (text: string) => void, onPick: (query: number) => void }} act
 */
export function showMatrices(root, head, query, act) {
  root.replaceChildren(...matricesOf(head).map((matrix) => figureOf(matrix, head, query, act)));
}

/**
 * @param {Matrix} matrix @param {HeadSum} head @param {number} query
 * @param {{ onRead: (text: string) => void, onPick: (query: number) => void }} act
 */
function figureOf(matrix, head, query, { onRead, onPick }) {
  const { title, cells, limit, ofKeys = false } = matrix;
  const [rows, columns] = [cells.length, cells[0].length];
  const canvas = element("canvas", {
    onpointermove: (/** @type {PointerEvent} */ event) => onRead(cellText(matrix, head, ...at(event))),
    onclick: (/** @type {PointerEvent} */ event) => !ofKeys && onPick(at(event)[0]),
  });
  /** @param {PointerEvent} event @returns {[number, number]} */
  const at = ({ clientX, clientY }) => {
    const area = canvas.getBoundingClientRect();
    return [
      clamp(Math.floor(((clientY - area.top) / area.height) * rows), 0, rows - 1),
      clamp(Math.floor(((clientX - area.left) / area.width) * columns), 0, columns - 1),
    ];
  };
  onCells(canvas, {
    name: `${title}, ${rows} by ${columns}: arrow keys read its numbers`,
    size: () => [rows, columns],
    over: (row, column) => onRead(cellText(matrix, head, row, column)),
    pick: (row) => !ofKeys && onPick(row),
  });
  paintSums(canvas, cells, limit);
  const outline = { top: `${(100 * query) / rows}%`, height: `max(4px, ${100 / rows}%)` };
  const range = limit === null ? "0 to 1, colour by √" : `±${digits(limit)}`;
  return element(
    "figure",
    {},
    element("div", { class: "ws-frame" }, canvas, ofKeys ? null : element("i", { style: outline })),
    element("figcaption", {}, `${title}, ${rows} × ${columns}, ${range}`),
  );
}

/** @param {Matrix} matrix @param {HeadSum} head @param {number} row @param {number} column */
function cellText({ title, cells, ofKeys, toKeys }, { view }, row, column) {
  const value = cells[row][column];
  const token = (ofKeys ? view.keys : view.queries)[row];
  const to = toKeys ? named(view.keys[column], column) : `dimension ${column + 1}`;
  return `${title}: row ${named(token, row)}, ${to}: ${value === null ? "hidden by the mask" : digits(value)}`;
}
