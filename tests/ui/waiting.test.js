import assert from "node:assert/strict";
import { test } from "node:test";

import { outputsOf, passed, passes } from "../../demos/ui/core/passing.js";
import { Line, messagesOf, sentenceOf } from "../../demos/ui/core/waiting.js";

globalThis.document ??= { documentElement: { lang: "en" } };

const joined = () => {
  const line = new Line();
  line.join("a", "/cancel", { event_id: "a" }, 0);
  return line;
};

test("a stream of events is cut into its messages, whatever it is cut into on its way", () => {
  const stream = 'data: {"msg":"estimation","rank":1}\n\nevent: close\ndata: x\n\ndata: {"msg":"process_st';
  const [messages, rest] = messagesOf(stream);
  assert.deepEqual(messages, [{ msg: "estimation", rank: 1 }]);
  assert.deepEqual(messagesOf(`${rest}arts"}\n\n`)[0], [{ msg: "process_starts" }]);
});

test("what answers within a second is not told of", () => {
  const line = joined();
  assert.equal(line.silent(900), null);
  line.tell({ msg: "process_completed", event_id: "a" }, 950);
  assert.equal(line.silent(5000), null);
});

test("an answer that comes before the request's own counts", () => {
  const line = new Line();
  line.tell({ msg: "process_completed", event_id: "a" }, 0);
  line.join("a", "/cancel", {}, 1);
  assert.equal(line.silent(5000), null);
});

test("place in the line, then what is loaded, then seconds since the start", () => {
  const line = joined();
  line.tell({ msg: "estimation", event_id: "a", rank: 2 }, 10);
  assert.equal(sentenceOf(line.silent(1200), [], 1200), "Waiting: number 3 in line");
  line.tell({ msg: "process_starts", event_id: "a" }, 2000);
  assert.equal(line.silent(2500), null);
  assert.equal(sentenceOf(line.silent(6100), ["ViT-S/14"], 6100), "Loading ViT-S/14");
  assert.equal(sentenceOf(line.silent(6100), [], 6100), "Running for 4 s");
});

test("what streams its steps shows its progress itself", () => {
  const line = joined();
  line.tell({ msg: "process_starts", event_id: "a" }, 0);
  for (const now of [800, 1600, 2400]) line.tell({ msg: "process_generating", event_id: "a" }, now);
  assert.equal(line.silent(3000), null);
  assert.equal(line.silent(3500).id, "a");
});

test("strips are told what begins, what fails or is stopped, and whether it has begun again", () => {
  const told = [];
  const line = new Line({
    passes: (event) => told.push(["passes", event]),
    passed: (event, again) => told.push(["passed", event, again()]),
  });
  const ask = (id) => line.join(id, "/cancel", { fn_index: 3 }, 0);
  ask("well");
  line.tell({ msg: "process_completed", event_id: "well", success: true }, 1);
  ask("badly");
  line.tell({ msg: "process_completed", event_id: "badly", success: false }, 1);
  line.tell({ msg: "process_completed", event_id: "early", success: false }, 1);
  ask("early");
  ask("first");
  ask("again");
  line.leave(line.asked.get("first"));
  const [begins, fails] = [["passes", 3], (again) => ["passed", 3, again]];
  assert.deepEqual(told, [begins, begins, fails(false), begins, fails(false), begins, begins, fails(true)]);
});

test("an event's outputs are found by the ids that they have in the page", () => {
  const config = {
    dependencies: [{ id: 4, outputs: [7, 8, 9] }],
    components: [
      { id: 7, props: { elem_id: "vit-strip" } },
      { id: 8, props: {} },
    ],
  };
  assert.deepEqual(outputsOf(config, 4), ["vit-strip", "component-8", "component-9"]);
  assert.deepEqual(outputsOf(config, 5), []);
});

test("a strip that passes says so when its event has failed, and its own words when it begins again", async () => {
  const strip = {
    innerHTML: "<span>Loading …</span>",
    set textContent(text) {
      this.innerHTML = text;
    },
  };
  const place = { querySelectorAll: (selector) => (selector === "[data-passing]" ? [strip] : []) };
  globalThis.document.getElementById = (id) => (id === "component-9" ? place : null);
  globalThis.gradio_config = { dependencies: [{ id: 4, outputs: [8, 9] }], components: [] };
  const soon = () => new Promise((done) => setTimeout(done, 250));
  passed(4, () => true);
  await soon();
  assert.equal(strip.innerHTML, "<span>Loading …</span>", "it has begun again meanwhile");
  passed(4, () => false);
  await soon();
  assert.equal(strip.innerHTML, "Nothing was computed.");
  passes(5);
  assert.equal(strip.innerHTML, "Nothing was computed.");
  passes(4);
  assert.equal(strip.innerHTML, "<span>Loading …</span>");
});
