import assert from "node:assert/strict";
import { test } from "node:test";

import { aboutPlace } from "../../demos/ui/components/blank_lines.js";
import { pathOf } from "../../demos/ui/components/stroke_film.js";
import { FilmPlace } from "../../demos/ui/pieces/film_controls.js";
import { FilmRuns } from "../../demos/ui/pieces/film_runs.js";
import { FlowLearner, FlowPath } from "../../demos/ui/pieces/flow_learner.js";
import {
  createNetwork,
  createOptimizer,
  drawBatch,
  flow,
  lossAndGradient,
  normalNumbers,
} from "../../demos/ui/pieces/flow_network.js";
import { pointsOf, pointsWith } from "../../demos/ui/pieces/flow_shapes.js";
import { PixelPainting } from "../../demos/ui/pieces/pixel_painting.js";
import { layout } from "../../demos/ui/pieces/small_curve.js";
import { factor, saysOf, sentence } from "../../demos/ui/pieces/step_sums.js";

const step = (/** @type {number} */ t, difference = null) => ({
  size: 32,
  t,
  t_next: t - 1,
  x_t: `x${t}`,
  noise: `n${t}`,
  x_0: `c${t}`,
  signal: 0.8,
  noise_share: 0.6,
  terms: /** @type {[number, string][]} */ ([
    [0.8, "x_0"],
    [-0.0001, "epsilon"],
  ]),
  correction: /** @type {[number, string][]} */ ([]),
  around: /** @type {[number, string][]} */ ([]),
  difference,
});
const film = (/** @type {string} */ run, /** @type {number[]} */ times, fork = null) => ({
  run,
  count: 2,
  total: 4,
  fork,
  steps: times.map((t) => step(t)),
});
const times = (/** @type {FilmRuns} */ runs, lane = 0) => runs.lanes[lane].steps.map(({ t }) => t);

test("a film grows, a fork keeps the steps before it, another film begins anew", () => {
  const runs = new FilmRuns();
  assert.equal(runs.length, 0);
  assert.equal(runs.take(film("a", [9])), "new");
  assert.equal(runs.take(film("a", [9, 8, 7, 6])), "more", "whatever was missed in between");
  assert.deepEqual([runs.length, runs.newest, runs.total], [4, 3, 4]);

  const fork = { run: "a", place: 2, changed: "class" };
  assert.equal(runs.take(film("b", [17], fork)), "new");
  assert.deepEqual(
    [times(runs, 0), times(runs, 1)],
    [
      [9, 8, 7, 6],
      [9, 8, 17],
    ],
  );
  assert.deepEqual([runs.newest, runs.length], [2, 4]);
  assert.deepEqual(
    [runs.shows(1, 1), runs.shows(1, 2), runs.shows(1, 3), runs.shows(0, 3)],
    [false, true, false, true],
  );
  assert.equal(runs.step(1, 3).t, 17, "the last one where a lane is shorter");
  assert.equal(runs.take(film("b", [17, 16], fork)), "more");

  assert.equal(runs.take(film("c", [26], { run: "b", place: 3, changed: "" })), "new");
  assert.deepEqual(
    [times(runs, 0), times(runs, 1)],
    [
      [9, 8, 17, 16],
      [9, 8, 17, 26],
    ],
  );
  assert.equal(runs.take(film("d", [1], { run: "gone", place: 0, changed: "" })), "unknown");
  assert.equal(runs.take(film("e", [30])), "new");
  assert.deepEqual([runs.lanes.length, runs.length], [1, 1]);
});

