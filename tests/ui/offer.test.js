import assert from "node:assert/strict";
import { test } from "node:test";
import { size } from "../../demos/ui/pieces/offer_words.js";

test("sizes are said in MB, and in GB from 1 GB on", () => {
  assert.equal(size(122), "122 MB");
  assert.equal(size(999), "999 MB");
  assert.equal(size(1000), "1.0 GB");
  assert.equal(size(6940), "6.9 GB");
});
