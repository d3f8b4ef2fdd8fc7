import assert from "node:assert/strict";
import { test } from "node:test";

import { chances, drawn } from "../../demos/ui/pieces/softmax.js";

const LOGITS = [0, -1, -2, -3];
const FREE = { temperature: 1, k: Infinity, p: 1 };
const partitionOf = (temperature) => Math.log(LOGITS.reduce((sum, logit) => sum + Math.exp(logit / temperature), 0));
const shares = (settings) => chances(LOGITS, partitionOf(settings.temperature), settings).map(({ share }) => share);

test("nothing cut: the softmax at that temperature", () => {
  for (const temperature of [0.1, 1, 3]) {
    const found = shares({ ...FREE, temperature });
    assert.ok(Math.abs(found.reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
    assert.ok(Math.abs(Math.log(found[0] / found[1]) - 1 / temperature) < 1e-9);
  }
});

test("tokens that did not travel keep their share of the whole", () => {
  const [first] = chances([0], Math.log(4), FREE);
  assert.equal(first.share, 0.25);
});

test("top-k keeps k, top-p the fewest that reach it, both sum to 1 again", () => {
  assert.deepEqual(shares({ ...FREE, k: 1 }), [1, 0, 0, 0]);
  const nucleus = chances(LOGITS, partitionOf(1), { ...FREE, p: 0.7 });
  assert.deepEqual(
    nucleus.map(({ kept }) => kept),
    [true, true, false, false],
  );
  assert.ok(Math.abs(nucleus[0].share + nucleus[1].share - 1) < 1e-12);
});

test("drawing follows the shares and never takes what was cut", () => {
  const all = chances(LOGITS, partitionOf(1), { ...FREE, k: 2 });
  assert.equal(drawn(all, 0), 0);
  assert.equal(drawn(all, all[0].share - 1e-6), 0);
  assert.equal(drawn(all, all[0].share + 1e-6), 1);
  assert.ok(drawn(all, 1) <= 1);
});
