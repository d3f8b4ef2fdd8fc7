// A recurrent cell as a drawing: for each kind its parts, the wires between them, and what happens in which order, with
// the numbers of one unit. Words and numbers only; `cell_steps.js` draws it.

import { fixed, minus } from "../core/format.js";

/**
 * @typedef {Record<string, number>} Numbers  of one unit, by the name of what is in the cell
 * @typedef {object} Part
 * @property {string} label @property {number} x @property {number} y @property {string} role  a colour
 * @property {"box" | "circle" | "value"} [form]
 * @property {(numbers: Numbers) => number} [number]  of the unit, written below
 *
 * @typedef {object} Stage
 * @property {string[]} parts  those it computes
 * @property {string[]} maps  the names of the maps below that it is about
 * @property {(numbers: Numbers) => string} says  with the equation
 *
 * @typedef {object} Cell
 * @property {Record<string, Part>} parts @property {string[]} wires  "from to" @property {Stage[]} stages
 */

/** @param {number} value */
const n = (value) => fixed(value, 3);
/** In brackets where negative. @param {number} value */
const f = (value) => (value < 0 ? `(${n(value)})` : n(value));
/** @param {number} share */
const part = (share) => minus(`${Math.round(100 * share)} %`);

const BEFORE = "hidden state before";

/**
 * What a gate squashes, with the numbers of the unit where they are told: " = σ(0.512 − 0.301)".
 * @param {Numbers} numbers @param {string} gate @param {"σ" | "tanh"} squash @param {number} [shown] of the memory's part
 */
export function squashed(numbers, gate, squash, shown = 1) {
  const [input, memory] = [numbers[`W x, ${gate}`], numbers[`U h, ${gate}`]];
  if (input === undefined || memory === undefined) return "";
  const second = shown === 1 ? f(memory) : `${n(shown)} · ${f(memory)}`;
  return ` = ${squash}(${n(input)} + ${second})`;
}
const INPUTS = /** @type {Stage} */ ({
  parts: ["x", "h0"],
  maps: [BEFORE],
  says: (v) => `The character xₜ comes in, and the memory as it was: this unit of hₜ₋₁ is ${n(v[BEFORE])}.`,
});
const OUTPUT = /** @type {Stage} */ ({
  parts: ["y"],
  maps: [],
  says: () => "yₜ = softmax(V hₜ + b): all units together say what comes next, here the likeliest.",
});

/** @type {Cell} */
const LSTM = {
  parts: {
    c0: { label: "cₜ₋₁", x: 40, y: 50, role: "memory", form: "value", number: (v) => v["cell state before"] },
    h0: { label: "hₜ₋₁", x: 40, y: 235, role: "memory", form: "value", number: (v) => v[BEFORE] },
    x: { label: "xₜ", x: 110, y: 285, role: "input", form: "value" },
    f: { label: "f", x: 170, y: 185, role: "key", number: (v) => v["forget gate"] },
    i: { label: "i", x: 260, y: 185, role: "key", number: (v) => v["input gate"] },
    g: { label: "g", x: 350, y: 185, role: "value", number: (v) => v.candidate },
    o: { label: "o", x: 440, y: 185, role: "key", number: (v) => v["output gate"] },
    keep: {
      label: "×",
      x: 170,
      y: 50,
      role: "memory",
      form: "circle",
      number: (v) => v["forget gate"] * v["cell state before"],
    },
    write: { label: "×", x: 305, y: 110, role: "value", form: "circle", number: (v) => v["input gate"] * v.candidate },
    sum: { label: "+", x: 305, y: 50, role: "memory", form: "circle" },
    tanh: { label: "tanh", x: 530, y: 110, role: "memory", number: (v) => Math.tanh(v["cell state"]) },
    show: { label: "×", x: 530, y: 185, role: "memory", form: "circle" },
    c: { label: "cₜ", x: 620, y: 50, role: "memory", form: "value", number: (v) => v["cell state"] },
    h: { label: "hₜ", x: 620, y: 215, role: "memory", form: "value", number: (v) => v["hidden state"] },
    y: { label: "yₜ", x: 620, y: 285, role: "prediction", form: "value" },
  },
  wires: [
    ...["c0 keep", "keep sum", "sum c", "f keep", "i write", "g write", "write sum", "sum tanh", "tanh show", "o show"],
    ...["show h", "h y", "x f", "h0 f", "x i", "h0 i", "x g", "h0 g", "x o", "h0 o"],
  ],
  stages: [
    { ...INPUTS, parts: ["x", "h0", "c0"], maps: [BEFORE, "cell state before"] },
    {
      parts: ["f", "keep"],
      maps: ["forget gate"],
      says: (v) =>
        `Forget gate: f = σ(W_f xₜ + U_f hₜ₋₁ + b_f)${squashed(v, "forget gate", "σ")} = ${n(v["forget gate"])}: ${part(v["forget gate"])} of the old cell state stays, f · cₜ₋₁ = ${n(v["forget gate"] * v["cell state before"])}.`,
    },
    {
      parts: ["i"],
      maps: ["input gate"],
      says: (v) =>
        `Input gate: i = σ(W_i xₜ + U_i hₜ₋₁ + b_i)${squashed(v, "input gate", "σ")} = ${n(v["input gate"])}: so much of what is new will be written.`,
    },
    {
      parts: ["g", "write"],
      maps: ["candidate"],
      says: (v) =>
        `Candidate: g = tanh(W_g xₜ + U_g hₜ₋₁ + b_g)${squashed(v, "candidate", "tanh")} = ${n(v.candidate)}: what may be written; i · g = ${n(v["input gate"] * v.candidate)}.`,
    },
    {
      parts: ["sum", "c"],
      maps: ["cell state"],
      says: (v) =>
        `Cell state: cₜ = f · cₜ₋₁ + i · g = ${n(v["forget gate"])} · ${f(v["cell state before"])} + ${n(v["input gate"])} · ${f(v.candidate)} = ${n(v["cell state"])}.`,
    },
    {
      parts: ["o"],
      maps: ["output gate"],
      says: (v) =>
        `Output gate: o = σ(W_o xₜ + U_o hₜ₋₁ + b_o)${squashed(v, "output gate", "σ")} = ${n(v["output gate"])}: so much of it is shown.`,
    },
    {
      parts: ["tanh", "show", "h"],
      maps: ["hidden state"],
      says: (v) =>
        `Hidden state: hₜ = o · tanh(cₜ) = ${n(v["output gate"])} · ${f(Math.tanh(v["cell state"]))} = ${n(v["hidden state"])}.`,
    },
    OUTPUT,
  ],
};

