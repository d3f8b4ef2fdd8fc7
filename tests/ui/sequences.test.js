import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.document = {
  baseURI: "http://localhost/",
  createElement: () => ({ addEventListener() {}, setAttribute() {}, append() {} }),
  head: { append() {} },
};

const { layout, unitAt } = await import("../../demos/ui/pieces/units.js");
const { meanOf, strongest } = await import("../../demos/ui/pieces/caption_reading.js");
const { busiest, CELLS, squashed } = await import("../../demos/ui/pieces/cell_diagram.js");
const { columnsShown, lettersShown, roomFor, runsOf } = await import("../../demos/ui/pieces/memory_map.js");
const { alikeTogether, arraysOf, largestFirst, Reading, Slowness } = await import("../../demos/ui/pieces/reading.js");
const { nameOf, titleAt } = await import("../../demos/ui/pieces/characters.js");
const { TypedBox } = await import("../../demos/ui/pieces/typed_box.js");
const { reach, sharesOf } = await import("../../demos/ui/components/influence_view.js");
const { meanAfter } = await import("../../demos/ui/components/memory_compare.js");

const inline = (dtype, values, shape) => ({
  dtype,
  shape,
  data: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64"),
});

/** A view of `text` whose characters are symbols of "\nabc", with two units and one bar. */
function viewOf(text, { base = "", version = "1", kept = 0 } = {}) {
  const alphabet = "\nabc";
  const symbols = Uint8Array.from(text, (character) => alphabet.indexOf(character));
  const count = symbols.length;
  return {
    ...{ base, version, kept, text, alphabet },
    symbols: inline("uint8", symbols, [count]),
    surprise: inline(
      "float32",
      Float32Array.from({ length: count }, (_, place) => kept + place),
      [count],
    ),
    best: inline(
      "uint8",
      Uint8Array.from({ length: count }, () => 2),
      [count, 1],
    ),
    probabilities: inline(
      "float32",
      Float32Array.from({ length: count }, () => 0.5),
      [count, 1],
    ),
    columns: inline(
      "float16",
      Uint16Array.from({ length: 2 * count }, () => 0x3c00),
      [count, 2],
    ),
  };
}

test("a reading grows, shrinks and changes by what each view adds", async () => {
  const reading = new Reading();
  const cases = [
    [viewOf("\nab", { version: "1" }), "ab"],
    [viewOf("c", { base: "1", version: "2", kept: 3 }), "abc"],
    [viewOf("", { base: "2", version: "3", kept: 2 }), "a"],
    [viewOf("cb", { base: "3", version: "4", kept: 2 }), "acb"],
    [viewOf("\nb", { version: "5" }), "b"],
  ];
  for (const [view, text] of cases) {
    assert.ok(reading.accepts(view));
    assert.equal(reading.textWith(view), text);
    reading.apply(view, await arraysOf(view));
    assert.equal(reading.text, text);
    assert.equal(reading.last, text.length);
  }
  const { read, surprise, best, probabilities, column } = reading.characters[1];
  assert.deepEqual([read, surprise, best, [...probabilities], [...column]], ["b", 1, ["b"], [0.5], [1, 1]]);
});

test("a view of another version than the last is not added", async () => {
  const reading = new Reading();
  const view = viewOf("\nab", { version: "1" });
  reading.apply(view, await arraysOf(view));
  assert.ok(!reading.accepts(viewOf("c", { base: "2", version: "3", kept: 3 })));
  assert.ok(reading.accepts(viewOf("\nabc", { version: "3" })));
});

test("slow units cover their range in few steps; constant ones come last", () => {
  const columns = [
    [0, 0, 1],
    [1, 1, 1],
    [0, 2, 1],
    [1, 3, 1],
  ].map((values) => Float32Array.from(values));
  const slowness = new Slowness();
  assert.deepEqual([...slowness.of(columns, 3)], [1 / 3, 1, 0]);
  assert.deepEqual(largestFirst(slowness.of(columns, 3)), [1, 0, 2]);
  for (const changed of [[...columns, Float32Array.of(5, 0, 1)], columns.slice(0, 2), [columns[2], columns[3]]])
    assert.deepEqual(slowness.of(changed, 3), new Slowness().of(changed, 3), "a text that goes on, or was changed");
  assert.deepEqual(largestFirst([1, 3, 1, 3]), [1, 3, 0, 2]);
});

test("the map has room for more columns than it shows", () => {
  assert.deepEqual([1, 48, 49, 64, 65, 1001].map(columnsShown), [48, 48, 49, 64, 65, 1001]);
  assert.deepEqual([1, 48, 64, 65, 257, 1001].map(roomFor), [64, 64, 64, 128, 512, 1024]);
});

