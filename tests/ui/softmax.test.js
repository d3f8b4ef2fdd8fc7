import assert from "node:assert/strict";
import { test } from "node:test";

import { chances, drawn } from "../../demos/ui/pieces/softmax.js";
import { randoms } from "./randoms.js";

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

test("printed shares are the true ones, however few tokens travelled, and what is left adds up to 1", () => {
  for (let seed = 1; seed < 400; seed++) {
    const random = randoms(seed);
    const logits = Array.from({ length: 40 }, () => -12 * random() ** 2).sort((a, b) => b - a);
    const temperature = 0.1 + 2.9 * random();
    const settings = {
      temperature,
      k: random() < 0.5 ? Infinity : 1 + Math.floor(9 * random()),
      p: 0.3 + 0.7 * random(),
    };
    const partition = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit / temperature), 0));
    const all = chances(logits, partition, settings);
    const some = chances(logits.slice(0, 10), partition, settings);
    const printed = all.reduce((sum, { share }) => sum + Number(share.toFixed(3)), 0);
    assert.ok(Math.abs(printed - 1) <= 0.0005 * all.length + 1e-9);
    for (const [place, { share }] of some.entries())
      assert.ok(Math.abs(share - all[place].share) <= all[place].share * (all[9].share / settings.p) + 1e-9);
  }
});

test("drawing follows the shares and never takes what was cut", () => {
  const all = chances(LOGITS, partitionOf(1), { ...FREE, k: 2 });
  assert.equal(drawn(all, 0), 0);
  assert.equal(drawn(all, all[0].share - 1e-6), 0);
  assert.equal(drawn(all, all[0].share + 1e-6), 1);
  assert.ok(drawn(all, 1) <= 1);
});
