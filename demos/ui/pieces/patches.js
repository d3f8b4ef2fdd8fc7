// A picture's patches as numbers, and the filters that read them: no drawing here.

/** @typedef {Uint8ClampedArray | Uint8Array} Bytes */

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function dot(a, b) {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += a[index] * b[index];
  return sum;
}

/**
 * A patch as the network reads it: normalised, row by row, red, green, blue.
 * @param {Bytes} pixels of the picture, red, green, blue, opacity @param {number} columns patches across
 * @param {number} side pixels of a patch @param {number} patch from 0 @param {number[]} mean @param {number[]} std
 */
export function flattened(pixels, columns, side, patch, mean, std) {
  const width = side * columns;
  const [top, left] = [Math.floor(patch / columns) * side, (patch % columns) * side];
  return Float32Array.from({ length: 3 * side * side }, (_, index) => {
    const [pixel, color] = [Math.floor(index / 3), index % 3];
    const [row, column] = [top + Math.floor(pixel / side), left + (pixel % side)];
    return (pixels[(row * width + column) * 4 + color] / 255 - mean[color]) / std[color];
  });
}

/**
 * Squared differences of neighbouring pixels of a filter, as a share of its squared weights: small for blobs, large for
 * noise.
 * @param {ArrayLike<number>} weights row by row, three colours a pixel @param {number} side
 */
export function roughness(weights, side) {
  let sum = 0;
  for (let index = 0; index < weights.length; index++) {
    const pixel = Math.floor(index / 3);
    if (pixel % side) sum += (weights[index] - weights[index - 3]) ** 2;
    if (pixel >= side) sum += (weights[index] - weights[index - 3 * side]) ** 2;
  }
  return sum / dot(weights, weights);
}

/** Rows of `width` numbers, each of length 1; null where one has no direction. @param {Float32Array} rows @param {number} width */
export function directions(rows, width) {
  const all = rows.slice();
  for (let start = 0; start < all.length; start += width) {
    const row = all.subarray(start, start + width);
    const length = Math.sqrt(dot(row, row));
    if (!length) return null;
    for (let index = 0; index < width; index++) row[index] /= length;
  }
  return all;
}

/** Cosines of one direction with all. @param {Float32Array} all @param {number} width @param {number} index */
export function cosines(all, width, index) {
  const own = all.subarray(index * width, (index + 1) * width);
  return Float32Array.from({ length: all.length / width }, (_, other) =>
    dot(own, all.subarray(other * width, (other + 1) * width)),
  );
}

/** Numbers of three colours as a picture: grey is zero. @param {ArrayLike<number>} values @param {number} limit @param {number} pixel */
export const tinted = (values, limit, pixel) =>
  [0, 1, 2].map((color) => 128 + 127 * Math.max(-1, Math.min(1, values[pixel * 3 + color] / limit)));
