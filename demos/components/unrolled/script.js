const part = (name) => element.querySelector(`.${name}`);
const box = part("un");
const COLUMNS = 32;
const signed = (value, digits) => value.toFixed(digits).replace("-", "\u2212");
const made = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const chart = lineChart(part("lc-frame"), part("lc-legend"));

let shown = null;
let unit = null;

const valuesOf = ({ values, limit, exact }) => exact ? new Float32Array(bytes(exact).slice().buffer) : Float32Array.from(new Int8Array(bytes(values).buffer), (v) => (v / 127) * limit);

function paint(canvas, rows, columns, colourOf) {
  [canvas.width, canvas.height] = [columns, rows];
  const image = new ImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const colour = colourOf(i);
    image.data.set(colour ? [...colour, 255] : [0, 0, 0, 0], 4 * i);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function paintMap(canvas, map) {
  const { sequential, diverging } = window.glassbox;
  const values = valuesOf(map);
  const columns = Math.min(COLUMNS, values.length);
  const colour = (v) => (map.share ? sequential(v) : diverging(v / map.limit));
  paint(canvas, Math.ceil(values.length / columns), columns, (i) => (i < values.length ? colour(values[i]) : null));
  return values;
}

function drawStep(step, index) {
  const position = shown.first + index;
  const column = made("button", "un-step");
  column.type = "button";
  column.dataset.part = step.part;
  column.dataset.asked = step.asked ? "yes" : "no";
  column.setAttribute("aria-pressed", position === shown.selected);
  const outputs = made("div", "un-outputs");
  step.output.forEach(([label, probability]) => {
    const row = made("div", "");
    row.style.setProperty("--un-share", `${100 * probability}%`);
    row.append(made("b", "", label), made("i", "", probability.toFixed(2)));
    outputs.append(row);
  });
  const cell = made("div", "un-cell");
  const canvas = made("canvas", "");
  paintMap(canvas, step.hidden);
  cell.append(canvas, made("span", "un-name", step.part === "cell" ? `h${subscript(position)}` : step.part));
  const input = made("div", "un-input", step.input || "no input");
  input.classList.toggle("none", !step.input);
  input.classList.toggle("fed", step.fed_back);
  input.title = step.fed_back ? `${step.input}: what the step before has written` : step.input;
  const arrow = (there) => made("div", there ? "un-up" : "un-up none");
  column.append(outputs, arrow(step.output.length), cell, arrow(step.input), input, made("div", "un-tie"));
  column.title = step.asked ? `step ${position}` : step.output.length ? `step ${position}: computed, but not asked for` : `step ${position}: nothing comes out`;
  column.addEventListener("click", () => trigger("step", { position }));
  return column;
}

const subscript = (number) => [...String(number)].map((d) => "\u2080\u2081\u2082\u2083\u2084\u2085\u2086\u2087\u2088\u2089"[d]).join("");

function drawWeights() {
  part("un-weights").replaceChildren(
    ...shown.weights.map(({ name, shape, rows, columns, values, highest }) => {
      const figure = made("figure", "");
      const canvas = made("canvas", "");
      const data = bytes(values);
      paint(canvas, rows, columns, (i) => window.glassbox.sequential(data[i] / 255));
      canvas.style.width = `${Math.max(28, Math.min(112, (56 * columns) / rows))}px`;
      figure.title = `root mean square of each block of weights, 0 to ${highest}`;
      figure.append(canvas, made("figcaption", "", `${name}, ${shape[0].toLocaleString("en")} \u00d7 ${shape[1].toLocaleString("en")}`));
      return figure;
    }),
  );
}

function drawCount() {
  const { parameters, total } = shown;
  const count = (n) => n.toLocaleString("en");
  part("un-count").textContent =
    `${count(parameters)} parameters for ${total === 1 ? "this one step" : `these ${total} steps`}, and for any other number of them. ` +
    (total > 1 ? `With weights of its own each step would need its share again: ${count(parameters * total)}.` : "");
  const longest = Math.max(20, 2 * total);
  const points = (f) => Array.from({ length: longest }, (_, i) => [i + 1, f(i + 1) / 1e6]);
  if (part("un-length").open) {
    chart.show({
      series: [
        { name: "shared weights", color: "memory", points: points(() => parameters) },
        { name: "weights of its own for every step", color: "input", dash: "6 4", points: points((n) => n * parameters) },
      ],
      x: "steps",
      y: "million parameters",
      low: 0,
      format: (v) => `${v.toPrecision(3)} M`,
    });
  }
}

function drawInside() {
  const { inside, selected } = shown;
  part("un-inside-panel").hidden = !inside.length;
  part("un-title").textContent = `Inside the cell at step ${selected}`;
  part("un-inside").replaceChildren(
    ...inside.map((map) => {
      const figure = made("figure", "");
      const canvas = made("canvas", "");
      const values = paintMap(canvas, map);
      const columns = Math.min(COLUMNS, values.length);
      const range = map.share ? "0 to 1" : `\u2212${map.limit} to ${map.limit}`;
      figure.append(canvas, made("figcaption", "", `${map.name} (${range})`));
      canvas.addEventListener("pointermove", (event) => {
        const area = canvas.getBoundingClientRect();
        const column = Math.floor(((event.clientX - area.left) / area.width) * columns);
        const row = Math.floor(((event.clientY - area.top) / area.height) * Math.ceil(values.length / columns));
        readUnit(Math.min(values.length - 1, Math.max(0, row * columns + column)));
      });
      return figure;
    }),
  );
  if (inside.length) readUnit(Math.min(unit ?? 0, valuesOf(inside[0]).length - 1));
}

function readUnit(index) {
  unit = index;
  const numbers = shown.inside.map((map) => `${map.name} ${signed(valuesOf(map)[index], 2)}`);
  part("un-readout").textContent = `Unit ${index}: ${numbers.join(", ")}`;
}

function receive() {
  shown = props.value?.steps ? props.value : null;
  box.dataset.state = shown ? "full" : "empty";
  if (!shown) return;
  box.dataset.type = shown.sequence_type;
  part("un-steps").replaceChildren(...shown.steps.map(drawStep));
  part("un-steps").toggleAttribute("data-earlier", shown.first > 0);
  drawWeights();
  drawCount();
  drawInside();
  const pressed = part("un-steps").querySelector('[aria-pressed="true"]');
  if (pressed) part("un-scroll").scrollLeft = pressed.offsetLeft - part("un-scroll").clientWidth / 2;
}

part("un-length").addEventListener("toggle", () => shown && drawCount());
let waiting = false;
watch("value", () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    receive();
  });
});
receive();
