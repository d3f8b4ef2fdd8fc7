import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { truthsOf } from "../../demos/ui/components/matching_view.js";
import { found } from "../../demos/ui/core/arrivals.js";
import { distanceTo, FlowLearner, FlowPath } from "../../demos/ui/pieces/flow_learner.js";
import { MOST_UPDATES, readLink, textOf } from "../../demos/ui/pieces/flow_link.js";
import { pointsOf } from "../../demos/ui/pieces/flow_shapes.js";

const kept = JSON.parse(readFileSync(new URL("../../demos/ui/pieces/flow_spiral.json", import.meta.url), "utf-8"));

test("the training that the toy opens on is one of its own code, begun anew: the same losses", () => {
  const learner = new FlowLearner();
  learner.data = pointsOf("spiral", "");
  learner.begin();
  for (let update = 0; update < 12; update++) learner.update(kept.steps);
  const losses = learner.losses.map((loss) => Number(loss.toFixed(3)));
  assert.deepEqual(losses, kept.losses.slice(0, 12));
  assert.equal(kept.losses.length, kept.updates);
});

test("it opens at the end of a flow that has come near the shape, and goes on learning from there", () => {
  const learner = new FlowLearner();
  learner.data = pointsOf("spiral", "");
  learner.adopt(kept);
  const path = new FlowPath(learner, 50);
  path.jump(50);
  const [noise, made] = [path.path[0], path.points].map((points) => distanceTo(learner.data, points));
  assert.ok(made < 0.4 * noise, `${noise} to ${made}`);
  assert.deepEqual([learner.updates, learner.adopted], [kept.updates, kept.updates]);
  learner.update(4);
  assert.equal(learner.losses.length, kept.updates + 1);
  learner.begin();
  assert.deepEqual([learner.updates, learner.adopted, learner.pace], [0, 0, 0]);
});

test("mean distance to the nearest point", () => {
  assert.equal(distanceTo(Float64Array.from([0, 0, 10, 0]), Float64Array.from([3, 4, 10, 1])), 3);
});

/** @type {import("../../demos/ui/pieces/flow_link.js").Said} */
const SAID = {
  ...{ shape: "letters", kept: false, seed: 2, updates: 30, pace: 4, noise: 101 },
  ...{ steps: 25, place: 20, paths: true, text: "a.b" },
};

test("a link of the toy comes back", () => {
  assert.deepEqual(readLink(textOf(SAID)), SAID);
  assert.equal(textOf({ ...SAID, shape: "drawn" }), null, "what was drawn is too long");
  assert.equal(textOf({ ...SAID, pace: Number.NaN }), null, "a pace that has changed cannot be repeated");
  assert.equal(textOf({ ...SAID, updates: MOST_UPDATES + 1 }), null);
});

test("a bad link of the toy says nothing", () => {
  const good = /** @type {string} */ (textOf(SAID));
  const bad = ["drawn.0.0.0.0.0.1.0.0.", "spiral", "spiral.0.0.1e9.1.0.50.50.0.", "spiral.0.0.5.0.0.50.50.0."];
  bad.push(
    "spiral.0.0.0.1.0.50.51.0.",
    "spiral.0.-1.0.1.0.50.50.0.",
    "__proto__.0.0.0.1.0.50.50.0.",
    good.replace("30", "x"),
  );
  for (const text of [...bad, null, "", "x".repeat(100_000)])
    assert.equal(readLink(text), null, String(text).slice(0, 40));
});

test("boxes of a link are checked", () => {
  const labels = ["book", "tree"];
  assert.deepEqual(truthsOf("1.100.200.300.400_0.0.0.1000.1000", labels), [
    { label: "tree", box: [0.1, 0.2, 0.3, 0.4] },
    { label: "book", box: [0, 0, 1, 1] },
  ]);
  const bad = [
    "2.100.200.300.400",
    "1.300.200.100.400",
    "1.0.0.1001.1000",
    "1.0.0.9",
    "",
    null,
    Array(21).fill("1.1.1.9.9").join("_"),
  ];
  for (const text of bad) assert.equal(truthsOf(text, labels), null, String(text));
});

test("of what has come, each element once, and none that has gone again", () => {
  const node = (/** @type {any} */ how) => ({
    isConnected: true,
    matches: () => false,
    querySelectorAll: () => [],
    ...how,
  });
  const inner = node({});
  const outer = node({ querySelectorAll: () => [inner] });
  const self = node({ matches: () => true });
  const gone = node({ isConnected: false, matches: () => true });
  assert.deepEqual([...found(new Set([outer, self, gone, outer]), "p")], [inner, self]);
});
