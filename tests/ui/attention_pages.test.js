import assert from "node:assert/strict";
import { test } from "node:test";

import { textTo } from "../../demos/ui/components/beam_tree.js";
import { inDigits } from "../../demos/ui/components/importance_view.js";
import { cellOf } from "../../demos/ui/components/logit_lens.js";
import { bitsOf, percentOf } from "../../demos/ui/components/prediction_pair.js";
import { alignmentOf, choicesOf } from "../../demos/ui/components/translation_view.js";
import { HeadSum } from "../../demos/ui/pieces/head_sum.js";
import { InsideEdits, toggled } from "../../demos/ui/pieces/inside_edits.js";
import { digits, factor, mix, movement, renormalise, softmax, terms } from "../../demos/ui/pieces/sum_arithmetic.js";
import { matricesOf } from "../../demos/ui/pieces/sum_matrices.js";

const near = (/** @type {number[]} */ row, /** @type {number[]} */ expected) => {
  assert.equal(row.length, expected.length);
  row.forEach((value, index) => {
    assert.ok(Math.abs(value - expected[index]) < 1e-9, `${row} is not ${expected}`);
  });
};

test("a changed weight leaves a sum of one", () => {
  /** @type {[string, number[], number, number, number[]][]} */
  const cases = [
    ["others in proportion", [0.5, 0.3, 0.2], 0, 0.75, [0.75, 0.15, 0.1]],
    ["all to one", [0.5, 0.3, 0.2], 1, 1, [0, 1, 0]],
    ["all away from one", [0.5, 0.3, 0.2], 0, 0, [0, 0.6, 0.4]],
    ["others had nothing", [1, 0, 0], 0, 0.5, [0.5, 0.25, 0.25]],
    ["too much", [0.5, 0.5], 0, 7, [1, 0]],
    ["negative", [0.5, 0.5], 0, -3, [0, 1]],
    ["only one", [1], 0, 0.2, [1]],
    ["no number", [0.5, 0.5], 0, NaN, [0, 1]],
  ];
  for (const [, row, index, value, expected] of cases)
    near(
      renormalise(
        row,
        row.map(() => true),
        index,
        value,
      ),
      expected,
    );
});

test("written weights stay and hidden ones stay zero", () => {
  const all = [true, true, true];
  near(renormalise([0.4, 0.4, 0.2, 0], [...all, false], 1, 0.1, new Set([0])), [0.4, 0.1, 0.5, 0]);
  near(renormalise([0.4, 0.6], [true, true], 1, 0.9, new Set([0])), [0.1, 0.9]);
  near(renormalise([0.4, 0.4, 0.2], all, 1, 0.9, new Set([0])), [0.4, 0.6, 0]);
});

test("softmax: masked keys get nothing, temperature sharpens and flattens, large scores do not overflow", () => {
  near(softmax([0, Math.log(3)], [true, true]), [0.25, 0.75]);
  near(softmax([0, 5, Math.log(3)], [true, false, true]), [0.25, 0, 0.75]);
  near(softmax([0, Math.log(3)], [true, true], 0.5), [0.1, 0.9]);
  near(softmax([5000, 5000], [true, true]), [0.5, 0.5]);
});

test("sums, their movement, and numbers as they are written", () => {
  near(
    mix(
      [0.25, 0.75],
      [
        [4, 0],
        [0, 4],
      ],
    ),
    [1, 3],
  );
  assert.deepEqual(movement([3, 4], [3, 4]), { moved: 0, share: 0, cosine: 1 });
  assert.equal(movement([1, 0], [0, 1]).cosine, 0);
  assert.deepEqual([0, 1.23456, -0.00001, 123456].map(digits), ["0", "1.23", "−1.0e−5", "1.2e5"]);
  assert.equal(factor(-2), "(−2)");
  assert.equal(terms([1, -2, 3, 4], [5, 6, 7, 8]), "1·5 + (−2)·6 + 3·7 + …, 4 terms");
});

