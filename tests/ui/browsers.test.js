// What scripts and style sheets use is there in the oldest browsers of the last three years (too_new.json), or what is
// missing is harmless, asked for first, or told of by a sentence (demos/page_head.py).

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const DEMOS = fileURLToPath(new URL("../../demos", import.meta.url));
const UI = join(DEMOS, "ui");
const listed = JSON.parse(readFileSync(new URL("too_new.json", import.meta.url), "utf8"));
const names = (kind) => new Set(listed[kind].split(kind === "value" ? "; " : " "));

const HARMLESS = {
  imageSmoothingQuality: "Firefox makes thumbnails a little coarser",
  "content-visibility": "what is out of sight is drawn with the rest",
  "contain-intrinsic-size": "asked for with content-visibility alone",
  "scrollbar-width": "Safari is told by ::-webkit-scrollbar",
  has: "Firefox shows no second ring around a chosen radio button, and prints hidden headings nowhere",
  "justify-content: safe": "what is too wide begins at the left in Safari",
  "field-sizing": "a box of three lines scrolls instead of growing",
};
const TOLD = { "color-mix": "the sentence of demos/page_head.py" };

const files = (ending, folder = UI) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => [name, readFileSync(join(folder, name), "utf8")]);

/** Scripts, also those that Python files write into the page. */
const scripts = () => [
  ...files(".js"),
  ...files(".py", DEMOS).map(([name, text]) => [name, [...all(text, /<script>([\s\S]*?)<\/script>/g)].join("\n")]),
];

/** Style sheets, also the one of demos/theme.py, and what stands in style attributes. */
const sheets = () => [
  ...files(".css"),
  [
    "CSS of theme.py",
    readFileSync(join(DEMOS, "theme.py"), "utf8")
      .split("CSS = (")[1]
      .replace(/([{}])\1/g, "$1"),
  ],
  ...[...files(".py", DEMOS), ...files(".js")].map(([name, text]) => [
    name,
    [...all(text, /style="([^"]*)"/g)].map((style) => `a {${style.replace(/\{[^}]*\}/g, "0")}}`).join("\n"),
  ]),
];

/** Without comments and texts, which hold any words. @param {string} script */
const code = (script) =>
  script
    .replace(/\/\*[\s\S]*?\*\//g, " ")
    .replace(/(^|[^:"'`\\])\/\/.*/g, "$1")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');

const all = (text, pattern) => new Set([...text.matchAll(pattern)].map(([, name]) => name));

/** Names that our own modules and views give to things. */
function own() {
  const every = [...files(".js"), ...files(".d.ts")].map(([, text]) => text).join("\n");
  const patterns = [
    /\b([\w$]+)\??\s*:/g,
    /\bthis\.#?([\w$]+)\s*=/g,
    /^\s*(?:async |static |get |set |\*)*#?([\w$]+)\([^\n]*\)\s*\{/gm,
    /\b(?:function\*?|const|let|class)\s+([\w$]+)/g,
    /[{,]\s*(?:\.\.\.)?([\w$]+)\s*(?=[,}=])/g,
  ];
  return new Set(patterns.flatMap((pattern) => [...all(every, pattern)]));
}

/** Names behind a dot, and those of classes; not of our own events, nor of styles, which style sheets are asked for. */
function used(script) {
  const text = code(script).replace(/\b(?:emit|style)\.\w+/g, " ");
  return new Set([...all(text, /(?<!\.)\.\s*([A-Za-z_$][\w$]*)/g), ...all(text, /(?<![.\w$])([A-Z][\w$]*)(?=[.(])/g)]);
}

/** Names that a script uses and the oldest browsers do not have. @param {string} script @param {Set<string>} given */
function missing(script, given) {
  const young = names("script");
  const asked = new Set([...all(script, /"([\w$]+)" in /g), ...all(script, /typeof [\w.]+\.(\w+)/g)]);
  return [...used(script)].filter((name) => young.has(name) && !given.has(name) && !asked.has(name));
}

/** What a style sheet uses and the oldest browsers do not have. @param {string} sheet */
function missingInStyle(sheet) {
  const text = sheet.replace(/\/\*[\s\S]*?\*\//g, " ");
  const every = [...text.matchAll(/[{;]\s*([a-z][a-z-]*)\s*:([^;{}]*)/g)];
  const declared = every.filter(([, property]) => property !== "font-family"); // its list ends with what all have
  const found = {
    property: declared.map(([, property]) => property).filter((name) => !text.includes(`-webkit-${name}:`)),
    value: declared.flatMap(
      ([, property, value]) => value.match(/[a-z-]+/g)?.map((word) => `${property}: ${word}`) ?? [],
    ),
    selector: [...all(text, /::?([a-z][a-z-]*)(?=[^;{}]*\{)/g)], // those of one browser begin with a hyphen
    rule: [...all(text, /@([a-z-]+)/g)],
    function: [...all(text, /([a-z-]+)\(/g)],
  };
  return Object.entries(found).flatMap(([kind, all]) => [...new Set(all)].filter((name) => names(kind).has(name)));
}

const unexcused = (found) => found.filter((name) => !(name in HARMLESS) && !(name in TOLD));

test("the list knows what is new and what is old", () => {
  const script = names("script");
  for (const name of ["groupBy", "requestVideoFrameCallback", "scheduler"]) assert.ok(script.has(name), name);
  for (const name of ["fetch", "map", "structuredClone", "at", "replaceChildren", "randomUUID"])
    assert.ok(!script.has(name), name);
  assert.deepEqual(missing("Map.groupBy(all, (one) => one.kind)", new Set()), ["groupBy"]);
  assert.deepEqual(missing('if ("groupBy" in Map) Map.groupBy(all, kind)', new Set()), []);
  assert.deepEqual(missingInStyle("a:has(b) { text-wrap: pretty; color: color-mix(in srgb, red, blue); }").sort(), [
    "color-mix",
    "has",
    "text-wrap",
  ]);
});

test("scripts use what the oldest browsers have", () => {
  const given = own();
  const found = scripts().map(([name, script]) => [name, unexcused(missing(script, given))]);
  assert.deepEqual(
    found.filter(([, names]) => names.length),
    [],
  );
});

test("what Python files write into the page is read too", () => {
  const sheet = Object.fromEntries(sheets())["CSS of theme.py"];
  assert.deepEqual(missingInStyle(sheet).sort(), ["color-mix", "has"]);
  assert.ok(missingInStyle(`${sheet} a { field-sizing: content; }`).includes("field-sizing"));
  assert.ok(Object.fromEntries(scripts())["page_head.py"].includes("localStorage"));
  const styled = sheets().filter(([name, text]) => name.endsWith(".py") && text.includes("a {"));
  assert.ok(styled.length > 2, "style attributes of views");
});

test("style sheets use what the oldest browsers have", () => {
  const found = sheets().map(([name, sheet]) => [name, unexcused(missingInStyle(sheet))]);
  assert.deepEqual(
    found.filter(([, names]) => names.length),
    [],
  );
});

test("what is excused is used, and told where it matters", () => {
  const given = own();
  const found = new Set([
    ...scripts().flatMap(([, script]) => missing(script, given)),
    ...sheets().flatMap(([, sheet]) => missingInStyle(sheet)),
  ]);
  for (const name of [...Object.keys(HARMLESS), ...Object.keys(TOLD)]) assert.ok(found.has(name), name);
  const head = readFileSync(new URL("../../demos/page_head.py", import.meta.url), "utf8");
  for (const name of Object.keys(TOLD)) assert.ok(head.includes(name), name);
});
