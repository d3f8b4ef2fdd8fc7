const { products, softmax, mix, renormalise, movement, short, factor, terms, dot } = sumArithmetic;
const part = (name) => element.querySelector(`.${name}`);
const KINDS = { encoder: "Encoder self-attention", decoder: "Decoder self-attention", cross: "Cross-attention" };
const REST_MILLISECONDS = 350;
const made = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });
const quoted = (token) => `\u201c${token.trim() || "space"}\u201d`;
const named = (token, index) => `${quoted(token)} (${index + 1})`;

let shown = null; // the head: q, k, v as rows, names
let rows = []; // the elements of each key
let query = 0;
let temperature = 1;
let own = new Map(); // query -> weights written or dragged
let kept = new Map(); // query -> keys whose weights were written and stay
let sum = null; // all numbers of the row shown
let timer = null;

const floats = (text, size) => {
  const values = new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  return Array.from({ length: values.length / size }, (_, row) => Array.from(values.subarray(row * size, (row + 1) * size)));
};

const visibleTo = (index) => shown.keys.map((_, s) => !shown.hidden[index * shown.keys.length + s]);

function numbersOf(index) {
  const visible = visibleTo(index);
  const raw = products(shown.q[index], shown.k);
  const scaled = raw.map((value) => value / Math.sqrt(shown.size));
  const first = softmax(scaled, visible);
  const heated = temperature === 1 ? first : softmax(scaled, visible, temperature);
  const weights = own.get(index) ?? heated;
  return { visible, raw, scaled, first, heated, weights, before: mix(first, shown.v), after: mix(weights, shown.v) };
}

const isChanged = () => own.has(query) || temperature !== 1;

// --- drawing

