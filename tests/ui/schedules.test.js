import assert from "node:assert/strict";
import { test } from "node:test";

import { costOf, stepsOf } from "../../demos/ui/pieces/schedules.js";

const lstm = { network: "LSTM", layers: 1, per_character: 100, per_pair: 0 };
const transformer = { network: "Transformer", layers: 2, per_character: 80, per_pair: 3 };

/** @param {string[][]} steps */
const computed = (steps) => steps.flat().filter((what) => what === "done").length;

test("a recurrent network computes one character a step, and reads what the step before has left", () => {
  assert.deepEqual(stepsOf(lstm, "read", 3), [
    ["done", "", ""],
    ["seen", "done", ""],
    ["", "seen", "done"],
  ]);
  assert.deepEqual(stepsOf(lstm, "write", 3), stepsOf(lstm, "read", 3));
});

test("a Transformer reads in as many steps as it has layers, and writes as many for each character", () => {
  for (const n of [2, 7]) {
    assert.deepEqual(stepsOf(transformer, "read", n), [Array(n).fill("done"), Array(n).fill("done")]);
    for (const task of /** @type {const} */ (["read", "write", "again"]))
      assert.equal(stepsOf(transformer, task, n).length, costOf(transformer, task, n).span);
  }
  assert.equal(computed(stepsOf(transformer, "write", 4)), 2 * 4);
  assert.equal(computed(stepsOf(transformer, "again", 4)), 2 * (1 + 2 + 3 + 4));
});

test("work is counted character by character and look by look", () => {
  assert.deepEqual(costOf(lstm, "read", 10), { span: 10, work: 1000 });
  assert.deepEqual(costOf(transformer, "read", 10), { span: 2, work: 10 * 80 + 100 * 3 });
  assert.deepEqual(costOf(transformer, "write", 2), { span: 4, work: 2 * 80 + (1 + 2) * 3 });
  assert.deepEqual(costOf(transformer, "again", 2), { span: 4, work: 80 + 3 + (2 * 80 + 4 * 3) });
});
