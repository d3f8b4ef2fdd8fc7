// Writes too_new.json: names of the web that the oldest browsers of the last three years do not have, from MDN's
// browser-compat-data (CC0). `npm pack @mdn/browser-compat-data`, unpack it, then `node tests/ui/too_new.js FOLDER`.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OLDEST = { safari: [16, 4], firefox: [115], chrome: [109] };

const data = JSON.parse(readFileSync(join(process.argv[2], "data.json"), "utf8"));

/** Whether a version of a browser is at most another. @param {string} version @param {number[]} limit */
function isAtMost(version, limit) {
  const parts = version.replace("≤", "").split(".").map(Number);
  for (const [place, most] of limit.entries()) if ((parts[place] ?? 0) !== most) return (parts[place] ?? 0) < most;
  return true;
}

/** Whether all oldest browsers have a feature, as it is or in part. @param {{ support: any }} compat */
function isOld({ support }) {
  return Object.entries(OLDEST).every(([browser, limit]) => {
    const ways = [support[browser] ?? []].flat();
    const plain = ways.filter((way) => !way.prefix && !way.flags && !way.alternative_name);
    return plain.some(
      ({ version_added: added }) => typeof added === "string" && added !== "preview" && isAtMost(added, limit),
    );
  });
}

/** Every feature below a node: (its path, whether it is old). @returns {Generator<[string[], boolean]>} */
function* features(node, path = []) {
  for (const [name, inside] of Object.entries(node)) {
    if (name === "__compat" || typeof inside !== "object") continue;
    if (inside.__compat) yield [[...path, name], isOld(inside.__compat)];
    yield* features(inside, [...path, name]);
  }
}

/** Names of which no feature is old. @param {Iterable<[string, boolean]>} named */
function tooNew(named) {
  const [old, young] = [new Set(), new Set()];
  for (const [name, isOld] of named) (isOld ? old : young).add(name);
  return [...young].filter((name) => !old.has(name) && /^[\w$-]+(: [\w-]+)?$/.test(name)).sort();
}

const last = ([path, old]) => [path.at(-1).replace(/_static$/, ""), old];
const scripts = [...features(data.api), ...features(data.javascript.builtins)];
const properties = [...features(data.css.properties)];
const young = new Set(tooNew(properties.filter(([path]) => path.length === 1).map(last)));
const values = properties.filter(([path]) => path.length === 2 && !young.has(path[0]));
const lists = {
  script: tooNew(scripts.map(last)),
  property: [...young],
  value: tooNew(values.map(([path, old]) => [path.join(": "), old])),
  selector: tooNew([...features(data.css.selectors)].filter(([path]) => path.length === 1).map(last)),
  rule: tooNew([...features(data.css["at-rules"])].filter(([path]) => path.length === 1).map(last)),
  function: tooNew([...features(data.css.types)].map(last)),
};
const oldest = Object.entries(OLDEST).map(([browser, version]) => `${browser} ${version.join(".")}`);
const head = { source: `@mdn/browser-compat-data ${data.__meta.version}, CC0`, oldest: oldest.join(", ") };
const lines = Object.entries(lists).map(
  ([kind, names]) => `  "${kind}": "${names.join(kind === "value" ? "; " : " ")}"`,
);
const text = `{\n  "source": "${head.source}",\n  "oldest": "${head.oldest}",\n${lines.join(",\n")}\n}\n`;
writeFileSync(new URL("too_new.json", import.meta.url), text);
