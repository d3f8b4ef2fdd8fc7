const view = element.querySelector(".patch-view");
const part = (name) => view.querySelector(name);
const { sequential, diverging, css } = window.glassbox;
const SCALE = 448; // drawn size of the picture in canvas pixels
let shown = null; // the value drawn, its arrays unpacked
let picture = null; // the decoded image
let pixels = null; // its RGB bytes
let token = 0; // who looks: 0 is CLS, patch n is n + 1
let rollout = false;

const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const floats = (text) => new Float32Array(bytes(text).buffer);
const digits = (value) => value.toFixed(value !== 0 && Math.abs(value) < 0.095 ? 3 : 2).replace("-", "\u2212");
const tokens = () => 1 + shown.rows * shown.columns;
const layer = () => Number(part(".layer").value) - 1;
const head = () => Number(part(".head").value); // 0: mean of all heads

function receive() {
  const value = props.value;
  view.dataset.state = value && value.image ? "full" : "empty";
  if (view.dataset.state === "empty") return;
  shown = {
    ...value,
    attention: bytes(value.attention),
    largest: floats(value.largest),
    embeddings: floats(value.embeddings),
    positions: floats(value.positions),
  };
  token = 0;
  part(".layer").max = shown.layers;
  part(".head").max = shown.heads;
  part(".layer").value = shown.layers;
  part(".head").value = 0;
  drawAnswers();
  picture = new Image();
  picture.onload = () => {
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    pixels = context.getImageData(0, 0, picture.width, picture.height).data;
    draw();
  };
  picture.src = value.image;
}

// One row of attention [T], read back from its packed form; `which` counts heads, the rollout comes after them.
function packedRow(which) {
  const count = tokens();
  const row = (layer() * (shown.heads + 1) + which) * count + token;
  const largest = shown.largest[row];
  return Float32Array.from(shown.attention.subarray(row * count, (row + 1) * count), (s) => (s / 255) ** 2 * largest);
}

function attentionRow() {
  if (rollout) return packedRow(shown.heads);
  if (head() > 0) return packedRow(head() - 1);
  const mean = new Float32Array(tokens());
  for (let h = 0; h < shown.heads; h++) packedRow(h).forEach((weight, i) => (mean[i] += weight / shown.heads));
  return mean;
}

function draw() {
  if (!picture || !pixels) return;
  const weights = attentionRow();
  const largest = Math.max(...weights.subarray(1));
  drawPicture(weights, largest);
  drawRamp(largest);
  part(".layer-value").textContent = `${layer() + 1} of ${shown.layers}`;
  part(".head-value").textContent = rollout ? "all" : head() ? `${head()} of ${shown.heads}` : "mean";
  part(".head").disabled = rollout;
  for (const [name, on] of [["cls", token === 0], ["rollout", rollout]]) part(`.${name}`).setAttribute("aria-pressed", on);
  part(".caption").textContent = caption(weights);
  part(".lens-rows").querySelectorAll(".row").forEach((row, n) => row.classList.toggle("chosen", n === layer() + 1));
  drawSteps(weights, largest);
}

function place(index) {
  return `row ${Math.floor(index / shown.columns) + 1}, column ${(index % shown.columns) + 1}`;
}

function caption(weights) {
  const who = token ? `The patch in ${place(token - 1)}` : "The CLS token, from which the answer is read,";
  const best = weights.subarray(1).reduce((top, w, i, all) => (w > all[top] ? i : top), 0);
  const how = rollout ? `is made, after ${layer() + 1} layers, most of all of` : "looks most at";
  const cls = token ? ` It takes ${digits(weights[0])} from CLS.` : "";
  return `${who} ${how} the patch in ${place(best)} (${digits(weights[best + 1])}).${cls}`;
}