test("units lie in rows of 32, and are found under the pointer", () => {
  assert.deepEqual([5, 32, 33, 512].map(layout), [
    [1, 5],
    [1, 32],
    [2, 32],
    [16, 32],
  ]);
  const canvas = { getBoundingClientRect: () => ({ left: 10, top: 10, width: 320, height: 20 }) };
  const at = (x, y) => unitAt(canvas, { clientX: x, clientY: y }, 40);
  assert.deepEqual([at(10, 10), at(329, 10), at(15, 25), at(329, 29), at(0, 0)], [0, 31, 32, 39, 0]);
});

test("characters by their names, titles with the last twelve of them", () => {
  assert.deepEqual([" ", "\n", "\ufffd", "a"].map(nameOf), ["space", "newline", "unknown", "a"]);
  const characters = Array.from("\nThe old house\nstood");
  assert.equal(titleAt(characters, 0), "First character of a text");
  assert.equal(titleAt(characters, 3), "Next character after “The”");
  assert.equal(titleAt(characters, 15), "Next character after “… old house⏎s”");
});

test("influence: shares from their roots, and how far back one must go", () => {
  const roots = Uint8Array.from([0, 255, 0, 0, 255 * Math.SQRT1_2, 255 * Math.SQRT1_2, 0, 0, 0]);
  const shares = sharesOf({ data: roots, shape: [3, 3] }, 1);
  assert.ok(Math.abs(shares[1] - 0.5) < 0.01);
  assert.deepEqual(
    [reach(Float64Array.of(0.2, 0.3, 0.5), 2, 0.5), reach(Float64Array.of(0.2, 0.3, 0.5), 2, 0.9)],
    [1, 3],
  );
  assert.equal(reach(Float64Array.of(0, 0), 1, 0.5), 2);
});

test("surprise after the first edit, on average", () => {
  assert.equal(meanAfter([9, 9, 1, 3], 1), 2);
});

/** A page with one text box. */
function boxed(value) {
  const heard = {};
  const node = { value, dispatchEvent: (event) => heard.input?.({ target: node, type: event.type }) };
  globalThis.document.querySelector = () => node;
  globalThis.document.addEventListener = (name, act) => {
    heard[name] = act;
  };
  const told = [];
  const emit = { typed: () => told.push("typed"), interrupted: () => told.push("interrupted") };
  return { node, heard, told, box: new TypedBox("box", emit) };
}

const run = (writing, replaces) => ({ writing, replaces });
const reading = run("", "");

test("whoever types wins: what a run writes after the visitor has changed the box is late", () => {
  const { node, box } = boxed("bla");
  assert.ok(box.isLate(run("1", "bl"), "blac"));
  assert.ok(!box.isLate(run("1", "bla"), "blac"));
  box.write("1", "blac");
  assert.equal(node.value, "blac");
  assert.ok(!box.isLate(run("1", "bla"), "blackb"));
  for (const typed of ["blacX", "bla", ""]) {
    node.value = typed;
    assert.ok(box.isLate(run("1", "bla"), "black"), typed);
    assert.ok(!box.isLate(reading, typed));
  }
});

test("an answer of an older text than was written since is late, one of what is typed is not", () => {
  const { node, box } = boxed("sto");
  box.write("1", "stop");
  assert.ok(box.isLate(reading, "sto"));
  assert.ok(!box.isLate(reading, "stop"));
  node.value = "stopp";
  assert.ok(!box.isLate(reading, "sto"));
});

test("the first key press interrupts at once and only once; what is written is not typed", async () => {
  const { node, heard, told, box } = boxed("a");
  heard.beforeinput({ target: node });
  assert.deepEqual(told, []);
  box.goesOn = true;
  heard.beforeinput({ target: {} });
  heard.beforeinput({ target: node });
  heard.beforeinput({ target: node });
  assert.deepEqual(told, ["interrupted"]);
  box.write("1", "ab");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(told, ["interrupted"]);
  heard.input({ target: node });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(told, ["interrupted", "typed"]);
});

test("every character stands under its column where there is room, else those around the marked one", () => {
  assert.deepEqual(lettersShown(92, 50, 900), [0, 92, true]);
  assert.deepEqual(lettersShown(256, 255, 700), [156, 256, false]);
  assert.deepEqual(lettersShown(256, 128, 700), [78, 178, false]);
  assert.deepEqual(lettersShown(256, 3, 700), [0, 100, false]);
});