const view = { kind: "decoder", layer: 1, head: 2, queries: ["a", "b"], keys: ["a", "b"], query: 1 };
const head = () =>
  new HeadSum(/** @type {any} */ (view), {
    q: [
      [2, 0],
      [0, 2],
    ],
    k: [
      [1, 0],
      [0, 1],
    ],
    v: [
      [4, 0],
      [0, 4],
    ],
    hidden: [0, 1, 0, 0],
  });

test("a head: numbers of a token, a mask, what was changed and undone", () => {
  const sum = head();
  near(sum.numbers(0).weights, [1, 0]);
  const [low, high] = softmax([0, 2 / Math.sqrt(2)], [true, true]);
  near(sum.numbers(1).weights, [low, high]);
  assert.equal(sum.isChanged(1), false);
  sum.change(1, 0, 1, true);
  near(sum.numbers(1).after, [4, 0]);
  assert.ok(sum.isKept(1, 0));
  assert.deepEqual(sum.sent(1).rows, [{ query: 1, weights: [1, 0] }]);
  assert.equal(sum.changes, "Changed: weights of “b” (2).");
  sum.reset(1);
  sum.temperature = 0.5;
  assert.equal(sum.changes, "Changed: temperature 0.5 for every token of this head.");
  assert.ok(sum.anyChanged);
  sum.resetAll();
  assert.equal(sum.changes, "");
});

test("every number of a head in words", () => {
  const sum = head();
  assert.equal(sum.rowText(1, 1, "raw"), "q·k = 0·0 + 2·1 = 2");
  assert.match(sum.rowText(0, 1, "scaled"), /the mask makes it −∞: “b” comes later and is hidden$/);
  assert.match(sum.rowText(1, 1, "weight"), /e\^1\.41 \/ Σ ≈ 4\.11 \/ 5\.11 = 0\.804$/);
  assert.equal(sum.cellText(1, "q", NaN, 1), "q[2] of “b” (2) = 2, one of 2 numbers");
  assert.match(sum.cellText(1, "o", NaN, 1), /^sum\[2\] = 0\.804·4 \+ 0\.196·0 = 3\.22$/);
});

test("matrices: masked scores only where there is a mask", () => {
  const titles = (/** @type {HeadSum} */ sum) => matricesOf(sum).map(({ title }) => title);
  assert.deepEqual(titles(head()), ["Q", "K", "QKᵀ/√d", "masked", "softmax", "V", "weights · V"]);
  const open = head();
  open.masked = false;
  assert.equal(titles(open).length, 6);
  assert.equal(matricesOf(head())[3].cells[0][1], null);
});

test("switches: on and off again, in words, each undone alone", () => {
  const edits = new InsideEdits();
  edits.heads = toggled(edits.heads, ["decoder", 0, 3]);
  edits.layers = toggled(edits.layers, ["decoder", 1]);
  edits.edges = [["decoder", 1, 0, null, 2]];
  edits.unseen = toggled(edits.unseen, 1);
  edits.swap = [0, 1];
  edits.positions = false;
  const shown = /** @type {any} */ ({
    stacks: [{ kind: "decoder", layers: 2, queries: ["a", "b"], keys: ["a", "b"] }],
    tokens: ["a", "b"],
  });
  assert.deepEqual(
    edits.list(shown).map(({ text }) => text),
    [
      "layer 2 off",
      "layer 1, head 4 off",
      "“b” (2) does not look at “a” (1) in head 3",
      "“b” (2) hidden",
      "“a” (1) and “b” (2) swapped",
      "no positions",
    ],
  );
  assert.ok(edits.isOff(["decoder", 0, 3]) && !edits.isOff(["decoder", 0, 2]));
  for (const { undo } of edits.list(shown)) undo();
  assert.deepEqual(edits.sent(), new InsideEdits().sent());
  assert.deepEqual(toggled([3], 3), []);
});