/** @type {Cell} */
const GRU = {
  parts: {
    h0: { label: "hₜ₋₁", x: 40, y: 50, role: "memory", form: "value", number: (v) => v[BEFORE] },
    x: { label: "xₜ", x: 40, y: 265, role: "input", form: "value" },
    r: { label: "r", x: 150, y: 185, role: "key", number: (v) => v["reset gate"] },
    z: { label: "z", x: 250, y: 185, role: "key", number: (v) => v["update gate"] },
    n: { label: "n", x: 370, y: 185, role: "value", number: (v) => v.candidate },
    keep: {
      label: "×",
      x: 250,
      y: 50,
      role: "memory",
      form: "circle",
      number: (v) => v["update gate"] * v[BEFORE],
    },
    write: {
      label: "×",
      x: 440,
      y: 110,
      role: "value",
      form: "circle",
      number: (v) => (1 - v["update gate"]) * v.candidate,
    },
    sum: { label: "+", x: 440, y: 50, role: "memory", form: "circle" },
    h: { label: "hₜ", x: 600, y: 50, role: "memory", form: "value", number: (v) => v["hidden state"] },
    y: { label: "yₜ", x: 600, y: 185, role: "prediction", form: "value" },
  },
  wires: [
    ...["h0 keep", "keep sum", "sum h", "z keep", "z write", "n write", "write sum", "r n", "h y"],
    ...["x r", "h0 r", "x z", "h0 z", "x n"],
  ],
  stages: [
    INPUTS,
    {
      parts: ["r"],
      maps: ["reset gate"],
      says: (v) =>
        `Reset gate: r = σ(W_r xₜ + U_r hₜ₋₁ + b_r)${squashed(v, "reset gate", "σ")} = ${n(v["reset gate"])}: so much of the old memory the candidate may see.`,
    },
    {
      parts: ["n"],
      maps: ["candidate"],
      says: (v) =>
        `Candidate: n = tanh(W_n xₜ + b_n + r ⊙ (U_n hₜ₋₁ + c_n))${squashed(v, "candidate", "tanh", v["reset gate"])} = ${n(v.candidate)}: what may be written.`,
    },
    {
      parts: ["z", "keep", "write"],
      maps: ["update gate"],
      says: (v) =>
        `Update gate: z = σ(W_z xₜ + U_z hₜ₋₁ + b_z)${squashed(v, "update gate", "σ")} = ${n(v["update gate"])}: ${part(v["update gate"])} of the old stays, the rest is new.`,
    },
    {
      parts: ["sum", "h"],
      maps: ["hidden state"],
      says: (v) =>
        `Hidden state: hₜ = (1 − z) · n + z · hₜ₋₁ = ${n(1 - v["update gate"])} · ${f(v.candidate)} + ${n(v["update gate"])} · ${f(v[BEFORE])} = ${n(v["hidden state"])}.`,
    },
    OUTPUT,
  ],
};

/** @type {Cell} */
const RNN = {
  parts: {
    h0: { label: "hₜ₋₁", x: 60, y: 90, role: "memory", form: "value", number: (v) => v[BEFORE] },
    x: { label: "xₜ", x: 60, y: 220, role: "input", form: "value" },
    tanh: { label: "tanh", x: 300, y: 90, role: "memory" },
    h: { label: "hₜ", x: 560, y: 90, role: "memory", form: "value", number: (v) => v["hidden state"] },
    y: { label: "yₜ", x: 560, y: 220, role: "prediction", form: "value" },
  },
  wires: ["h0 tanh", "x tanh", "tanh h", "h y"],
  stages: [
    INPUTS,
    {
      parts: ["tanh", "h"],
      maps: ["hidden state"],
      says: (v) =>
        `hₜ = tanh(W xₜ + U hₜ₋₁ + b)${squashed(v, "hidden state", "tanh")} = ${n(v["hidden state"])}. There is no gate: every unit is written anew at every step.`,
    },
    OUTPUT,
  ],
};

/** @type {Record<string, Cell>} */
export const CELLS = { lstm: LSTM, gru: GRU, rnn: RNN };

/**
 * The unit in which most happens: whose state (cell state, where there is one) moves most.
 * @param {Record<string, ArrayLike<number>>} inside by name, of all units
 */
export function busiest(inside) {
  const [before, now] = inside["cell state"]
    ? [inside["cell state before"], inside["cell state"]]
    : [inside[BEFORE], inside["hidden state"]];
  let best = 0;
  for (let unit = 1; unit < now.length; unit++)
    if (Math.abs(now[unit] - before[unit]) > Math.abs(now[best] - before[best])) best = unit;
  return best;
}