test("characters that are equally wide are written at once, the marked one and others by themselves", () => {
  const glyphs = ["⏎", "a", " ", "b", "é", "c", "d"];
  const runs = (...range) => runsOf(glyphs, ...range).map(([place, text]) => `${place}${text}`);
  assert.deepEqual(runs(0, 7, 6, true), ["0⏎", "1a b", "4é", "5c", "6d"]);
  assert.deepEqual(runs(1, 4, 1, true), ["1a", "2 b"]);
  assert.deepEqual(runs(1, 3, 6, false), ["1a", "2 "]);
});

test("units that move alike or against each other stand together", () => {
  const rising = [0, 1, 2, 3, 4, 5];
  const turning = [0, 3, 0, 3, 0, 3];
  const columns = rising.map((value, place) =>
    Float32Array.of(value, turning[place], 9 - value, 7 - turning[place], 2),
  );
  assert.deepEqual(alikeTogether(columns, [0, 1, 2, 3]), [0, 2, 1, 3]);
  assert.deepEqual(alikeTogether(columns, [1, 0, 2, 3]).slice(0, 2), [1, 3]);
  assert.equal(new Set(alikeTogether(columns, [0, 1, 2, 3, 4])).size, 5);
});

test("the cell's stages say the equations with the numbers of the unit, and every part is computed once", () => {
  const [f, i, g, o, before] = [0.9, 0.25, -0.8, 0.5, 2];
  const c = f * before + i * g;
  const numbers = {
    ...{ "forget gate": f, "input gate": i, candidate: g, "output gate": o, "cell state before": before },
    ...{ "cell state": c, "hidden state": o * Math.tanh(c), "hidden state before": 0.1 },
    ...{ "reset gate": 0.3, "update gate": 0.7 },
  };
  const said = CELLS.lstm.stages.map(({ says }) => says(numbers));
  assert.match(said[4], /cₜ = f · cₜ₋₁ \+ i · g = 0\.900 · 2\.000 \+ 0\.250 · \(−0\.800\) = 1\.600/);
  assert.match(said[6], /hₜ = o · tanh\(cₜ\) = 0\.500 · 0\.922 = 0\.461/);
  for (const gate of ["f = σ(W_f", "i = σ(W_i", "g = tanh(W_g", "o = σ(W_o"])
    assert.ok(said.some((sentence) => sentence.includes(gate)));
  for (const { parts, wires, stages } of Object.values(CELLS)) {
    const computed = stages.flatMap((stage) => stage.parts);
    assert.deepEqual([...computed].sort(), Object.keys(parts).sort());
    for (const wire of wires) for (const end of wire.split(" ")) assert.ok(parts[end], wire);
    for (const wire of wires) {
      const [from, to] = wire.split(" ");
      assert.ok(computed.indexOf(from) < computed.indexOf(to), wire);
    }
  }
});

test("the busiest unit is the one whose state moves most", () => {
  const inside = { "hidden state before": [0, 0, 0.5], "hidden state": [0.1, -0.3, 0.6] };
  assert.equal(busiest(inside), 1);
  assert.equal(busiest({ ...inside, "cell state before": [0, 3, 0], "cell state": [0, 3, 9] }), 2);
});

test("what a word read is the mean of a layer's heads, or of all", () => {
  // two layers of two heads, three cells
  const data = Float32Array.from([1, 0, 0, 0, 1, 0, 0, 0, 1, 0.5, 0.5, 0]);
  const read = { data, shape: [2, 2, 3] };
  assert.deepEqual([...meanOf(read, 0)], [0.5, 0.5, 0]);
  assert.deepEqual([...meanOf(read, 1)], [0.25, 0.25, 0.5]);
  assert.deepEqual([...meanOf(read, -1)], [0.375, 0.375, 0.25]);
  assert.deepEqual(strongest([0.1, 0.7, 0.2]), { cell: 1, share: 0.7 });
});

test("a gate says what is added up before it is squashed, where that is told", () => {
  const numbers = { "W x, reset gate": 0.5, "U h, reset gate": -0.25, "W x, candidate": -1, "U h, candidate": 2 };
  assert.equal(squashed(numbers, "reset gate", "σ"), " = σ(0.500 + (−0.250))");
  assert.equal(squashed(numbers, "candidate", "tanh", 0.5), " = tanh(−1.000 + 0.500 · 2.000)");
  assert.equal(squashed(numbers, "update gate", "σ"), "");
  const says = CELLS.gru.stages[1].says({ ...numbers, "reset gate": 0.562 });
  assert.match(says, /r = σ\(W_r xₜ \+ U_r hₜ₋₁ \+ b_r\) = σ\(0\.500 \+ \(−0\.250\)\) = 0\.562/u);
});
