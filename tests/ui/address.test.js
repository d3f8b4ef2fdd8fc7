import assert from "node:assert/strict";
import { test } from "node:test";
import { read, textOf, write } from "../../demos/ui/core/address.js";
import { InsideEdits } from "../../demos/ui/pieces/inside_edits.js";

const TABLE = [
  { page: "vit/steps", panel: "a" },
  { page: "vit/features", panel: "b" },
  { page: "door", panel: "c" },
];
const FIRSTS = { vit: "steps" };
const at = (/** @type {string} */ rest) => read(`http://host/app/${rest}`, TABLE, FIRSTS);

test("an address names a page and its values, in front of the # and behind it", () => {
  const { page, values, unknown } = at("?tab=vit&at=features&model=small#text=two+words%26more");
  assert.equal(page, "vit/features");
  assert.deepEqual({ ...values }, { model: "small", text: "two words&more" });
  assert.deepEqual(unknown, []);
});

test("a tab alone is its first page, and a tab without pages is one", () => {
  assert.equal(at("?tab=vit").page, "vit/steps");
  assert.equal(at("?tab=door").page, "door");
  assert.equal(at("").page, "");
});

for (const [rest, page, unknown] of /** @type {[string, string, string[]][]} */ ([
  ["?tab=vit&at=nothing", "vit/steps", ["at"]],
  ["?tab=nothing", "", ["tab"]],
  ["?tab=__proto__&at=constructor", "", ["tab"]],
  [`?tab=${"x".repeat(100_000)}`, "", ["tab"]],
  ["?tab=vit&at=features&tab=door", "door", []],
  ["#just-a-place", "", []],
])) {
  test(`${rest.slice(0, 40)} opens "${page}"`, () => {
    const found = at(rest);
    assert.equal(found.page, page);
    assert.deepEqual(found.unknown, unknown);
  });
}

test("parameters of Gradio and of a Space are nobody's values, and stay", () => {
  const href = "http://host/?__theme=dark&view=api&page=x&tab=vit&old=1";
  assert.deepEqual({ ...read(href, TABLE, FIRSTS).values }, { old: "1" });
  const written = write(href, "vit/features", { seed: "7" }, { text: "a b" });
  assert.equal(written, "http://host/?tab=vit&at=features&seed=7&__theme=dark&view=api&page=x#text=a+b");
});

test("what is written is read again", () => {
  const values = { model: "a/b&c=d#e", words: "über, 100 %" };
  const found = read(write("http://host/", "vit/steps", {}, values), TABLE, FIRSTS);
  assert.deepEqual([found.page, { ...found.values }], ["vit/steps", values]);
});

test("values of controls as texts", () => {
  const value = { name: "x", first: null, kind: /** @type {const} */ ("value") };
  const picture = { ...value, kind: /** @type {const} */ ("picture"), pictures: { "lion.jpg": "lion" } };
  assert.deepEqual(
    [true, 0.5, null, ["a", "b"]].map((one) => textOf(one, value)),
    ["1", "0.5", "", "a,b"],
  );
  assert.equal(textOf({ path: "/tmp/x/lion.jpg", orig_name: null }, picture), "lion");
  assert.equal(textOf({ path: "/tmp/x/image.png", orig_name: "me.png" }, picture), "");
});

test("what is switched off inside a network stands in an address, and what this run has no place for is left out", () => {
  const stack = { kind: /** @type {const} */ ("decoder"), layers: 4, queries: ["a", "b", "c"], keys: ["a", "b", "c"] };
  const view = { stacks: [stack], heads: 5, tokens: ["a", "b", "c"], note: "", places: true };
  const text = "head.decoder.3.4,layer.decoder.0,look.decoder.2.1.all.0,hide.1,swap.0.2,places";
  const edits = InsideEdits.of(text, view);
  assert.equal(edits.text(), text);
  assert.deepEqual(edits.sent().edges_off, [["decoder", 2, 1, null, 0]]);
  const odd =
    "head.decoder.4.0,head.encoder.0.0,hide.3,hide.-1,hide.1e0,swap.0,look.decoder.all.0.0.0,layer.decoder,x,,.,places";
  assert.equal(InsideEdits.of(odd, { ...view, places: false }).text(), "");
  assert.equal(InsideEdits.of(Array(5000).fill("hide.1").join(","), view).unseen.length, 200);
});