function paint(canvas, cells, limit) {
  const [rowCount, columns] = [cells.length, cells[0].length];
  if (canvas.width !== columns || canvas.height !== rowCount) Object.assign(canvas, { width: columns, height: rowCount });
  const image = new ImageData(columns, rowCount);
  cells.forEach((row, r) => row.forEach((value, c) => image.data.set(colourOf(value, limit), 4 * (r * columns + c))));
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const colourOf = (value, limit) => {
  if (value === null) return [0, 0, 0, 0];
  return [...(limit === null ? window.glassbox.sequential(Math.sqrt(value)) : window.glassbox.diverging(value / limit)), 255];
};

const largest = (...blocks) => Math.max(1e-9, ...blocks.flatMap((block) => block.map((row) => Math.max(...row.map(Math.abs)))));

function keyRow(token, s) {
  const row = made("div", "ws-row");
  row.dataset.key = s;
  const canvas = (block) => {
    const one = made("canvas", `ws-cells ws-${block}`);
    Object.assign(one.dataset, { block, row: s });
    one.tabIndex = s === 0 ? 0 : -1;
    one.setAttribute("role", "img");
    one.setAttribute("aria-label", `${block} of ${named(token, s)}: arrow keys read its numbers`);
    return one;
  };
  const bar = Object.assign(made("input", "ws-bar"), { type: "range", min: 0, max: 1, step: "any" });
  bar.setAttribute("aria-label", `weight of ${named(token, s)}`);
  const number = Object.assign(made("input", "ws-own"), { type: "number", min: 0, max: 1, step: 0.01, inputMode: "decimal" });
  number.setAttribute("aria-label", `weight of ${named(token, s)}, written`);
  const elements = {
    row, bar, number,
    k: canvas("k"),
    raw: made("span", "ws-number ws-raw"),
    scaled: made("span", "ws-number ws-scaled"),
    power: made("span", "ws-number ws-power"),
    v: canvas("v"),
  };
  const name = made("span", "ws-token", token.trim() || "\u2423");
  name.title = named(token, s);
  row.append(name, elements.k, elements.raw, elements.scaled, elements.power, bar, number, elements.v);
  return elements;
}

function drawHead() {
  const { keys, queries, kinds, kind } = shown;
  part("ws-kinds").replaceChildren(
    ...kinds.map(([name, layers]) => {
      const button = Object.assign(made("button", "", KINDS[name]), { type: "button" });
      button.setAttribute("aria-pressed", name === kind);
      button.addEventListener("click", () => chooseHead({ kind: name, layer: Math.min(shown.layer, layers - 1) }));
      return button;
    }),
  );
  part("ws-kinds").hidden = kinds.length < 2;
  const layers = kinds.find(([name]) => name === kind)[1];
  for (const [name, count] of [["layer", layers], ["head", shown.heads]]) {
    Object.assign(part(`ws-${name}`), { max: count, value: shown[name] + 1 });
    part(`ws-${name}-value`).textContent = shown[name] + 1;
  }
  part("ws-query-name").textContent = kind === "cross" ? "The token being written looks (query)" : "The token that looks (query)";
  part("ws-query-hint").textContent = "click another";
  part("ws-scaled").innerHTML = `\u00f7 \u221a${shown.size}`;
  strip.show(queries);
  rows = keys.map(keyRow);
  part("ws-rows").replaceChildren(...rows.map(({ row }) => row));
  shown.limitK = largest(shown.q, shown.k);
  shown.limitV = largest(shown.v);
  rows.forEach(({ k, v }, s) => {
    paint(k, [shown.k[s]], shown.limitK);
    paint(v, [shown.v[s]], shown.limitV);
  });
  const bar = part("ws-scale-bar");
  paint(bar, [Array.from({ length: 96 }, (_, i) => i / 47.5 - 1)], 1);
  part("ws-scale-k").textContent = `q, k: \u2212${short(shown.limitK)}`;
  part("ws-scale-k-high").textContent = short(shown.limitK);
  part("ws-scale-v").textContent = `v and sum: \u2212${short(shown.limitV)} to ${short(shown.limitV)}, same colours`;
}

function drawQuery() {
  sum = numbersOf(query);
  part("ws-of-query").textContent = `q of ${quoted(shown.queries[query])}`;
  part("ws-of-query").title = named(shown.queries[query], query);
  const q = element.querySelector('[data-block="q"]');
  q.setAttribute("aria-label", `query of ${named(shown.queries[query], query)}: arrow keys read its numbers`);
  paint(q, [shown.q[query]], shown.limitK);
  rows.forEach((one, s) => {
    one.row.dataset.hidden = sum.visible[s] ? "no" : "yes";
    one.raw.textContent = sum.raw[s].toFixed(2).replace("-", "\u2212");
    one.scaled.textContent = sum.visible[s] ? sum.scaled[s].toFixed(2).replace("-", "\u2212") : "\u2212\u221e";
    one.bar.disabled = one.number.disabled = !sum.visible[s];
    one.bar.style.setProperty("--ws-first", sum.first[s]);
  });
  drawWeights();
}

function drawWeights(held = null) {
  sum = numbersOf(query);
  const edited = isChanged();
  const held_ = kept.get(query) ?? new Set();
  rows.forEach((one, s) => {
    const weight = sum.weights[s];
    one.row.dataset.edited = edited ? "yes" : "no";
    one.power.textContent = sum.visible[s] ? short(Number(Math.exp(sum.scaled[s] / temperature).toPrecision(2))) : "0";
    if (one.bar !== held) one.bar.value = weight;
    one.bar.style.setProperty("--ws-now", weight);
    if (one.number !== held) one.number.value = weight.toFixed(3);
    one.number.dataset.kept = held_.has(s) ? "yes" : "no";
    one.row.style.setProperty("--ws-shown", 0.25 + 0.75 * Math.sqrt(weight));
  });
  part("ws-out").dataset.edited = edited ? "yes" : "no";
  const [before, after] = ["b", "o"].map((block) => element.querySelector(`[data-block="${block}"]`));
  before.setAttribute("aria-label", "weighted sum, unedited");
  after.setAttribute("aria-label", edited ? "weighted sum, edited" : "weighted sum");
  paint(before, [sum.before], shown.limitV);
  paint(after, [sum.after], shown.limitV);
  const { moved, share, cosine } = movement(sum.before, sum.after);
  part("ws-moved").textContent = edited
    ? `above as it was, below as changed: moved by ${short(moved)}, ${(100 * share).toFixed(0)} % of its length; cosine ${cosine.toFixed(2)}`
    : "\u03a3 weight \u00b7 v, the output of this head for this token";
  strip.shade((s) => (shown.kind === "cross" ? 0 : sum.weights[s]), query);
  part("ws-temperature").value = Math.log10(temperature);
  part("ws-temperature-value").textContent = short(temperature);
  part("ws-reset-row").disabled = !own.has(query);
  part("ws-reset").disabled = !own.size && temperature === 1;
  const changes = [...own.keys()].map((index) => `weights of ${named(shown.queries[index], index)}`);
  if (temperature !== 1) changes.push(`temperature ${short(temperature)} for every token of this head`);
  part("ws-changes").textContent = changes.length ? `Changed: ${changes.join("; ")}.` : "";
  if (part("ws-all").open) drawMatrices();
}

// --- the whole head

const MATRICES = [
  ["Q", "queries"], ["K", "keys"], ["QK\u1d40/\u221ad", "scores"], ["masked", "masked"], ["softmax", "weights"], ["V", "values"], ["weights \u00b7 V", "sums"],
];

function matrices() {
  const all = shown.queries.map((_, index) => numbersOf(index));
  const scores = all.map(({ scaled }) => scaled);
  return {
    queries: [shown.q, shown.limitK],
    keys: [shown.k, shown.limitK],
    scores: [scores, largest(scores)],
    masked: [all.map(({ scaled, visible }) => scaled.map((value, s) => (visible[s] ? value : null))), largest(scores)],
    weights: [all.map(({ weights }) => weights), null],
    values: [shown.v, shown.limitV],
    sums: [all.map(({ after }) => after), shown.limitV],
  };
}

function drawMatrices() {
  const found = matrices();
  const list = shown.hidden.some(Boolean) ? MATRICES : MATRICES.filter(([, name]) => name !== "masked");
  part("ws-matrices").replaceChildren(
    ...list.map(([title, name]) => {
      const [cells, limit] = found[name];
      const figure = made("figure", "");
      const frame = made("div", "ws-frame");
      const canvas = made("canvas", "");
      canvas.dataset.matrix = name;
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${title}, ${cells.length} by ${cells[0].length}`);
      paint(canvas, cells, limit);
      frame.append(canvas);
      if (!["keys", "values"].includes(name)) {
        const mark = made("i", "");
        mark.style.top = `${(100 * query) / cells.length}%`;
        mark.style.height = `max(4px, ${100 / cells.length}%)`;
        frame.append(mark);
      }
      const range = limit === null ? "0 to 1, colour by \u221a" : `\u00b1${short(limit)}`;
      figure.append(frame, made("figcaption", "", `${title}, ${cells.length} \u00d7 ${cells[0].length}, ${range}`));
      const at = (event) => {
        const area = canvas.getBoundingClientRect();
        const row = Math.min(cells.length - 1, Math.max(0, Math.floor(((event.clientY - area.top) / area.height) * cells.length)));
        const column = Math.min(cells[0].length - 1, Math.max(0, Math.floor(((event.clientX - area.left) / area.width) * cells[0].length)));
        return [row, column];
      };
      canvas.addEventListener("pointermove", (event) => {
        const [row, column] = at(event);
        const value = cells[row][column];
        const token = ["keys", "values"].includes(name) ? shown.keys[row] : shown.queries[row];
        const to = ["scores", "masked", "weights"].includes(name) ? named(shown.keys[column], column) : `dimension ${column + 1}`;
        read(`${title}: row ${named(token, row)}, ${to}: ${value === null ? "hidden by the mask" : short(value)}`);
      });
      canvas.addEventListener("click", (event) => {
        if (!["keys", "values"].includes(name)) chooseQuery(at(event)[0]);
      });
      return figure;
    }),
  );
}

// --- the arithmetic in words

const read = (text) => {
  part("sa-readout").textContent = text;
};

function readDefault() {
  const most = sum.weights.indexOf(Math.max(...sum.weights));
  read(`${named(shown.queries[query], query)} takes most, ${sum.weights[most].toFixed(3)}, from ${named(shown.keys[most], most)}. Point at any number for its arithmetic; drag a weight.`);
}

function rowText(s, upTo) {
  const { raw, scaled, visible, first, weights } = sum;
  const parts = [`q\u00b7k = ${terms(shown.q[query], shown.k[s])} = ${short(raw[s])}`];
  if (upTo !== "raw") parts.push(`\u00f7 \u221a${shown.size} = ${short(raw[s])} / ${short(Math.sqrt(shown.size))} = ${short(scaled[s])}`);
  if (upTo === "raw" || upTo === "scaled") return visible[s] || upTo === "raw" ? parts.join("; ") : `${parts.join("; ")}; the mask makes it \u2212\u221e: ${quoted(shown.keys[s])} comes later and is hidden`;
  if (!visible[s]) return `${parts.join("; ")}; hidden by the mask: the score becomes \u2212\u221e and the weight 0`;
  const score = scaled[s] / temperature;
  const total = scaled.reduce((all, value, i) => all + (visible[i] ? Math.exp(value / temperature) : 0), 0);
  if (temperature !== 1) parts.push(`/ temperature ${short(temperature)} = ${short(score)}`);
  parts.push(`e^${factor(score)} / \u03a3 = ${short(Math.exp(score))} / ${short(total)} = ${sum.heated[s].toFixed(3)}`);
  if (own.has(query)) parts.push(`changed by you to ${weights[s].toFixed(3)}`);
  else if (temperature !== 1) parts.push(`${first[s].toFixed(3)} at temperature 1`);
  return parts.join("; ");
}

function cellText(block, s, i) {
  const place = `[${i + 1}]`;
  if (block === "q") return `q${place} of ${named(shown.queries[query], query)} = ${short(shown.q[query][i])}, one of ${shown.size} numbers`;
  if (block === "k") return `k${place} of ${named(shown.keys[s], s)} = ${short(shown.k[s][i])}; q${place}\u00b7k${place} = ${factor(shown.q[query][i])}\u00b7${factor(shown.k[s][i])} = ${short(shown.q[query][i] * shown.k[s][i])}, one of the ${shown.size} terms of q\u00b7k = ${short(sum.raw[s])}`;
  if (block === "v") return `v${place} of ${named(shown.keys[s], s)} = ${short(shown.v[s][i])}; it adds ${sum.weights[s].toFixed(3)}\u00b7${factor(shown.v[s][i])} = ${short(sum.weights[s] * shown.v[s][i])} to the sum`;
  const [weights, total] = block === "b" ? [sum.first, sum.before] : [sum.weights, sum.after];
  const seen = [...weights.keys()].filter((key) => sum.visible[key]).sort((a, b) => Math.abs(weights[b] * shown.v[b][i]) - Math.abs(weights[a] * shown.v[a][i]));
  const text = terms(seen.map((key) => Number(weights[key].toPrecision(3))), seen.map((key) => shown.v[key][i]), 4);
  const unedited = block === "o" && isChanged() ? `; unedited ${short(sum.before[i])}` : "";
  return `sum${place} = ${text} = ${short(total[i])}${unedited}`;
}

function readElement(target, event) {
  if (!shown || !target) return;
  if (target.matches("canvas.ws-cells")) {
    const area = target.getBoundingClientRect();
    const i = event ? Math.floor(((event.clientX - area.left) / area.width) * shown.size) : Number(target.dataset.at ?? 0);
    const inside = Math.min(shown.size - 1, Math.max(0, i));
    target.dataset.at = inside;
    read(cellText(target.dataset.block, Number(target.dataset.row), inside));
    return;
  }
  const row = target.closest("[data-key]");
  if (!row) return;
  const step = target.matches(".ws-raw") ? "raw" : target.matches(".ws-scaled") ? "scaled" : "weight";
  read(`${named(shown.keys[row.dataset.key], Number(row.dataset.key))}: ${rowText(Number(row.dataset.key), step)}`);
}

part("ws-table").addEventListener("pointermove", (event) => readElement(event.target, event));
part("ws-table").addEventListener("pointerdown", (event) => readElement(event.target, event));
part("ws-table").addEventListener("pointerleave", () => shown && readDefault());
part("ws-table").addEventListener("focusin", (event) => event.target.matches(":focus-visible") && readElement(event.target));
part("ws-table").addEventListener("keydown", (event) => {
  const canvas = event.target;
  if (!shown || !canvas.matches("canvas.ws-cells") || !event.key.startsWith("Arrow")) return;
  event.preventDefault();
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) {
    canvas.dataset.at = Math.min(shown.size - 1, Math.max(0, Number(canvas.dataset.at ?? 0) + step));
    readElement(canvas);
  } else if (canvas.dataset.row !== undefined) {
    const next = rows[Number(canvas.dataset.row) + (event.key === "ArrowDown" ? 1 : -1)]?.[canvas.dataset.block];
    if (!next) return;
    [next.dataset.at, next.tabIndex, canvas.tabIndex] = [canvas.dataset.at ?? 0, 0, -1];
    next.focus();
    readElement(next);
  }
});

// --- changing

function changeWeight(s, value, written) {
  const pinned = new Set(kept.get(query) ?? []);
  pinned.delete(s);
  own.set(query, renormalise(sum.weights, sum.visible, s, value, pinned));
  if (written) kept.set(query, pinned.add(s));
  else if (kept.get(query)?.has(s)) kept.get(query).delete(s);
}

part("ws-rows").addEventListener("input", (event) => {
  const row = event.target.closest("[data-key]");
  if (!event.target.matches(".ws-bar") || !row) return;
  const s = Number(row.dataset.key);
  changeWeight(s, Number(event.target.value), false);
  drawWeights(event.target);
  event.target.value = sum.weights[s];
  readElement(event.target);
  tell();
});
part("ws-rows").addEventListener("change", (event) => {
  const row = event.target.closest("[data-key]");
  if (!event.target.matches(".ws-own") || !row) return;
  const value = event.target.value.trim() === "" ? NaN : Number(event.target.value);
  if (Number.isFinite(value)) changeWeight(Number(row.dataset.key), value, true);
  drawWeights();
  readElement(event.target);
  if (Number.isFinite(value)) tell();
});
part("ws-temperature").addEventListener("input", (event) => {
  if (!shown) return;
  temperature = Number((10 ** Number(event.target.value)).toPrecision(3));
  drawWeights();
  readDefault();
  tell();
});
part("ws-reset-row").addEventListener("click", () => {
  own.delete(query);
  kept.delete(query);
  drawWeights();
  readDefault();
  tell();
});
part("ws-reset").addEventListener("click", () => {
  forget();
  drawWeights();
  readDefault();
  tell();
});

function forget() {
  own = new Map();
  kept = new Map();
  temperature = 1;
}

const place = () => ({ kind: shown.kind, layer: shown.layer, head: shown.head, query });
const tell = () => {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const changed = [...own].map(([index, weights]) => ({ query: index, weights }));
    trigger("rework", { ...place(), temperature, rows: changed });
  }, REST_MILLISECONDS);
};

function chooseQuery(index) {
  query = index;
  drawQuery();
  readDefault();
  tell();
}

function chooseHead(change) {
  clearTimeout(timer);
  part("ws-layer-value").textContent = (change.layer ?? shown.layer) + 1;
  part("ws-head-value").textContent = (change.head ?? shown.head) + 1;
  timer = setTimeout(() => trigger("choose", { ...place(), ...change }), 120);
}

const strip = tokenStrip(part("ws-queries"), { onHover: () => undefined, onPick: chooseQuery });
part("ws-layer").addEventListener("input", (event) => chooseHead({ layer: Number(event.target.value) - 1, head: Number(part("ws-head").value) - 1 }));
part("ws-head").addEventListener("input", (event) => chooseHead({ head: Number(event.target.value) - 1, layer: Number(part("ws-layer").value) - 1 }));
part("ws-all").addEventListener("toggle", () => shown && part("ws-all").open && drawMatrices());

function receive() {
  const value = props.value?.q ? props.value : null;
  part("ws").dataset.state = value ? "full" : "empty";
  if (!value) return;
  const hidden = Uint8Array.from(atob(value.hidden), (c) => c.charCodeAt(0));
  shown = { ...value, hidden, q: floats(value.q, value.size), k: floats(value.k, value.size), v: floats(value.v, value.size) };
  query = value.query;
  forget();
  part("ws-note").hidden = !value.note;
  part("ws-note").textContent = value.note;
  part("ws-translation").hidden = !value.writes;
  part("ws-translation").querySelector("b").textContent = value.translation ?? "";
  drawHead();
  drawQuery();
  readDefault();
}
watch("value", () => requestAnimationFrame(receive));
receive();
