import assert from "node:assert/strict";
import { test } from "node:test";

import { Painting } from "../../demos/ui/pieces/painting.js";

const painted = (painting) => painting.mask.reduce((sum, on) => sum + on, 0);

test("a dab covers the cells whose middle lies within the brush, and no other", () => {
  const painting = new Painting(8);
  painting.dab([4, 4], 1);
  assert.deepEqual(
    [...painting.mask.keys()].filter((place) => painting.mask[place]),
    [27, 28, 35, 36],
  );
});

test("a stroke leaves no gap, however fast the pointer moves", () => {
  const painting = new Painting(56);
  painting.strokeTo([2, 28], 1);
  painting.strokeTo([54, 28], 1);
  for (let column = 2; column < 54; column++) assert.equal(painting.mask[28 * 56 + column], 1);
  assert.ok(painting.painting);
  painting.end();
  assert.ok(!painting.painting);
});

test("nothing is painted outside, and nothing painted is nothing sent", () => {
  const painting = new Painting(4);
  painting.dab([-3, 9], 2);
  assert.equal(painted(painting), 0);
  assert.equal(painting.packed(), "");
  painting.dab([0, 0], 1);
  assert.equal(atob(painting.packed()).length, 16);
  painting.clear();
  assert.equal(painting.packed(), "");
});

test("the cursor stays on the picture", () => {
  const painting = new Painting(4);
  painting.moveCursor(-99, 99);
  assert.deepEqual(painting.cursor, [0, 4]);
});
