import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { wanted } from "../../demos/ui/components/flow_ways.js";
import { createNetwork, lossAndGradient, predict } from "../../demos/ui/pieces/flow_network.js";
import { pointsOf } from "../../demos/ui/pieces/flow_shapes.js";
import {
  apartFrom,
  bendOf,
  crossingBars,
  networkOf,
  noisePoints,
  PATHS,
  pairsOf,
  reachOf,
  shareOnOwnBar,
  trainWay,
  wayOf,
} from "../../demos/ui/pieces/flow_ways.js";

const kept = JSON.parse(readFileSync(new URL("../../demos/ui/pieces/flow_ways.json", import.meta.url), "utf-8"));
const trained = (/** @type {string} */ name) => networkOf(kept.networks[name]);

test("a network that is told a class: every derivative of the loss is that of small differences", () => {
  const network = createNetwork(6, 3, 2);
  for (let at = 0; at < network.weights.length; at++) network.weights[at] = 0.6 * Math.sin(at + 1);
  const [points, times] = [Float64Array.of(0.3, -0.4, 1, 0.2, -0.6, 0.9), Float64Array.of(0.2, 0.7, 0.5)];
  const [targets, told] = [Float64Array.of(1, 0, -1, 0.5, 0.2, -0.3), Int8Array.of(0, 1, -1)];
  const { gradient } = lossAndGradient(network, points, times, targets, told);
  for (const at of [0, 13, 14, 15, 29, 90, network.weights.length - 1]) {
    const [before, by] = [network.weights[at], 1e-6];
    const losses = [by, -by].map((change) => {
      network.weights[at] = before + change;
      return lossAndGradient(network, points, times, targets, told).loss;
    });
    network.weights[at] = before;
    assert.ok(Math.abs((losses[0] - losses[1]) / (2 * by) - gradient[at]) < 1e-6, `weight ${at}`);
  }
  const [asked, none] = [told, null].map((classes) => predict(network, points, times, classes).v);
  assert.notDeepEqual([...asked.slice(0, 4)], [...none.slice(0, 4)]);
  assert.deepEqual([...asked.slice(4)], [...none.slice(4)], "no class is as if none were asked for");
});

test("both paths lead from the picture to noise of unit variance", () => {
  for (const [name, { signal, noise }] of Object.entries(PATHS)) {
    assert.deepEqual([signal(0), noise(0)], [1, 0], name);
    assert.ok(signal(1) < 0.01 && noise(1) > 0.999, name);
  }
  const { signal, noise } = PATHS.circle;
  for (const t of [0.1, 0.5, 0.9]) assert.ok(Math.abs(signal(t) ** 2 + noise(t) ** 2 - 1) < 1e-12);
});

test("pairs, bends and distances", () => {
  const way = [Float64Array.of(0, 0, 1, 1), Float64Array.of(1, 0, 2, 2), Float64Array.of(1, 1, 3, 3)];
  assert.deepEqual([...pairsOf(way)], [1, 1, 0, 0, 3, 3, 1, 1], "the end, then the noise it came from");
  assert.ok(Math.abs(bendOf(way) - (2 / Math.SQRT2 + 1) / 2) < 1e-12);
  const shape = Float64Array.of(-1, 0, 1, 0);
  assert.equal(apartFrom(shape, shape), 0);
  assert.equal(apartFrom(shape, Float64Array.of(1, 0)), 0.5, "points in one place leave the rest of the shape alone");
});

test("a trained way ends nearer to its shape than an untrained one", () => {
  const data = pointsOf("moons", "");
  for (const name of /** @type {const} */ (["score", "flow"])) {
    const [before, after] = [0, 150].map((steps) => {
      const way = wayOf(name, trainWay(name, data, steps), noisePoints(5, 60), 10);
      return apartFrom(data, way[10]);
    });
    assert.ok(after < 0.6 * before, `${name}: ${before} ${after}`);
  }
});

test("of the kept networks the straightened one needs one step, and all do well in 25", () => {
  const data = pointsOf("spiral", "");
  const names = /** @type {const} */ (["score", "flow", "rectified"]);
  const [one, many] = [1, 25].map((steps) =>
    names.map((name) => apartFrom(data, wayOf(name, trained(name), noisePoints(100), steps)[steps])),
  );
  assert.ok(one[0] > one[1] && one[1] > 4 * one[2], String(one));
  for (const apart of many) assert.ok(apart < 0.06, String(many));
  assert.ok(bendOf(wayOf("rectified", trained("rectified"), noisePoints(100), 25)) < 1.05);
});

test("guidance: more points on the bar they were asked for, and farther out", () => {
  const { data, told: of } = crossingBars();
  assert.ok(shareOnOwnBar(data, of) > 0.9);
  const told = Int8Array.from({ length: 300 }, (_, i) => i % 2);
  const [none, alone, more] = [0, 1, 3].map(
    (guidance) => wayOf("flow", trained("classes"), noisePoints(100), 25, { told, guidance })[25],
  );
  assert.ok(Math.abs(shareOnOwnBar(none, told) - 0.5) < 0.1, "nobody asked");
  assert.ok(shareOnOwnBar(more, told) > shareOnOwnBar(alone, told) && shareOnOwnBar(alone, told) > 0.9);
  assert.ok(reachOf(more) > 1.2 * reachOf(alone));
});

test("what a link says of the three ways", () => {
  assert.deepEqual(wanted("5.2.101"), [5, 2, 101]);
  for (const wrong of [null, "", "3.1.100", "5.6.100", "5.2", "5.-1.100", "a.b.c", "5.2.1e9"])
    assert.equal(wanted(wrong), null, String(wrong));
});
