import assert from "node:assert/strict";
import { test } from "node:test";
import { sumText, workedOut } from "../../demos/ui/pieces/walk_sums.js";

const station = (name, number, sum = null) => ({ name, number, sum });

test("a sum names its largest products, the others and the bias", () => {
  const sum = { left: [2, -1], right: [0.5, 3], rest: 0.25, count: 64, bias: 0.5, total: -1.25 };
  assert.equal(sumText(sum), "2·0.5 + (−1)·3 + … 62 others: 0.25 + bias 0.5 = −1.25");
});

test("what is added to the stream stands without a factor, and rounding is admitted", () => {
  const sum = { left: [1.111, 2.222], right: [1, 1], rest: 0, count: 2, bias: 0, total: 3.333 };
  assert.equal(sumText(sum), "1.11 + 2.22 = 3.33");
  assert.equal(sumText({ ...sum, left: [1.114, 2.224], total: 3.338 }), "1.11 + 2.22 ≈ 3.34");
});

test("scores and weights are worked out from the strip before them", () => {
  const stations = [
    station("query times key", 0, { left: [], right: [], rest: 0, count: 4, bias: 0, total: 6 }),
    station("scores", 1),
    station("weights", 1),
  ];
  const strips = [
    [1, 2, 3, 0],
    [0, 3],
    [0.0474, 0.9526],
  ];
  assert.equal(workedOut(stations, strips, 1), "number 2: 6 / √4 = 3");
  assert.equal(workedOut(stations, strips, 2), "number 2: e^(score − largest) / the same of all: e^0 / 1.05 ≈ 0.953");
  assert.equal(workedOut([station("key", -1)], [[1]], 0), "");
});
