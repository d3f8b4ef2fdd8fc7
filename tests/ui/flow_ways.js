// Trains the networks of the toy's two comparisons, and keeps their weights: `node tests/ui/flow_ways.js`.

import { writeFileSync } from "node:fs";

import { pointsOf } from "../../demos/ui/pieces/flow_shapes.js";
import { crossingBars, noisePoints, pairsOf, trainWay, wayOf } from "../../demos/ui/pieces/flow_ways.js";

const STEPS = 6000;
const PAIRS = 4000;
const FINE = 50;

const data = pointsOf("spiral", "");
const flow = trainWay("flow", data, STEPS);
const pairs = pairsOf(wayOf("flow", flow, noisePoints(1, PAIRS), FINE));
const bars = crossingBars();
const networks = {
  score: trainWay("score", data, STEPS),
  flow,
  rectified: trainWay("rectified", data, STEPS, { pairs }),
  classes: trainWay("flow", bars.data, STEPS, { told: bars.told }),
};
const kept = Object.fromEntries(
  Object.entries(networks).map(([name, { hidden, classes, weights }]) => [
    name,
    { hidden, classes, weights: Buffer.from(Float32Array.from(weights).buffer).toString("base64") },
  ]),
);
const place = new URL("../../demos/ui/pieces/flow_ways.json", import.meta.url);
writeFileSync(place, `${JSON.stringify({ steps: STEPS, pairs: PAIRS, networks: kept })}\n`);
