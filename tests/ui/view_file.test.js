import assert from "node:assert/strict";
import test from "node:test";

import { read } from "../../demos/ui/pieces/view_file.js";

const GOOD = { format: "glassbox-view", version: 1, page: "vit/features", values: { model: "x" }, pictures: {} };

test("a file says page, values and pictures", () => {
  const pictures = { picture: "data:image/png;base64,iVBORw0KGgo=" };
  assert.deepEqual(read(JSON.stringify({ ...GOOD, pictures })), {
    page: "vit/features",
    values: { model: "x" },
    pictures,
  });
});

test("another version is told from damage", () => {
  assert.throws(() => read(JSON.stringify({ ...GOOD, version: 2 })), /another version/);
});

for (const [name, text] of Object.entries({
  "no JSON": "{",
  nothing: "null",
  "a list": "[]",
  "another format": JSON.stringify({ ...GOOD, format: "x" }),
  "a value that is no text": JSON.stringify({ ...GOOD, values: { seed: 7 } }),
  "values in a list": JSON.stringify({ ...GOOD, values: ["a"] }),
  "no pictures": JSON.stringify({ ...GOOD, pictures: null }),
  "a picture elsewhere": JSON.stringify({ ...GOOD, pictures: { picture: "https://example.org/a.png" } }),
  "a picture that is a page": JSON.stringify({ ...GOOD, pictures: { picture: "data:text/html;base64,AAAA" } }),
  "a vector picture": JSON.stringify({ ...GOOD, pictures: { picture: "data:image/svg+xml;base64,AAAA" } }),
  "a page that is no text": JSON.stringify({ ...GOOD, page: 3 }),
  "too many values": JSON.stringify({
    ...GOOD,
    values: Object.fromEntries(Array.from({ length: 61 }, (_, i) => [`a${i}`, ""])),
  }),
}))
  test(`${name} is refused in a sentence`, () => assert.throws(() => read(text), /damaged, or was not saved/));
