import assert from "node:assert/strict";
import { test } from "node:test";

import { frameHeader } from "../../demos/ui/pieces/live_transport.js";
import { Latencies, Pacing, quantile } from "../../demos/ui/pieces/pacing.js";
import { captureFrame } from "../../demos/ui/pieces/video_source.js";
import { extendTraces } from "../../demos/ui/pieces/watch_marks.js";
import { randoms } from "./randoms.js";

test("a frame's header is what the server unpacks: <IId", () => {
  const bytes = new Uint8Array(frameHeader(7, 5, 0.5).buffer);
  assert.deepEqual([...bytes], [7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]);
});

test("a second frame waits until the model is about to be free", () => {
  const pacing = new Pacing();
  pacing.parallel = 2;
  pacing.answered(100, 80);
  pacing.sent(1000);
  assert.ok(pacing.mayCapture(1000, 0, true), "nothing is on its way");
  assert.ok(!pacing.mayCapture(1033, 1, true));
  assert.ok(pacing.mayCapture(1034, 1, true), "100 ms / 2 at once, half a camera frame early");
  assert.ok(!pacing.mayCapture(9000, 3, true), "never more than one beyond what is done at once");
  assert.ok(!pacing.mayCapture(9000, 1, false), "one at a time without a socket");
});

test("dropped frames slow down: by a fifth over a socket, by a pause without", () => {
  const pacing = new Pacing();
  pacing.answered(100, 80);
  pacing.dropped(0, true);
  pacing.sent(0);
  assert.ok(!pacing.mayCapture(103, 1, true));
  assert.ok(pacing.mayCapture(104, 1, true));
  pacing.dropped(1000, false);
  assert.ok(!pacing.mayCapture(1079, 0, false));
  assert.ok(pacing.mayCapture(1080, 0, false));
});

test("frames get smaller on a slow network and grow again on a fast one", () => {
  const pacing = new Pacing();
  const after = (transfer) => Array.from({ length: 7 }, () => pacing.answered(50, transfer)).filter(Boolean).length;
  assert.deepEqual([after(300), pacing.share], [1, 0.75]);
  assert.deepEqual([after(300), pacing.share], [1, 0.5]);
  assert.deepEqual([after(300), pacing.share], [0, 0.5]);
  assert.deepEqual([after(100), pacing.share], [0, 0.5]);
  assert.deepEqual([after(20), pacing.share], [1, 0.75]);
});

test("rate and latencies of the last 60 frames", () => {
  const log = new Latencies();
  assert.equal(log.rate, 0);
  for (let frame = 0; frame < 100; frame++) log.add(frame * 50, frame);
  assert.equal(log.count, 60);
  assert.equal(log.rate, 20);
  assert.equal(log.within(0.5), 69);
  assert.equal(quantile([3, 1, 2], 0.5), 2);
});

test("traces follow ids and are forgotten when a thing is gone", () => {
  const traces = new Map();
  const at = (x) => [{ id: 3, box: [x, 0, x + 0.2, 0.2], label: "book", score: 1 }];
  for (let frame = 0; frame < 50; frame++) extendTraces(traces, at(frame / 100), frame);
  assert.equal(traces.get(3).points.length, 40);
  assert.deepEqual(traces.get(3).points[39], [(0.49 + 0.69) / 2, 0.1]);
  extendTraces(traces, [{ id: null, box: [0, 0, 1, 1], label: "tree", score: 1 }], 1600);
  assert.equal(traces.size, 0);
});

test("a phone turned while it is live: every frame has the video's shape of that moment", async () => {
  const drawn = [];
  const canvas = {
    width: 300,
    height: 150,
    getContext: () => ({ drawImage: (_, ...box) => drawn.push(box) }),
    toBlob: (done) => done("jpeg"),
  };
  for (let seed = 1; seed < 300; seed++) {
    const random = randoms(seed);
    const sides = [1 + Math.floor(1920 * random()), 1 + Math.floor(1920 * random())];
    for (const [videoWidth, videoHeight] of [sides, sides.toReversed()]) {
      assert.equal(await captureFrame({ videoWidth, videoHeight }, canvas, 640), "jpeg");
      const { width, height } = canvas;
      assert.deepEqual(drawn.at(-1), [0, 0, width, height], "all of it, from the corner");
      assert.ok(Math.max(width, height) <= 640 && Math.min(width, height) >= 1);
      const scale = Math.min(1, 640 / Math.max(videoWidth, videoHeight));
      assert.ok(Math.abs(width - scale * videoWidth) <= 1 && Math.abs(height - scale * videoHeight) <= 1);
    }
  }
});
