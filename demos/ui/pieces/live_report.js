// What is said below a live video: which model, where the time goes, what is seen and counted.

import { chip, element } from "../core/dom.js";

/** @typedef {import("./live_transport.js").LiveAnswer} LiveAnswer */
/** @typedef {{ capture: number, transfer: number, drawing: number, bytes: number }} Times  ms */

/** @type {Record<string, string>} */
const COLUMNS = { seen: "ids so far", in: "went in", out: "went out", zone: "in the zone" };

/** @param {number} value */
const milliseconds = (value) => `${value >= 99.5 ? Math.round(value) : Math.max(0, value).toPrecision(2)} ms`;

/**
 * The cells of the strip.
 * @param {[string, string][]} known  of the model @param {LiveAnswer} answer @param {string} frames  how they travel
 * @param {Times} times @param {import("./pacing.js").Latencies} latencies
 */
export function facts(known, answer, frames, times, latencies) {
  const { wait, decode, model, track } = answer.seconds;
  /** @type {[string, string][]} */
  const cells = [
    ...known,
    ["runtime", answer.runtime],
    ["transport", frames],
    ["capture", milliseconds(times.capture)],
    ["transfer", milliseconds(times.transfer)],
    ["waiting", milliseconds(wait * 1000)],
    ["decoding", milliseconds(decode * 1000)],
    ["model time", milliseconds(model * 1000)],
    .../** @type {[string, string][]} */ (answer.counts ? [["tracking", milliseconds(track * 1000)]] : []),
    ["drawing", milliseconds(times.drawing)],
    ["camera to box", `${milliseconds(latencies.within(0.5))}, 95 % within ${milliseconds(latencies.within(0.95))}`],
    ["frames", latencies.rate ? `${latencies.rate.toPrecision(2)} /s` : "first"],
  ];
  return cells.map(([name, value]) => element("span", {}, element("b", {}, name), ` ${value}`));
}

/**
 * A button for each class seen so far, with how many there are now.
 * @param {Set<string>} labels @param {{ label: string }[]} boxes @param {Set<string>} hidden
 * @param {(label: string) => void} toggle
 */
export function classButtons(labels, boxes, hidden, toggle) {
  return [...labels].sort().map((label) => {
    const count = boxes.filter((box) => box.label === label).length;
    return chip(`${label} ${count}`, !hidden.has(label), () => toggle(label));
  });
}

/** Head and body of the table of counts. @param {Record<string, Record<string, number>>} counts */
export function countRows(counts) {
  const columns = Object.keys(COLUMNS).filter((name) => counts[name]);
  const labels = [...new Set(columns.flatMap((name) => Object.keys(counts[name])))].sort();
  const head = row("th", ["class", ...columns.map((name) => COLUMNS[name])]);
  const body = labels.map((label) => row("td", [label, ...columns.map((name) => String(counts[name][label] ?? 0))]));
  return [element("thead", {}, head), element("tbody", {}, ...body)];
}

/** @param {"th" | "td"} kind @param {string[]} texts */
const row = (kind, texts) => element("tr", {}, ...texts.map((text) => element(kind, {}, text)));
