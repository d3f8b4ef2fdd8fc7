// Numbers and texts as they are read. Minus signs are minus signs.

/** At most three digits, powers of ten for the very large and small. @param {number} value */
export function short(value) {
  if (value !== 0 && (Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3))
    return minus(value.toExponential(0).replace("e+", "e"));
  return minus(String(Number(value.toPrecision(3))));
}

/** Zero has no sign. @param {number} value @param {number} digits behind the point */
export function fixed(value, digits) {
  const text = value.toFixed(digits);
  return minus(Number(text) ? text : text.replace("-", ""));
}

/** A share as a percentage: "0.31 %" below 1, else without decimals. @param {number} share */
export function percent(share) {
  const value = 100 * share;
  if (value === 0) return "0 %";
  if (value < 0.01) return "< 0.01 %";
  return `${value < 1 ? Number(value.toPrecision(2)) : value < 99.5 || value === 100 ? Math.round(value) : Number(value.toFixed(1))} %`;
}

/** @param {number} seconds */
export function duration(seconds) {
  const milliseconds = seconds * 1000;
  return milliseconds >= 1000
    ? `${Number((milliseconds / 1000).toPrecision(3))} s`
    : `${Number(milliseconds.toPrecision(3))} ms`;
}

/** @param {string} text */
export const minus = (text) => text.replace(/-/g, "\u2212");

/** A token in quotation marks, blanks by name. @param {string} token */
export const quoted = (token) => `“${token.trim() || (token.includes("\n") ? "line break" : "space")}”`;
