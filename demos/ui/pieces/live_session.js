// The state of one live video, from its start to its stop.

import { Latencies, Pacing } from "./pacing.js";

/** @typedef {import("./live_transport.js").Transport} Transport */
/** @typedef {import("./boxes.js").Found} Found */
/** @typedef {{ shownAt: number, sent: number, capture: number, bytes: number }} Sent  ms of the page's clock */

const LONGEST_SIDE = 640;

/** What belongs to one start: whatever comes for an earlier one is ignored. */
export class Session {
  /** @type {MediaStream | null} */ stream = null;
  /** @type {string | null} address of a file */ address = null;
  /** @type {Transport | null} */ transport = null;
  /** @type {Map<number, Sent>} */ inFlight = new Map();
  /** @type {Found[]} */ boxes = [];
  boxesAt = 0; // when the frame was shown that they are of
  foundAt = performance.now(); // when something was found last
  /** @type {Set<string>} labels seen so far */ labels = new Set();
  /** @type {import("./watch_marks.js").Traces} */ traces = new Map();
  /** @type {[string, string][]} */ facts = [];
  pacing = new Pacing();
  latencies = new Latencies();
  side = LONGEST_SIDE;
  paused = false;
  alone = false; // a video that nobody asked for
  begun = performance.now();
  capturing = false;
  lastFrame = performance.now();
  reported = 0;

  get playing() {
    return Boolean(this.stream || this.address);
  }

  /** Whether a frame may be captured now. */
  get mayCapture() {
    const { transport, capturing, pacing, inFlight } = this;
    if (!transport || capturing || transport.congested()) return false;
    return pacing.mayCapture(performance.now(), inFlight.size, transport.tracks);
  }
}
