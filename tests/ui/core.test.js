import assert from "node:assert/strict";
import { test } from "node:test";

import { halfFloat, part } from "../../demos/ui/core/arrays.js";
import { nearestPoint, powers, scaleOf, ticks } from "../../demos/ui/core/chart.js";
import { duration, percent, quoted, short } from "../../demos/ui/core/format.js";
import { clamp } from "../../demos/ui/core/keys.js";
import { diverging, inkOn, SIGNED, sequential } from "../../demos/ui/core/ramps.js";

test("half precision: values of IEEE 754", () => {
  const cases = [
    [0x0000, 0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ];
  for (const [bits, value] of cases) assert.equal(halfFloat(bits), value);
  assert.ok(Number.isNaN(halfFloat(0x7e00)));
});

test("part: one map out of [layers, heads, rows, columns]", () => {
  const array = { data: Float32Array.from({ length: 2 * 3 * 4 }, (_, index) => index), shape: [2, 3, 4] };
  assert.deepEqual(part(array, 1, 2), { data: Float32Array.of(20, 21, 22, 23), shape: [4] });
  assert.deepEqual(part(array, 1).shape, [3, 4]);
});

test("numbers as they are read", () => {
  assert.deepEqual([0, 0.5, -1.2345, 12345, 0.00004].map(short), ["0", "0.5", "−1.23", "1e4", "4e−5"]);
  assert.deepEqual([0, 0.00001, 0.0031, 0.42, 0.9987, 1].map(percent), [
    "0 %",
    "< 0.01 %",
    "0.31 %",
    "42 %",
    "99.9 %",
    "100 %",
  ]);
  assert.deepEqual([0.0123, 2.5].map(duration), ["12.3 ms", "2.5 s"]);
  assert.deepEqual([" cat", " ", "\n"].map(quoted), ["“cat”", "“space”", "“line break”"]);
});

test("ticks are round, within the range, and few", () => {
  assert.deepEqual(ticks(0, 1, 4), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(-3, 7, 4), [-2, 0, 2, 4, 6]);
  assert.deepEqual(powers(10, -2, 2, 5), [0.01, 0.1, 1, 10, 100]);
  assert.deepEqual(powers(2, 4, 10, 3), [16, 64, 256, 1024]);
});

test("a chart's scale: ends at the ends, values outside at the edge", () => {
  const chart = {
    series: [
      {
        name: "loss",
        color: "memory",
        points: [
          [1, 10],
          [100, 0.1],
        ],
      },
    ],
    x: "step",
    y: "loss",
    logx: true,
    log: true,
  };
  const scale = scaleOf(chart, 640);
  assert.ok(scale);
  assert.ok(scale.px(1) < scale.px(10) && scale.px(10) < scale.px(100));
  assert.equal(Math.round(scale.px(10)), Math.round((scale.px(1) + scale.px(100)) / 2));
  assert.ok(scale.py(0.1) > scale.py(10));
  assert.equal(scale.py(1e9), scale.py(10));
  assert.equal(scaleOf({ series: [], x: "", y: "" }, 640), null);
});

test("the nearest point of a line, the later one of two, the last without a pointer", () => {
  const points = [
    [0, 1],
    [10, 2],
    [20, 3],
  ];
  assert.deepEqual(nearestPoint(points, 11), [10, 2]);
  assert.deepEqual(nearestPoint(points, 15), [20, 3]);
  assert.deepEqual(nearestPoint(points, null), [20, 3]);
});

test("colours: ends of the ramps, white at zero, NaN as zero, readable ink", () => {
  assert.deepEqual(sequential(0), [0x00, 0x22, 0x4e]);
  assert.deepEqual(sequential(2), [0xfe, 0xe8, 0x38]);
  assert.deepEqual(sequential(Number.NaN), sequential(0));
  assert.deepEqual(diverging(0), [0xfa, 0xfa, 0xfa]);
  assert.equal(inkOn(sequential(0)), "#ffffff");
  assert.equal(inkOn(sequential(1)), "#000000");
  assert.equal(clamp(5, 0, 3), 3);
});

/** @param {number[]} rgb */
const light = ([red, green, blue]) => {
  const [r, g, b] = [red, green, blue].map((value) =>
    value > 10 ? ((value / 255 + 0.055) / 1.055) ** 2.4 : value / 3294,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

test("ink on any colour of a map is read at 4.5:1", () => {
  for (const map of [sequential, ...Object.values(SIGNED)])
    for (let place = 0; place <= 100; place++) {
      const [paper, ink] = [light(map(place / 100)), inkOn(map(place / 100)) === "#ffffff" ? 1 : 0];
      assert.ok((Math.max(paper, ink) + 0.05) / (Math.min(paper, ink) + 0.05) >= 4.5, `${map(place / 100)}`);
    }
});

test("signs without colour: lightness grows with the value", () => {
  const lights = Array.from({ length: 101 }, (_, place) => light(SIGNED.shade(place / 100)));
  for (let place = 1; place < lights.length; place++) assert.ok(lights[place] > lights[place - 1], String(place));
});

test("on a dark page zero is dark and both ends are bright", () => {
  const [low, zero, high] = [0, 0.5, 1].map((place) => light(SIGNED.dark(place)));
  assert.ok(zero < 0.02 && low > 0.4 && high > 0.4);
});
