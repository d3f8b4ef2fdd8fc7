// The final softmax as one draws from it: p(i) = exp(logit_i / temperature) / sum; then only the top k, then only those that
// reach top-p; then normalised again.

/** @typedef {{ share: number, kept: boolean }} Chance */

/**
 * Some tokens may not travel; what is printed of the others is right all the same.
 * @param {number[]} logits the highest first @param {number} partition log of the sum over the whole vocabulary
 * @param {{ temperature: number, k: number, p: number }} settings `k` Infinity and `p` 1 cut nothing
 * @returns {Chance[]}
 */
export function chances(logits, partition, { temperature, k, p }) {
  const total = Math.exp(partition);
  const shares = logits.map((logit) => Math.exp(logit / temperature) / total);
  let reached = 0;
  const kept = shares.map((share, place) => {
    const inside = place < k && (p >= 1 || reached < p);
    reached += share;
    return inside;
  });
  const sum = shares.reduce((all, share, place) => all + (kept[place] ? share : 0), 0);
  const further = k === Number.POSITIVE_INFINITY && reached < p; // those that reach p did not all travel: together they have p
  return shares.map((share, place) => ({ share: kept[place] ? share / (further ? p : sum) : 0, kept: kept[place] }));
}

/** Index of one of them, drawn by a random number from 0 to 1 among those that are there. @param {Chance[]} all @param {number} random */
export function drawn(all, random) {
  let left = random * all.reduce((sum, { share }) => sum + share, 0);
  for (const [place, { share, kept }] of all.entries()) {
    left -= share;
    if (kept && left <= 0) return place;
  }
  return 0;
}
