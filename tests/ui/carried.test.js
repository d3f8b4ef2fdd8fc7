import assert from "node:assert/strict";
import test from "node:test";

import { carried } from "../../demos/ui/core/carried.js";
import { randoms } from "./randoms.js";

test("a page that was left as it was shows the newest text of the first page", () => {
  assert.equal(carried("a", "example", "", "example"), "example");
  assert.equal(carried("a", "example", " \n", "example"), "example");
  assert.equal(carried("a", "example", null, "example"), "example");
  assert.equal(carried("a", "example", "begins", "example", "begins"), "example");
  assert.equal(carried("a", "example", "first", "example", "begins"), "first");
  assert.equal(carried("a", "example", "second", "first"), "second");
});

test("a text of the visitor's own stays, whatever was typed elsewhere", () => {
  assert.equal(carried("b", "example", "first", "own"), "own");
  assert.equal(carried("b", "example", "first", ""), "");
  assert.equal(carried("c", "example", "first", "example"), "first");
  assert.equal(carried("c", "example", "first", "first and more"), "first and more");
  assert.equal(carried("c", "example", "second", "first and more"), "first and more");
});

test("pages are told apart", () => {
  carried("d", "example", "first", "example");
  assert.equal(carried("e", "example", "second", "example"), "second");
  assert.equal(carried("d", "example", "second", "first"), "second");
});

test("whatever is typed and however one goes to and fro, no text of one's own is lost", () => {
  for (let seed = 1; seed < 500; seed++) {
    const random = randoms(seed);
    const [example, begins] = ["example", "begins"];
    let [first, here, own] = [begins, example, false];
    for (let step = 0; step < 12; step++) {
      if (random() < 0.4) first = ["", " ", begins, "one", "two", "three"][Math.floor(6 * random())];
      if (random() < 0.2) [here, own] = [`own ${step}`, true];
      const stays = own || ["", begins].includes(first.trim());
      const shown = carried(`page ${seed}`, example, first, here, begins);
      assert.equal(shown, stays ? here : first);
      here = shown;
    }
  }
});