test("alignment: mean of all, of a layer, of one head", () => {
  const weights = { data: Uint16Array.of(4, 0, 0, 4, 2, 2, 4, 0), shape: [2, 2, 1, 2] };
  near([...alignmentOf(weights, 4, "mean")], [0.625, 0.375]);
  near([...alignmentOf(weights, 4, "0-all")], [0.5, 0.5]);
  near([...alignmentOf(weights, 4, "1-1")], [1, 0]);
  assert.deepEqual(choicesOf(1, 1), [["mean", "the attention"]]);
  assert.deepEqual(
    choicesOf(1, 2).map(([, text]) => text),
    ["mean of all heads", "layer 1, mean", "layer 1, head 1", "layer 1, head 2"],
  );
});

test("texts and numbers of the other views", () => {
  const nodes = [
    { parent: null, word: " le" },
    { parent: 0, word: " ch" },
    { parent: 1, word: "at" },
  ];
  assert.equal(textTo(nodes, 2), "le chat");
  assert.deepEqual([null, 0, 0.0004, -1.2345].map(inDigits), ["–", "0", "4e−4", "−1.23"]);
  assert.deepEqual([0, 0.0001, 1.5].map(bitsOf), ["0.000 bits", "less than 0.001 bits", "1.500 bits"]);
  assert.deepEqual([0, 0.0001, 0.0123, 0.99999].map(percentOf), ["0.0 %", "< 0.1 %", "1.2 %", "100 %"]);
});

test("cells of the lens: colour and text", () => {
  const array = (/** @type {number[]} */ data, /** @type {number[]} */ shape) => ({
    data: Float32Array.from(data),
    shape,
  });
  const lens = {
    view: /** @type {any} */ ({ tokens: ["a", "b"] }),
    sizes: array([1, 1], [1, 2]),
    changes: array([0.5, 0.25], [1, 2]),
    reading: {
      words: [" cat", " "],
      ids: array([0, 1], [1, 2, 1]),
      probabilities: array([0.25, 1], [1, 2, 1]),
      entropy: array([2, 4], [1, 2]),
      final: array([0.25, 0.04], [1, 2]),
    },
  };
  assert.deepEqual(cellOf(lens, "prediction", 0, 0), [0.5, "cat"]);
  assert.deepEqual(cellOf(lens, "prediction", 0, 1), [1, "␣"]);
  assert.deepEqual(cellOf(lens, "final", 0, 0), [0.5, "0.25"]);
  assert.deepEqual(cellOf(lens, "entropy", 0, 0), [0.5, "2.0"]);
  assert.deepEqual(cellOf(lens, "change", 0, 1), [0.5, "0.25"]);
});

test("a part of the picture opens its page at that layer, head and token", async () => {
  const { doorsOf, levels } = await import("../../demos/ui/pieces/architecture_parts.js");
  const best = [[[2, 1, 0.9]], [[5, 0, 0.8]]].map((layer) => [layer[0], layer[0]]);
  const view = /** @type {any} */ ({
    text: "a b",
    model: "m",
    encoder: { tokens: ["a", "b"], largest: [1, 1, 1] },
    decoder: { tokens: ["x", "y"], largest: [1, 1, 1] },
    looks: ["encoder", "decoder", "cross"].map((kind) => ({ kind, best })),
  });
  assert.deepEqual(
    doorsOf(view, "decoder", 1, 1).map(({ name }) => name),
    ["self-attention", "add", "cross-attention", "add", "feed-forward", "add"],
  );
  const [attention, , cross, , forward] = doorsOf(view, "decoder", 1, 1);
  assert.deepEqual(attention.values, { text: "a b", model: "m", head: "decoder.1.5.1" });
  assert.equal(cross.reads, "head 6: “y” reads “a” 0.80");
  assert.deepEqual(forward, {
    name: "feed-forward",
    reads: "of this token alone",
    role: "value",
    page: "attention/layers",
    values: { text: "a b", model: "m", stack: "last", cell: "2.1" },
  });
  assert.equal(levels(view).length, 6);
});
