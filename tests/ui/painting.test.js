import assert from "node:assert/strict";
import { test } from "node:test";

import { Painting } from "../../demos/ui/pieces/painting.js";
import { maskOfText, textOfMask } from "../../demos/ui/pieces/runs.js";

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
  assert.equal(painting.packed(), "ABP");
  const other = new Painting(4);
  other.unpack("ABP");
  assert.deepEqual(other.mask, painting.mask);
  painting.clear();
  assert.equal(painting.packed(), "");
});

test("the cursor stays on the picture", () => {
  const painting = new Painting(4);
  painting.moveCursor(-99, 99);
  assert.deepEqual(painting.cursor, [0, 4]);
});

test("a mask comes back from its text, and a text that says none is none", () => {
  for (const seed of [1, 2, 3]) {
    const mask = Uint8Array.from({ length: 3136 }, (_, place) => Number(Math.sin(seed * place ** 1.1) > 0.3));
    assert.deepEqual(maskOfText(textOfMask(mask), 3136), mask);
  }
  const full = new Uint8Array(3136).fill(1);
  assert.deepEqual(maskOfText(textOfMask(full), 3136), full);
  for (const text of ["", "A", "ABC", "!", "_______", "gg", `ggA${"A".repeat(4000)}`])
    assert.equal(maskOfText(text, 3136), null, text);
});

test("a stroke takes little room in an address", () => {
  const painting = new Painting(56);
  painting.strokeTo([10, 10], 4);
  painting.strokeTo([40, 40], 4);
  assert.ok(painting.packed().length < 200, String(painting.packed().length));
});
