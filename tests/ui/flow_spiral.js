// Trains the toy in the plane as its page does, on the spiral, and keeps what came of it: `node tests/ui/flow_spiral.js`.

import { writeFileSync } from "node:fs";

import { FlowLearner } from "../../demos/ui/pieces/flow_learner.js";
import { pointsOf } from "../../demos/ui/pieces/flow_shapes.js";

const UPDATES = 1500;
const STEPS = 4;

const learner = new FlowLearner();
learner.data = pointsOf("spiral", "");
learner.begin();
for (let update = 0; update < UPDATES; update++) learner.update(STEPS);

const weights = Buffer.from(Float32Array.from(learner.network.weights).buffer).toString("base64");
const losses = learner.losses.map((loss) => Number(loss.toFixed(3)));
const place = new URL("../../demos/ui/pieces/flow_spiral.json", import.meta.url);
writeFileSync(place, `${JSON.stringify({ shape: "spiral", updates: UPDATES, steps: STEPS, losses, weights })}\n`);
