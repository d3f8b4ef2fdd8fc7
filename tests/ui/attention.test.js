import assert from "node:assert/strict";
import { test } from "node:test";

import { PatchMaps, TextMaps } from "../../demos/ui/pieces/attention_maps.js";
import { clearest } from "../../demos/ui/pieces/head_habits.js";
import { layoutOf } from "../../demos/ui/pieces/heat_map.js";

const text = { kind: "encoder", rows: ["a", "b"], columns: ["a", "b"], layers: 1, heads: 2, steps: 4, habits: {} };
const weights = { data: Uint16Array.of(4, 0, 1, 3, 2, 2, 0, 4), shape: [1, 2, 2, 2] };
const rollout = { data: Uint16Array.of(3, 1, 1, 3), shape: [1, 2, 2] };

test("maps of a text: heads, their mean, rollout, rows of each", () => {
  const maps = new TextMaps(/** @type {any} */ (text), weights, rollout);
  assert.deepEqual([...maps.map(0, 0)], [1, 0, 0.25, 0.75]);
  assert.deepEqual([...maps.map(0, 2)], [0.75, 0.25, 0.125, 0.875]);
  assert.deepEqual([...maps.map(0, 3)], [0.75, 0.25, 0.25, 0.75]);
  for (const head of [0, 1, 2, 3]) assert.deepEqual([...maps.row(0, head, 1)], [...maps.map(0, head)].slice(2));
});

test("heads ranked by a look from one token to another", () => {
  const maps = new TextMaps(/** @type {any} */ (text), weights, rollout);
  assert.deepEqual(maps.ranked(1, 1), [
    { layer: 0, head: 1, weight: 1 },
    { layer: 0, head: 0, weight: 0.75 },
  ]);
});

test("cross-attention has no rollout", () => {
  const maps = new TextMaps(/** @type {any} */ ({ ...text, kind: "cross" }), weights, null);
  assert.deepEqual(maps.summaries, ["mean"]);
  assert.throws(() => maps.map(0, 3), /no rollout/);
});

const handle = (/** @type {string} */ dtype, /** @type {number[]} */ shape, /** @type {any} */ values) => ({
  dtype,
  shape,
  data: Buffer.from(values.buffer).toString("base64"),
});
const rowsOf = (/** @type {number[]} */ steps) => ({
  steps: handle("uint8", [1, 3, 2], Uint8Array.from(steps)),
  largest: handle("float32", [1, 3], Float32Array.of(0.5, 1, 0.75)),
});

test("rows of patches: fetched once, squares of steps of the largest, mean of heads, rollout last", async () => {
  /** @type {number[]} */
  const asked = [];
  const view = {
    kind: "patches",
    layers: 1,
    heads: 2,
    rollout: true,
    token: null,
    chosen: rowsOf([255, 0, 0, 255, 0, 255]),
  };
  const picture = { image: "", rows: 1, columns: 1 };
  const maps = new PatchMaps(/** @type {any} */ ({ ...view, picture }), async (token) => {
    asked.push(token);
    return /** @type {any} */ (rowsOf([0, 255, 255, 0, 255, 0]));
  });
  assert.throws(() => maps.row(0, 0, 0), /not fetched/);
  await Promise.all([maps.need(0), maps.need(1)]);
  await maps.need(1);
  assert.deepEqual(asked, [1]);
  assert.deepEqual([...maps.row(0, 0, 0)], [0.5, 0]);
  assert.deepEqual([...maps.row(0, 2, 0)], [0.25, 0.5]);
  assert.deepEqual([...maps.row(0, 3, 1)], [0.75, 0]);
  assert.deepEqual([...maps.small(0, 0, 1)], [1]);
  assert.deepEqual([maps.name(0), maps.name(1)], ["CLS", "row 1, column 1"]);
});

test("the clearest head of all rules", () => {
  assert.equal(clearest({}), null);
  const one = (/** @type {number} */ score) => [{ layer: 1, head: 2, score }];
  assert.equal(clearest({ first: one(0.2), next: one(0.9), last: one(0.5) })?.rule, "next");
});

test("a map has labels where a cell is at least ten pixels wide", () => {
  assert.equal(layoutOf(12, 12, 600).labelled, true);
  assert.equal(layoutOf(12, 12, 600).size, 41);
  assert.equal(layoutOf(128, 128, 600).labelled, false);
  const { left, size, width } = layoutOf(3, 3, 1000);
  assert.deepEqual([left, size, width], [84, 56, 84 + 3 * 56 + 24]);
});