function drawPicture(weights, largest) {
  const canvas = part(".picture");
  canvas.width = canvas.height = SCALE;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, 0, 0, SCALE, SCALE);
  const [w, h] = [SCALE / shown.columns, SCALE / shown.rows];
  const grid = part(".grid").getAttribute("aria-pressed") === "true";
  for (let i = 0; i < shown.rows * shown.columns; i++) {
    const [x, y] = [(i % shown.columns) * w, Math.floor(i / shown.columns) * h];
    const share = Math.sqrt(weights[i + 1] / largest);
    const [r, g, b] = sequential(share);
    context.fillStyle = `rgba(${r},${g},${b},${0.25 + 0.5 * share})`;
    context.fillRect(x, y, w, h);
    if (grid) {
      context.strokeStyle = "rgba(255,255,255,.28)";
      context.strokeRect(x, y, w, h);
    }
  }
  if (token) {
    const i = token - 1;
    const box = [(i % shown.columns) * w, Math.floor(i / shown.columns) * h, w, h];
    context.lineWidth = 5;
    context.strokeStyle = "#0f172a";
    context.strokeRect(...box);
    context.lineWidth = 3;
    context.strokeStyle = "#93c5fd";
    context.strokeRect(...box);
  }
}

function drawRamp(largest) {
  const context = part(".ramp").getContext("2d");
  for (let x = 0; x < 90; x++) {
    context.fillStyle = css(sequential(x / 89));
    context.fillRect(x, 0, 1, 8);
  }
  part(".ramp-max").textContent = digits(largest);
}

function bar(names, probability, chosenClass = "") {
  const row = document.createElement("div");
  row.className = `row ${chosenClass}`;
  for (const text of names) {
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = name.title = text;
    row.append(name);
  }
  const track = document.createElement("span");
  track.className = "track";
  const fill = document.createElement("div");
  fill.className = "fill";
  fill.style.width = `${probability * 100}%`;
  track.append(fill);
  const number = document.createElement("span");
  number.className = "number";
  number.textContent = `${(probability * 100).toPrecision(3)} %`;
  row.append(track, number);
  return row;
}

function drawAnswers() {
  view.classList.toggle("features-only", !shown.top.length);
  part(".right").hidden = !shown.top.length;
  part(".bars").replaceChildren(...shown.top.map((answer) => bar([answer.label], answer.probability)));
  const rows = shown.lens.map((answer, n) => bar([n ? `${n}` : "input", answer.label], answer.probability));
  part(".lens-rows").replaceChildren(...rows);
}

// A strip of values; the number under the pointer is written into `note`, after what `naming` calls its place.
function strip(canvas, values, columns, color, note, naming) {
  const resting = note.textContent;
  canvas.onpointermove = (event) => {
    const column = Math.floor((event.offsetX / canvas.clientWidth) * columns);
    const i = Math.floor((event.offsetY / canvas.clientHeight) * canvas.height) * columns + column;
    if (i >= 0 && i < values.length) note.textContent = `${naming(i)}: ${digits(values[i])}`;
  };
  canvas.onpointerleave = () => (note.textContent = resting);
  canvas.width = columns;
  canvas.height = Math.ceil(values.length / columns);
  const context = canvas.getContext("2d");
  values.forEach((value, i) => {
    context.fillStyle = css(color(value));
    context.fillRect(i % columns, Math.floor(i / columns), 1, 1);
  });
  canvas.style.height = `${(112 * canvas.height) / columns}px`;
}

function patchNumbers(index) {
  const [side, width] = [shown.side, shown.side * shown.columns];
  const [top, left] = [Math.floor(index / shown.columns) * side, (index % shown.columns) * side];
  const numbers = [];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 3; c++) {
        const byte = pixels[((top + y) * width + left + x) * 4 + c];
        numbers.push((byte / 255 - shown.mean[c]) / shown.std[c]);
      }
  return numbers;
}

function similarities(index) {
  const vector = (t) => shown.positions.subarray(t * shown.width, (t + 1) * shown.width);
  const norm = (v) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
  const own = vector(index);
  const ownNorm = norm(own);
  return Array.from({ length: tokens() - 1 }, (_, i) => {
    const other = vector(i + 1);
    return own.reduce((sum, x, k) => sum + x * other[k], 0) / (ownNorm * norm(other));
  });
}

const few = (values) => Array.from(values.slice(0, 4), digits).join(", ");
const signed = (values) => {
  const limit = Math.max(...values.map(Math.abs));
  return (value) => diverging(value / limit);
};
const numbered = (i) => `number ${i + 1}`;

