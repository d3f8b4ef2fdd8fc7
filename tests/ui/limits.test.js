import assert from "node:assert/strict";
import test from "node:test";

import { isTooLong, sentenceOf, staying } from "../../demos/ui/core/limits.js";

const field = (value, start, end, maxLength) => ({ value, selectionStart: start, selectionEnd: end, maxLength });

test("what a field has no room for is found as browsers do", () => {
  for (const [given, text, tooLong, stays] of [
    [field("", 0, 0, 5), "hello", false, 0],
    [field("", 0, 0, 5), "hello you", true, 0],
    [field("hello", 5, 5, 5), "!", true, 5],
    [field("hello", 0, 5, 5), "world", false, 0],
    [field("hello", 1, 3, 5), "EYES", true, 3],
    [field("", 0, 0, 4), "🙂🙂🙂", true, 0],
    [field("hello", 5, 5, -1), "no limit", false, 5],
    [field("hello", null, null, 5), "!", true, 5],
  ]) {
    assert.equal(isTooLong(given, text), tooLong, JSON.stringify([given, text]));
    assert.equal(staying(given), stays);
  }
});

test("the sentence says the limit and what is missing, in characters", () => {
  assert.equal(sentenceOf(4, "🙂🙂🙂", "🙂"), "The limit here is 4 characters: the last 1 of your 3 were left out.");
  assert.equal(sentenceOf(40, "ab", "ab"), "The limit here is 40 characters: nothing more fits.");
  assert.match(
    sentenceOf(1000, "a".repeat(1234), "a".repeat(234)),
    /1,000 characters: the last 234 of your 1,234 were/,
  );
});
