import assert from "node:assert/strict";
import { test } from "node:test";

import { cellWords } from "../../demos/ui/components/sprite_grid.js";
import { changeWords, rowsOfU, switchesOf, whereOf } from "../../demos/ui/components/unet_inside.js";

const PARTS = [
  ["fold", ""],
  ["down_high.0", "up_high.1"],
  ["down_high.1", "up_high.0"],
  ["shrink", ""],
  ["down_low.0", "up_low.1"],
  ["down_low.1", "up_low.0"],
  ["down_attention", ""],
  ["middle.0", ""],
  ["middle_attention", ""],
  ["middle.1", ""],
  ["up_low.0", ""],
  ["up_low.1", ""],
  ["up_attention", ""],
  ["enlarge", ""],
  ["up_high.0", ""],
  ["up_high.1", ""],
].map(([name, skip]) => ({ name, skip }));

test("the two ends of a skip stand in one row, and every part once", () => {
  const rows = rowsOfU(PARTS).map(([down, up]) => [down?.name ?? null, up?.name ?? null]);
  assert.deepEqual(rows, [
    ["fold", null],
    ["down_high.0", "up_high.1"],
    ["down_high.1", "up_high.0"],
    ["shrink", "enlarge"],
    [null, "up_attention"],
    ["down_low.0", "up_low.1"],
    ["down_low.1", "up_low.0"],
    ["down_attention", null],
  ]);
});

test("parts lie on the way down, in the middle or on the way up", () => {
  assert.deepEqual(
    ["fold", "shrink", "down_low.1", "middle_attention", "middle.0", "enlarge", "up_high.1"].map((name) =>
      whereOf({ name }),
    ),
    ["down", "down", "down", "middle", "middle", "up", "up"],
  );
});

test("blocks, skips, heads, time and class can be switched off", () => {
  const looks = [{ name: "up_attention", shares: { shape: [2, 64, 64] } }];
  const names = switchesOf({ stages: PARTS, looks });
  assert.equal(names.length, 2 + 10 + 4 + 2);
  assert.ok(["time", "class", "middle.1", "skip down_low.0", "up_attention:1"].every((name) => names.includes(name)));
});

test("what was changed is said", () => {
  assert.match(changeWords({ off: [], same: true, difference: 0 }), /to the bit/);
  assert.match(changeWords({ off: ["time"], same: false, difference: 0.25 }), /without one part: differs by 0\.25/);
  assert.match(changeWords({ off: ["time", "class"], same: false, difference: 1 }), /2 parts/);
});

test("a cell says its settings and its time", () => {
  const view = /** @type {any} */ ({
    row_axis: "sampler",
    column_axis: "steps",
    rows: ["DDIM", "UniPC"],
    columns: ["2", "4"],
    steps: [2, 4, 2, 4],
    times: [[999, 999, 999, 749]],
  });
  assert.equal(cellWords(view, 3, 0), "sampler UniPC, steps 4: 4 steps, predicted at t = 749");
});
