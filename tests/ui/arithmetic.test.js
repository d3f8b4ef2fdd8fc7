import assert from "node:assert/strict";
import { test } from "node:test";

import { equation, reckoned, signOf } from "../../demos/ui/core/arithmetic.js";
import { fixed } from "../../demos/ui/core/format.js";
import { digits as four } from "../../demos/ui/pieces/squares.js";
import { digits } from "../../demos/ui/pieces/sum_arithmetic.js";
import { randoms } from "./randoms.js";

const two = (value) => fixed(value, 2);

test("what printed expressions give", () => {
  const cases = [
    ["0.31 + 0.42", 0.73],
    ["−0.0019 + 0.00487", 0.00297],
    ["2 − 3 − 4", -5],
    ["8 / 2 / 2", 2],
    ["2 · (−3) + 4 × 0.5", -4],
    ["(1 − 0.25) · (−2.0) + 0.25 · 4.0", -0.5],
    ["8.00 / √64.000", 1],
    ["0.5 · tanh(0)", 0],
    ["e^(1 − 1) ÷ 4", 0.25],
    ["e^−1 · 2", 2 / Math.E],
    ["1,000.5 × 2.0", 2001],
    ["1.2e−5 · 3", 3.6e-5],
    ["0.6² + 0.8²", 1],
  ];
  for (const [text, value] of cases) assert.ok(Math.abs(reckoned(text) - value) < 1e-12, text);
  for (const text of ["", "2 apples", "(1 + 2", "1 +", "* 3", "1 2", ")"]) assert.throws(() => reckoned(text), text);
});

test("a sum says whether it adds up as it is printed", () => {
  assert.equal(equation("0.31 + 0.42", 0.7345, two), "0.31 + 0.42 = 0.73");
  assert.equal(equation("0.31 + 0.42", 0.7351, two), "0.31 + 0.42 ≈ 0.74");
  assert.equal(equation("−0.0019 + 0.00487", 0.00292, four), "−0.0019 + 0.00487 ≈ 0.0029");
  assert.equal(equation("1·2 + 3·4 + …, 64 terms", 99, digits), "1·2 + 3·4 + …, 64 terms = 99");
});

test("zero has no sign", () => {
  assert.deepEqual([-0.001, -0, 0.001, -0.006].map(two), ["0.00", "0.00", "0.00", "−0.01"]);
});

/** Half of the last place of a printed number that is written without zeros at its end if `significant`. */
function half(text, significant) {
  const [mantissa, power] = text.replace(/−/g, "-").split("e");
  const places = mantissa.split(".")[1]?.length ?? 0;
  const size = Math.abs(Number(mantissa));
  if (significant && power === undefined && size) return 0.5 * 10 ** (Math.floor(Math.log10(size)) - significant + 1);
  return 0.5 * 10 ** (Number(power ?? 0) - places);
}

const WRITTEN = [
  ["two places", two, 0],
  ["three digits", digits, 3],
  ["two places or four", four, 0],
];

for (const [name, write, significant] of WRITTEN)
  test(`whatever the numbers, "=" is right to the last digit and "≈" is not: ${name}`, () => {
    const found = { "=": 0, "≈": 0 };
    let needless = 0; // where two ways of writing meet: 0.0995 and 0.10
    for (let seed = 1; seed < 3000; seed++) {
      const random = randoms(seed);
      const [a, b, c] = Array.from({ length: 3 }, () => (2 * random() - 1) * 10 ** (2 * random() - 1));
      const [x, y, z] = [a, b, c].map((value) => (write(value).startsWith("−") ? `(${write(value)})` : write(value)));
      const exact = [
        [`${x} + ${y}`, a + b],
        [`${x}·${y}`, a * b],
        [`${x}·${y} + ${z}`, a * b + c],
        [`e^${x} / (${y})²`, Math.exp(a) / b ** 2],
      ].filter(([, value]) => Math.abs(value) < 9e4 && Math.abs(value) > 1e-3);
      for (const [left, value] of exact) {
        const [sign, right] = [signOf(left, value, write), write(value)];
        const off = Math.abs(reckoned(left) - reckoned(right));
        if (sign === "=") assert.ok(off <= half(right, significant) * 1.0001, `${left} = ${right}`);
        else if (off < half(right, significant) * 0.9999) needless++;
        found[sign]++;
      }
    }
    assert.ok(found["="] > 1000 && found["≈"] > 100, JSON.stringify(found));
    assert.ok(needless < found["≈"] / 50, `${needless} of ${found["≈"]}`);
  });
