// Lessons, classes and words: the parts without a page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isBookmark, stepOf } from "../../demos/ui/core/lessons.js";
import { shares, slower } from "../../demos/ui/core/rooms.js";
import { partsOf } from "../../demos/ui/core/terms.js";
import { scoreText } from "../../demos/ui/pieces/question_card.js";

test("marked words are found in a text, as they are written there", () => {
  assert.deepEqual(partsOf("A [[surprise]] in [[bit|bits]]."), [
    "A ",
    { shown: "surprise", term: "surprise" },
    " in ",
    { shown: "bit", term: "bits" },
    ".",
  ]);
  assert.deepEqual(partsOf("nothing [marked] [[ here"), ["nothing [marked] [[ here"]);
  assert.deepEqual(partsOf("[[<s>]]"), [{ shown: "<s>", term: "<s>" }]);
  assert.deepEqual(partsOf(""), []);
});

test("only a bookmark is a bookmark, and it fits one lesson", () => {
  const lesson = { id: "abc", steps: [1, 2, 3] };
  assert.equal(stepOf({ id: "abc", tab: "vit", step: 2 }, lesson), 2);
  assert.equal(stepOf({ id: "abc", tab: "vit", step: 3 }, lesson), 0);
  assert.equal(stepOf({ id: "other", tab: "vit", step: 2 }, lesson), 0);
  assert.equal(stepOf(null, lesson), 0);
  for (const bad of [
    null,
    7,
    "x",
    {},
    { id: 1, tab: "vit", step: 0 },
    { id: "a", tab: "vit", step: -1 },
    { id: "a", tab: "vit", step: "1" },
  ])
    assert.equal(isBookmark(bad), false);
});

test("the shares of a tally add up to one, or are all zero", () => {
  assert.deepEqual(shares([1, 3]), [0.25, 0.75]);
  assert.deepEqual(shares([0, 0]), [0, 0]);
});

test("a busy server is asked less and less often, but asked", () => {
  assert.deepEqual([1, 2, 3].map(slower), [2, 4, 8]);
  assert.equal(slower(30), 20);
});

test("a score says how many were right", () => {
  assert.equal(scoreText({ right: 0, asked: 0 }), "");
  assert.equal(scoreText({ right: 2, asked: 3 }), "2 of 3 right so far");
});