function pixelName(i) {
  const pixel = Math.floor(i / 3);
  return `pixel ${Math.floor(pixel / shown.side) + 1}, ${(pixel % shown.side) + 1}, ${["red", "green", "blue"][i % 3]}`;
}

function drawSteps(weights, largest) {
  const index = token - 1;
  const patch = token > 0;
  part(".steps-title").textContent = patch ? `What happens to the patch in ${place(index)}` : "What happens to the CLS token (click a patch to follow that one)";
  const square = part(".patch").getContext("2d");
  square.imageSmoothingEnabled = false;
  square.clearRect(0, 0, 112, 112);
  const side = shown.side;
  if (patch) {
    const [x, y] = [(index % shown.columns) * side, Math.floor(index / shown.columns) * side];
    square.drawImage(picture, x, y, side, side, 0, 0, 112, 112);
  } else square.drawImage(picture, 0, 0, 112, 112);
  part(".split-note").textContent = patch ? `${side} x ${side} pixels, one of ${shown.rows * shown.columns}` : `${shown.rows} x ${shown.columns} patches of ${side} x ${side} pixels; CLS is an extra token with no pixels`;
  const numbers = patch ? patchNumbers(index) : [];
  part(".flat").hidden = !patch;
  part(".flat-note").textContent = patch ? `${numbers.length} numbers: ${few(numbers)} …` : "nothing to flatten";
  if (patch) strip(part(".flat"), numbers, 28, signed(numbers), part(".flat-note"), pixelName);
  const embedded = patch ? Array.from(shown.embeddings.subarray(index * shown.width, (index + 1) * shown.width)) : [];
  part(".embedded").hidden = !patch;
  part(".embed-note").textContent = patch ? `one matrix, ${numbers.length} to ${shown.width} numbers: ${few(embedded)} …` : `${shown.width} learned numbers, the same for every picture`;
  if (patch) strip(part(".embedded"), embedded, 24, signed(embedded), part(".embed-note"), numbered);
  const similar = similarities(token);
  part(".position-note").textContent = `plus ${shown.width} learned numbers for its place; the map: cosine with every other place, ${digits(Math.min(...similar))} to ${digits(Math.max(...similar))}`;
  strip(part(".position"), similar, shown.columns, diverging, part(".position-note"), place);
  part(".encode-note").textContent = `${shown.layers} layers x ${shown.heads} heads; here layer ${layer() + 1}, ${rollout ? "rollout" : head() ? `head ${head()}` : "mean of its heads"}`;
  const color = (weight) => sequential(Math.sqrt(weight / largest));
  strip(part(".encode"), Array.from(weights.subarray(1)), shown.columns, color, part(".encode-note"), place);
  const best = shown.top[0];
  part(".classify-note").textContent = best ? `From the last layer: ${best.label}, ${(best.probability * 100).toPrecision(3)} %` : "This model gives features only; it has no classes.";
}

function choose(next) {
  token = next;
  draw();
}

part(".picture").addEventListener("click", (event) => {
  const box = event.target.getBoundingClientRect();
  const column = Math.min(shown.columns - 1, Math.floor(((event.clientX - box.left) / box.width) * shown.columns));
  const row = Math.min(shown.rows - 1, Math.floor(((event.clientY - box.top) / box.height) * shown.rows));
  const clicked = 1 + row * shown.columns + column;
  choose(clicked === token ? 0 : clicked);
});
part(".picture").addEventListener("keydown", (event) => {
  const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -shown.columns, ArrowDown: shown.columns };
  if (!(event.key in moves)) return;
  event.preventDefault();
  const next = token ? token + moves[event.key] : 1;
  if (next >= 1 && next < tokens()) choose(next);
});
part(".layer").addEventListener("input", draw);
part(".head").addEventListener("input", draw);
part(".cls").addEventListener("click", () => choose(0));
part(".rollout").addEventListener("click", () => {
  rollout = !rollout;
  draw();
});
part(".grid").addEventListener("click", (event) => {
  event.target.setAttribute("aria-pressed", event.target.getAttribute("aria-pressed") !== "true");
  draw();
});
watch("value", receive);
receive();
