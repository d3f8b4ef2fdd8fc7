// What pages print as arithmetic, for tests/unit/test_arithmetic.py: a line of JSON in, `[name, ...arguments]` of one of
// these functions, a line of JSON out.

import { createInterface } from "node:readline";

import { rightText } from "../../demos/ui/components/class_board.js";
import { costTexts, lossText } from "../../demos/ui/components/matching_view.js";
import { factorTexts } from "../../demos/ui/components/noise_view.js";
import { productTexts, sumText } from "../../demos/ui/components/patch_steps.js";
import { sentenceOf } from "../../demos/ui/components/training_step.js";
import { HeadSum } from "../../demos/ui/pieces/head_sum.js";
import { decodingTexts } from "../../demos/ui/pieces/query_steps.js";
import { pixelTexts, sentence } from "../../demos/ui/pieces/step_sums.js";

/** Every number of one head that is explained, of the last token that looks. */
function headTexts({ q, k, v, temperature }) {
  const names = k.map((_, place) => `w${place}`);
  const view = { keys: names, queries: names.slice(0, q.length), kind: "encoder", layer: 0, head: 0 };
  const sum = new HeadSum(view, { q, k, v, hidden: new Uint8Array(q.length * k.length) });
  sum.temperature = temperature;
  const [query, size] = [q.length - 1, q[0].length];
  return names.map((_, key) => ({
    row: sum.rowText(query, key, "weight"),
    keys: Array.from({ length: size }, (_, i) => sum.cellText(query, "k", key, i)),
    values: Array.from({ length: size }, (_, i) => sum.cellText(query, "v", key, i)),
    sums: Array.from({ length: size }, (_, i) => sum.cellText(query, "o", NaN, i)),
  }));
}

const PRINTED = {
  rightText,
  costTexts,
  lossText,
  factorTexts,
  productTexts,
  sumText,
  sentenceOf,
  headTexts,
  decodingTexts,
  pixelTexts,
  sentence,
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  console.log(JSON.stringify(PRINTED[name](...given)));
}
