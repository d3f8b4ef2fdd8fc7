const part = (name) => element.querySelector(`.${name}`);
const NAMES = { " ": "space", "\n": "newline", "\ufffd": "unknown" };
const COLUMNS = 32;
const made = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });
const signed = (value, digits) => value.toFixed(digits).replace("-", "\u2212");
const chart = lineChart(part("lc-frame"), part("lc-legend"));

let shown = null;
let spans = [];
let paused = null;
let hovered = null;

const position = () => hovered ?? Math.min(paused ?? shown.text.length - 1, shown.text.length - 1);
const limit = () => Math.max(0.5, ...shown.difference);

function receive() {
  const value = props.value?.text ? props.value : null;
  part("mc").dataset.state = value ? "full" : "empty";
  if (!value) return;
  if (!shown || shown.text.join("") !== value.text.join("")) paused = value.edits.length ? value.first : null;
  shown = value;
  hovered = null;
  drawText();
  drawEdits();
  drawPairs();
  drawWriting();
  drawChart();
  drawMemories();
}

function drawText() {
  spans = shown.text.map((character, t) => {
    const span = made("span", t ? "" : "start", t === 0 ? "start\u23ce" : character === "\n" ? "\u23ce\n" : character);
    span.dataset.t = t;
    span.title = `${shown.difference[t].toFixed(2)} bits`;
    const share = Math.min(1, shown.difference[t] / limit()) * 65;
    span.style.background = `color-mix(in srgb, var(--gb-prediction) ${share}%, transparent)`;
    return span;
  });
  part("mc-text").replaceChildren(...spans);
  const scale = part("mc-scale").getContext("2d");
  const magenta = document.querySelector(".dark") ? [240, 171, 252] : [162, 28, 175];
  scale.clearRect(0, 0, 120, 10);
  for (let x = 0; x < 120; x++) {
    scale.fillStyle = `rgba(${magenta}, ${(0.65 * x) / 119})`;
    scale.fillRect(x, 0, 1, 10);
  }
  part("mc-high").textContent = `${limit().toFixed(1)} bits`;
  mark();
}

function mark() {
  spans.forEach((span, t) => {
    span.classList.toggle("paused", t === paused);
    span.classList.toggle("current", t === hovered);
  });
}

function drawEdits() {
  part("mc-edits").replaceChildren(...shown.edits.map((text) => made("li", "", text)));
  const after = shown.text.length - 1 - shown.first;
  const mean = (run) => run.slice(shown.first + 1).reduce((sum, bits) => sum + bits, 0) / after;
  part("mc-summary").textContent = !shown.edits.length
    ? "No edit yet."
    : after > 0
      ? `The ${after} characters after the first edit surprise the unedited network by ${mean(shown.surprise[0]).toFixed(2)} bits each, the edited one by ${mean(shown.surprise[1]).toFixed(2)}.`
      : "The edit takes place after the last character: look at the prediction and at what each goes on to write.";
}

function drawPairs() {
  const t = position();
  const context = shown.text.slice(Math.max(1, t - 11), t + 1).join("").replaceAll("\n", "\u23ce");
  part("mc-title").textContent = t ? `Next character after \u201c${t > 11 ? "\u2026" : ""}${context}\u201d` : "First character of a text";
  const most = Math.max(...shown.pairs[t].flatMap(([, p, q]) => [p, q]));
  part("mc-pairs").replaceChildren(
    ...shown.pairs[t].map(([token, p, q]) => {
      const row = made("div", "mc-pair");
      const bars = made("div", "mc-bars");
      const bar = (share, className) => {
        const one = made("i", className);
        one.style.width = `${(100 * share) / most}%`;
        return one;
      };
      bars.append(bar(p, "mc-solid"), bar(q, "mc-dashed"));
      const percent = (x) => `${(100 * x).toFixed(1)} %`;
      row.append(made("b", "", NAMES[token] || token), bars, made("span", "", `${percent(p)} \u2192 ${percent(q)}`));
      row.title = `difference ${signed(100 * (q - p), 1)} percentage points`;
      return row;
    }),
  );
  const next = shown.text[t + 1];
  part("mc-readout").textContent =
    `The edited prediction differs by ${shown.difference[t].toFixed(3)} bits.` +
    (next === undefined ? "" : ` What came, \u201c${NAMES[next] || next}\u201d, was a surprise of ${shown.surprise[0][t + 1].toFixed(2)} bits, edited ${shown.surprise[1][t + 1].toFixed(2)}.`);
}

function drawWriting() {
  part("mc-writing").hidden = shown.continuations.length < 2;
  [part("mc-unedited"), part("mc-edited")].forEach((place, i) => (place.textContent = shown.continuations[i] ?? ""));
}

function drawChart() {
  const from = Math.min(shown.first, shown.text.length - 1);
  const points = (values) => values.slice(from).map((value, i) => [i, value]);
  chart.show({
    series: [
      { name: "prediction, bits", color: "prediction", points: points(shown.difference) },
      { name: "memory, share of its length", color: "memory", dash: "6 4", points: points(shown.distance) },
    ],
    x: "characters after the edit",
    y: "difference",
    low: 0,
  });
}

function drawMemories() {
  part("mc-memories").replaceChildren(
    ...shown.memories.map(({ name, limit: most, values }) => {
      const data = new Int8Array(Uint8Array.from(atob(values), (c) => c.charCodeAt(0)).buffer);
      const columns = Math.min(COLUMNS, data.length);
      const rows = Math.ceil(data.length / columns);
      const canvas = made("canvas", "");
      [canvas.width, canvas.height] = [columns, rows];
      const image = new ImageData(columns, rows);
      data.forEach((v, i) => image.data.set([...window.glassbox.diverging(v / 127), 255], 4 * i));
      canvas.getContext("2d").putImageData(image, 0, 0);
      canvas.addEventListener("pointermove", (event) => {
        const area = canvas.getBoundingClientRect();
        const column = Math.floor(((event.clientX - area.left) / area.width) * columns);
        readUnit(Math.floor(((event.clientY - area.top) / area.height) * rows) * columns + column);
      });
      const figure = made("figure", "");
      figure.append(canvas, made("figcaption", "", `${name} (\u2212${most} to ${most})`));
      return figure;
    }),
  );
  part("mc-unit").textContent = shown.memories.length ? "Point at a unit to read its value." : "No edit yet.";
}

function readUnit(index) {
  const values = shown.memories.map(({ values: packed, limit: most, name }) => {
    const data = new Int8Array(Uint8Array.from(atob(packed), (c) => c.charCodeAt(0)).buffer);
    return data[index] === undefined ? "" : `${name} ${signed((data[index] / 127) * most, 2)}`;
  });
  if (values[0]) part("mc-unit").textContent = `Unit ${index}: ${values.join("; ")}`;
}

const characterAt = (event) => {
  const span = event.target.closest("[data-t]");
  return span ? Number(span.dataset.t) : null;
};
part("mc-text").addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch" || !shown) return;
  hovered = characterAt(event);
  mark();
  drawPairs();
});
part("mc-text").addEventListener("pointerleave", () => {
  hovered = null;
  mark();
  if (shown) drawPairs();
});
part("mc-text").addEventListener("click", (event) => {
  const t = characterAt(event);
  if (t === null) return;
  paused = t;
  mark();
  drawPairs();
  trigger("pause", { position: t });
});
watch("value", () => requestAnimationFrame(receive));
receive();
