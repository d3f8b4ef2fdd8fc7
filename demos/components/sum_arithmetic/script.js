// The arithmetic of one attention head (Vaswani et al. 2017, section 3.2), and each number of it in words.
// Rows are arrays of numbers; `visible[s]` says whether key s may be looked at.
const sumArithmetic = (() => {
  const dot = (a, b) => {
    let sum = 0;
    for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
    return sum;
  };
  const length = (a) => Math.sqrt(dot(a, a));
  const products = (query, keys) => keys.map((key) => dot(query, key));

  const softmax = (scores, visible, temperature = 1) => {
    const divided = scores.map((score) => score / temperature);
    const top = Math.max(...divided.filter((_, s) => visible[s]));
    const powers = divided.map((score, s) => (visible[s] ? Math.exp(score - top) : 0));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => (sum ? power / sum : 0));
  };

  const mix = (weights, values) => {
    const sum = new Array(values[0].length).fill(0);
    weights.forEach((weight, s) => values[s].forEach((value, i) => (sum[i] += weight * value)));
    return sum;
  };

  // One weight set to `value`, the others made larger or smaller in proportion so that all add up to 1. Weights in the
  // set `kept` stay as they are, as long as any other is left to give way.
  const renormalise = (weights, visible, index, value, kept = new Set()) => {
    const others = [...weights.keys()].filter((s) => visible[s] && s !== index);
    if (!others.length) return weights.map((_, s) => Number(s === index));
    const loose = others.filter((s) => !kept.has(s));
    const free = loose.length ? loose : others;
    const fixed = loose.length ? others.filter((s) => kept.has(s)).reduce((sum, s) => sum + weights[s], 0) : 0;
    const wanted = Math.min(Math.max(Number.isFinite(value) ? value : 0, 0), Math.max(0, 1 - fixed));
    const left = Math.max(0, 1 - fixed - wanted);
    const had = free.reduce((sum, s) => sum + weights[s], 0);
    const result = weights.map((weight, s) => (visible[s] ? weight : 0));
    result[index] = wanted;
    free.forEach((s) => (result[s] = had > 0 ? (weights[s] / had) * left : left / free.length));
    return result;
  };

  const movement = (before, after) => {
    const moved = length(before.map((value, i) => after[i] - value));
    const lengths = length(before) * length(after);
    return { moved, share: moved / (length(before) || 1), cosine: lengths ? dot(before, after) / lengths : 1 };
  };

  const short = (value) => {
    if (value === 0) return "0";
    const size = Math.abs(value);
    const text = size >= 1e5 || size < 1e-4 ? value.toExponential(1).replace("e+", "e") : String(Number(value.toPrecision(3)));
    return text.replaceAll("-", "\u2212");
  };
  const factor = (value) => (value < 0 ? `(${short(value)})` : short(value));
  const terms = (a, b, count = 3) => {
    const shown = a.slice(0, count).map((value, i) => `${factor(value)}\u00b7${factor(b[i])}`);
    return `${shown.join(" + ")}${a.length > count ? ` + \u2026, ${a.length} terms` : ""}`;
  };

  return { dot, length, products, softmax, mix, renormalise, movement, short, factor, terms };
})();