test("the sums of a step in words", () => {
  assert.deepEqual([0.5, 0, -0.25, 0.0004].map(factor), ["0.500", "0.000", "−0.250", "4.0e−4"]);
  assert.equal(sentence(step(5)), "next x = 0.800 × predicted x₀ + −1.0e−4 × predicted noise");
  const corrected = { ...step(5), correction: /** @type {[number, string][]} */ ([[1, "x_before"]]) };
  assert.ok(sentence(corrected).startsWith("corrected xₜ = 1.000 × x of the step before; next x = "));
  const hole = { ...step(5), around: /** @type {[number, string][]} */ ([[0.9, "known"]]) };
  assert.match(sentence(hole), /^In the hole: next x = .*; Around it: next x = 0\.900 × your picture$/);
});

test("what the network says of a step, and what follows", () => {
  const said = { ...step(5), predicts: /** @type {const} */ ("epsilon") };
  assert.match(
    saysOf(said),
    /predicts the noise: predicted x₀ = \(xₜ − 0\.600 × noise\) \/ 0\.800, .* counts 0\.75 times/,
  );
  assert.match(
    saysOf({ ...said, predicts: "v" }),
    /^It predicts v = 0\.800 × noise − 0\.600 × x₀, here mostly the noise/,
  );
  assert.equal(saysOf({ ...said, predicts: "" }), "");
});

test("a film is followed until a hand goes back, and again from its newest step", () => {
  const place = new FilmPlace();
  place.arrived(2);
  assert.equal(place.current, 2);
  place.jump(1, { length: 3, newest: 2, total: 5 });
  place.arrived(3);
  assert.deepEqual([place.current, place.follow], [1, false]);
  place.jump(9, { length: 4, newest: 3, total: 5 });
  assert.deepEqual([place.current, place.follow], [3, true]);
  place.jump(4, { length: 5, newest: 4, total: 5 });
  assert.equal(place.follow, false, "nothing more comes");
});

test("a small curve: highest at the top, last at the right", () => {
  const { placed, low, high } = layout(
    [
      [0, 100],
      [50, 1],
      [100, 10],
    ],
    96,
    true,
  );
  assert.deepEqual([low, high].map(Math.round), [1, 100]);
  assert.deepEqual([placed[0], placed[2][0]], [[30, 8], 254]);
  assert.equal(placed[1][1], 80);
  assert.equal(placed[2][1], 44);
});

test("painting: strokes, eraser, holes, undoing", () => {
  const painting = new PixelPainting(16);
  painting.remember();
  painting.line([2, 3], [5, 3], 1, "pen", "#c0392b");
  const painted = [...painting.painted.entries()].filter(([, on]) => on).map(([place]) => place);
  assert.deepEqual(painted, [50, 51, 52, 53]);
  assert.deepEqual([...painting.rgba.slice(200, 204)], [0xc0, 0x39, 0x2b, 255]);
  painting.remember();
  painting.line([-1, -1], [-1, -1], 3, "hole", "#000000");
  assert.deepEqual(
    [...painting.hole.entries()].filter(([, on]) => on).map(([place]) => place),
    [0],
  );
  painting.line([0, 0], [0, 0], 1, "eraser", "#000000");
  assert.deepEqual([painting.hole[0], painting.painted[0], painting.rgba[3]], [0, 1, 0]);
  painting.clear();
  assert.ok(painting.painted.every((on) => on === 1));
  assert.ok(painting.undo() && painting.undo());
  assert.equal(painting.painted[0], 0);
  assert.ok(painting.undo());
  assert.equal(painting.painted[50], 0);
  assert.equal(painting.undo(), false);
});

test("every gradient of the toy is the one of finite differences", () => {
  const network = createNetwork(6, 3);
  const numbers = normalNumbers(1);
  network.weights.forEach((_, place) => {
    network.weights[place] += 0.1 * numbers.normal();
  });
  const data = Float64Array.from({ length: 40 }, numbers.normal);
  const { points, times: at, targets } = drawBatch(data, 9, numbers);
  const loss = () => lossAndGradient(network, points, at, targets).loss;
  const { gradient } = lossAndGradient(network, points, at, targets);
  assert.equal(network.weights.length, 6 * 13 + 6 + 36 + 6 + 12 + 2);
  const h = 1e-5;
  let clear = 0;
  for (const [place, weight] of network.weights.entries()) {
    network.weights[place] = weight + h;
    const above = loss();
    network.weights[place] = weight - h;
    const measured = (above - loss()) / (2 * h);
    network.weights[place] = weight;
    assert.ok(Math.abs(gradient[place] - measured) <= 1e-8 + 1e-5 * Math.abs(measured));
    clear += Math.abs(gradient[place]) > 1e-4 ? 1 : 0;
  }
  assert.ok(clear > 0.9 * network.weights.length);
});

