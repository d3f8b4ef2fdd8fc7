// How much of every cell of a picture was read for one word, from what each head of each layer read.

/** @typedef {{ data: ArrayLike<number>, shape: number[] }} Read  `[layers, heads, cells]` */

/**
 * The mean of the heads of one layer, or of all of them (-1): one share a cell, together 1.
 * @param {Read} read @param {number} layer
 */
export function meanOf({ data, shape: [layers, heads, cells] }, layer) {
  const chosen = layer < 0 ? Array.from({ length: layers }, (_, index) => index) : [layer];
  const shares = new Float32Array(cells);
  for (const one of chosen)
    for (let head = 0; head < heads; head++)
      for (let cell = 0; cell < cells; cell++)
        shares[cell] += data[(one * heads + head) * cells + cell] / (heads * chosen.length);
  return shares;
}

/** The cell that was read most, from 0, and its share. @param {ArrayLike<number>} shares */
export function strongest(shares) {
  let cell = 0;
  for (let index = 1; index < shares.length; index++) if (shares[index] > shares[cell]) cell = index;
  return { cell, share: shares[cell] };
}
