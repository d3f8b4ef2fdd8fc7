// The counting line and the zone over a video: places as shares of the picture, moved by handles that mouse, finger and
// keys reach. And the way that things have taken.

import { element } from "../core/dom.js";
import { clamp, onArrows } from "../core/keys.js";
import { role } from "../core/ramps.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/** @typedef {"line" | "zone"} Kind */
/** @typedef {number[][]} Points  [x, y] each */
/** @typedef {Map<number, { points: Points, seen: number }>} Traces  by id */

/** @type {Record<Kind, { name: string, points: Points }>} */
const FIRST = {
  line: {
    name: "Line",
    points: [
      [0.1, 0.5],
      [0.9, 0.5],
    ],
  },
  zone: {
    name: "Zone",
    points: [
      [0.55, 0.15],
      [0.95, 0.15],
      [0.95, 0.85],
      [0.55, 0.85],
    ],
  },
};
const STEP = 0.02;
const FEWEST = { line: 2, zone: 3 };
const MOST_POINTS = 20;
const TRACE_POINTS = 40;
const TRACE_MS = 1500;

/** @type {Kind[]} */
export const KINDS = ["line", "zone"];

/** Points as they stand in an address: "0.100_0.500~0.900_0.500". @param {Points | null} points */
export const textOf = (points) =>
  points?.map((point) => point.map((share) => share.toFixed(3)).join("_")).join("~") ?? null;

/** What `textOf` wrote; null for anything else. @param {string | null} text @param {Kind} kind @returns {Points | null} */
export function pointsOf(text, kind) {
  const points = (text ?? "").split("~").map((point) => point.split("_").map(Number));
  const right = points.every((point) => point.length === 2 && point.every((share) => share >= 0 && share <= 1));
  return right && points.length >= FEWEST[kind] && points.length <= MOST_POINTS ? points : null;
}

/** Line and zone as they are now; null where they are not wanted. */
export class WatchMarks {
  /** @type {Record<Kind, Points | null>} */ points = { line: null, zone: null };
  /** @type {Record<Kind, HTMLElement[]>} */ #handles = { line: [], zone: [] };

  /** @param {HTMLElement} screen @param {(done: boolean) => void} moved  called while a point moves, and when it has */
  constructor(screen, moved) {
    this.screen = screen;
    this.moved = moved;
  }

  /** Whether there are any. */
  get any() {
    return Boolean(this.points.line || this.points.zone);
  }

  /** @param {Kind} kind @param {boolean} wanted @param {Points} first where the points begin */
  set(kind, wanted, first = FIRST[kind].points) {
    for (const handle of this.#handles[kind]) handle.remove();
    const points = wanted ? first.map((point) => [...point]) : null;
    this.points[kind] = points;
    this.#handles[kind] = (points ?? []).map((point, index) =>
      this.#handle(`${FIRST[kind].name}, point ${index + 1}`, point),
    );
    this.screen.append(...this.#handles[kind]);
  }

  /** @param {string} name @param {number[]} point */
  #handle(name, point) {
    const handle = element("button", { type: "button", class: "handle", "aria-label": name });
    /** @param {number} x @param {number} y @param {boolean} done */
    const place = (x, y, done) => {
      [point[0], point[1]] = [clamp(x, 0, 1), clamp(y, 0, 1)];
      [handle.style.left, handle.style.top] = point.map((share) => `${share * 100}%`);
      this.moved(done);
    };
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const frame = this.screen.getBoundingClientRect();
      place((event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height, false);
    });
    handle.addEventListener("pointerup", () => this.moved(true));
    onArrows(handle, (across, down) => {
      if (Number.isFinite(across)) place(point[0] + STEP * across, point[1] + STEP * down, true);
    });
    [handle.style.left, handle.style.top] = point.map((share) => `${share * 100}%`);
    return handle;
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height */
  paint(context, width, height) {
    context.strokeStyle = context.fillStyle = role("key");
    context.lineWidth = 3;
    if (this.points.zone) {
      path(context, this.points.zone, width, height);
      context.closePath();
      context.stroke();
      context.globalAlpha = 0.12;
      context.fill();
      context.globalAlpha = 1;
    }
    if (!this.points.line) return;
    path(context, this.points.line, width, height);
    context.stroke();
    paintInwards(context, this.points.line, width, height);
  }
}

/** An arrow with the word "in": to the left, looking along the line. @param {CanvasRenderingContext2D} context @param {Points} line @param {number} width @param {number} height */
function paintInwards(context, line, width, height) {
  const [[fromX, fromY], [toX, toY]] = line.map(([x, y]) => [x * width, y * height]);
  const length = Math.hypot(toX - fromX, toY - fromY) || 1;
  const [inX, inY] = [(toY - fromY) / length, (fromX - toX) / length];
  const [x, y] = [(fromX + toX) / 2, (fromY + toY) / 2];
  context.beginPath();
  context.moveTo(x + 16 * inX, y + 16 * inY);
  context.lineTo(x + 7 * inY, y - 7 * inX);
  context.lineTo(x - 7 * inY, y + 7 * inX);
  context.fill();
  const [left, top] = [x + 28 * inX, y + 28 * inY];
  context.fillRect(left - 11, top - 9, 22, 18);
  context.fillStyle = role("paper");
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("in", left, top);
  context.textAlign = "start";
}

/**
 * Adds where things with an id are now; forgets those not seen for a while.
 * @param {Traces} traces @param {import("./boxes.js").Found[]} boxes @param {number} now ms
 */
export function extendTraces(traces, boxes, now) {
  for (const { id, box } of boxes) {
    if (id == null) continue;
    const points = [...(traces.get(id)?.points ?? []), [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]];
    traces.set(id, { points: points.slice(-TRACE_POINTS), seen: now });
  }
  for (const [id, { seen }] of traces) if (now - seen > TRACE_MS) traces.delete(id);
}

/**
 * @param {CanvasRenderingContext2D} context @param {Traces} traces
 * @param {import("./boxes.js").Found[]} boxes  those whose way is drawn @param {number} width @param {number} height
 */
export function paintTraces(context, traces, boxes, width, height) {
  context.strokeStyle = role("query");
  context.lineWidth = 2.5;
  for (const { id } of boxes) {
    path(context, (id == null ? null : traces.get(id)?.points) ?? [], width, height);
    context.stroke();
  }
}

/** @param {CanvasRenderingContext2D} context @param {Points} points @param {number} width @param {number} height */
function path(context, points, width, height) {
  context.beginPath();
  points.forEach(([x, y], index) => {
    if (index) context.lineTo(x * width, y * height);
    else context.moveTo(x * width, y * height);
  });
}