function distances(/** @type {number} */ steps) {
  const numbers = normalNumbers(2);
  const data = Float64Array.from({ length: 400 }, (_, place) => (place % 4 < 2 ? 1.5 : -1.5) + 0.05 * numbers.normal());
  const network = createNetwork(32, 0);
  const optimize = createOptimizer(network.weights.length);
  for (let step = 0; step < steps; step++) {
    const { points, times: at, targets } = drawBatch(data, 64, numbers);
    optimize(network.weights, lossAndGradient(network, points, at, targets).gradient, 5e-3);
  }
  let points = Float64Array.from({ length: 200 }, normalNumbers(9).normal);
  for (let step = 0; step < 20; step++) points = flow(network, points, 1 - step / 20, 1 - (step + 1) / 20);
  const far = Array.from({ length: 100 }, (_, place) =>
    Math.min(...[1.5, -1.5].map((c) => Math.hypot(points[2 * place] - c, points[2 * place + 1] - c))),
  );
  const above = Array.from({ length: 100 }, (_, place) => points[2 * place] > 0).filter(Boolean).length;
  return { mean: far.reduce((sum, value) => sum + value) / 100, above };
}

test("noise flows to both places it was trained on", () => {
  const [before, after] = [distances(0), distances(300)];
  assert.ok(after.mean < 0.3 * before.mean);
  assert.ok(after.above > 25 && after.above < 75);
});

test("points flow anew where the network has changed, and the way back is the same", () => {
  const learner = new FlowLearner();
  learner.data = pointsOf("spiral", "");
  assert.equal(learner.data.length, 2400);
  const path = new FlowPath(learner, 10);
  path.jump(3);
  const third = path.points;
  path.jump(2);
  path.jump(3);
  assert.equal(path.points, third);
  learner.update(2);
  path.jump(3);
  assert.notDeepEqual(path.points, third);
  path.jump(99);
  assert.deepEqual([path.place, path.over, path.time()], [10, true, 0]);
  assert.equal(learner.curve(120).length, 1);
  const seed = learner.network.weights[0];
  learner.beginAnew();
  assert.notEqual(learner.network.weights[0], seed);
  assert.deepEqual([learner.updates, learner.losses], [0, []]);
});

test("points drawn by hand: six a place, the latest two thousand", () => {
  assert.equal(pointsOf("drawn", "").length, 0);
  let points = pointsWith(new Float64Array(0), 1, -1);
  assert.equal(points.length, 12);
  for (let time = 0; time < 400; time++) points = pointsWith(points, 1, -1);
  assert.equal(points.length, 4000);
});

test("a place of a line is given, blank, or drawn", () => {
  const view = /** @type {any} */ ({
    lines: ["a__", "a_ ", "ab "],
    given: [true, false, false],
    drawn_at: [0, 2, 1],
    drawn_chance: [1, 0.25, 0.5],
  });
  assert.equal(aboutPlace(view, 0, 2), "Character 1, “a”, was given: it is never changed.");
  assert.match(aboutPlace(view, 1, 1), /^Character 2 is a blank; step 2 will fill it/);
  assert.match(aboutPlace(view, 2, 1), /^Character 3: step 1 drew “space”, which had 50 %/);
});

test("points become a path", () => {
  assert.equal(pathOf([0, 1, -0.5, 0.25]), "M0.000 1.000L-0.500 0.250");
});
