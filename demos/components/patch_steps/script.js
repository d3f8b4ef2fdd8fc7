// What happens to one patch before the first layer, every number computed here from its pixels and the weights.
const part = (name) => element.querySelector(`.${name}`);
const { diverging, css } = window.glassbox;
const LARGEST = 5;
const FILTER_COLUMNS = 24;
const MAPS_ACROSS = 16;
const COLORS = ["red", "green", "blue"];
let shown = null; // the value drawn, its arrays unpacked
let token = 0;
let channel = null;

const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const digits = (value) => (Math.abs(value) < 0.0995 && value !== 0 ? value.toFixed(4) : value.toFixed(2)).replace("-", "\u2212");
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const sized = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);

const tell = sharedToken((chosen) => {
  if (chosen.run !== shown?.run) return;
  token = chosen.token;
  draw();
});

// Values as squares, one pixel each; the one under the pointer or reached by arrow keys is written into `note`.
const squares = (canvas, note, onPick = null) => {
  let [values, columns, naming, resting, place] = [[], 1, String, "", 0];
  const say = (i) => {
    if (i === null) note.textContent = resting;
    else if (i >= 0 && i < values.length) note.textContent = `${naming(i)}: ${digits(values[i])}`;
  };
  const at = (event) => {
    const area = canvas.getBoundingClientRect();
    const column = Math.min(columns - 1, Math.floor(((event.clientX - area.left) / area.width) * columns));
    return Math.floor(((event.clientY - area.top) / area.height) * canvas.height) * columns + column;
  };
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.addEventListener("pointermove", (event) => say(at(event)));
  canvas.addEventListener("pointerleave", () => say(null));
  canvas.addEventListener("blur", () => say(null));
  if (onPick) canvas.addEventListener("click", (event) => at(event) < values.length && onPick(at(event)));
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    if (event.key === "Enter" && onPick) onPick(place);
    if (!(event.key in moves)) return;
    event.preventDefault();
    place = Math.max(0, Math.min(values.length - 1, place + moves[event.key]));
    say(place);
  });
  return (next, across, limit, name, text) => {
    [values, columns, naming, resting] = [next, across, name, text];
    canvas.setAttribute("aria-label", `${values.length} numbers; arrow keys read them`);
    paint(canvas, values, columns, limit);
    say(null);
  };
};

const paint = (canvas, values, columns, limit) => {
  canvas.width = columns;
  canvas.height = Math.ceil(values.length / columns);
  const image = new ImageData(canvas.width, canvas.height);
  values.forEach((value, i) => image.data.set([...diverging(value / limit), 255], i * 4));
  canvas.getContext("2d").putImageData(image, 0, 0);
};

// Numbers of three colours as a picture: grey is zero.
const colored = (values, limit, side) => {
  const image = new ImageData(side, side);
  for (let pixel = 0; pixel < side * side; pixel++) {
    const rgb = [0, 1, 2].map((c) => 128 + 127 * Math.max(-1, Math.min(1, values[pixel * 3 + c] / limit)));
    image.data.set([...rgb, 255], pixel * 4);
  }
  return image;
};

const drawFlat = squares(part("ps-flat"), part("ps-flat-note"));
const drawVector = squares(part("ps-vector"), part("ps-vector-note"), (i) => pickChannel(i));
const drawOwn = squares(part("ps-own"), part("ps-own-note"), (i) => tell(shown.run, i + 1));

const middle = () => Math.floor(shown.picture.rows / 2) * shown.picture.columns + Math.floor(shown.picture.columns / 2);
const index = () => (token ? token - 1 : middle());
const name = (i) => patchName(i + 1, shown.picture.columns);
const inputs = () => shown.side * shown.side * 3;
const filter = (n) => shown.filters.subarray(n * inputs(), (n + 1) * inputs());

// Squared differences of neighbouring pixels, as a share of the squared weights: small for blobs, large for noise.
function roughness(weights) {
  const side = shown.side;
  let sum = 0;
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 3; c++) {
        const i = (y * side + x) * 3 + c;
        if (x) sum += (weights[i] - weights[i - 3]) ** 2;
        if (y) sum += (weights[i] - weights[i - 3 * side]) ** 2;
      }
  return sum / dot(weights, weights);
}

function pixelName(i) {
  const pixel = Math.floor(i / 3);
  return `pixel ${Math.floor(pixel / shown.side) + 1}, ${(pixel % shown.side) + 1}, ${COLORS[i % 3]}`;
}

// The patch as the network reads it: normalised, row by row.
function flattened(i) {
  const [side, width] = [shown.side, shown.side * shown.picture.columns];
  const [top, left] = [Math.floor(i / shown.picture.columns) * side, (i % shown.picture.columns) * side];
  const numbers = new Float32Array(inputs());
  for (let y = 0, n = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      for (let c = 0; c < 3; c++, n++) {
        const byte = shown.pixels[((top + y) * width + left + x) * 4 + c];
        numbers[n] = (byte / 255 - shown.mean[c]) / shown.std[c];
      }
  return numbers;
}

async function receive() {
  const value = props.value?.picture ? props.value : null;
  part("ps").hidden = !value;
  if (!value) return;
  const bitmap = new Image();
  bitmap.src = value.picture.image;
  await bitmap.decode();
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  if (value.picture.columns !== shown?.picture.columns) token = 0;
  shown = {
    ...value,
    bitmap,
    pixels: canvas.getContext("2d").getImageData(0, 0, bitmap.width, bitmap.height).data,
    ...Object.fromEntries(["filters", "bias", "embeddings", "positions"].map((key) => [key, floats(value[key])])),
  };
  shown.order = [...Array(shown.width).keys()].map((n) => [n, roughness(filter(n))]).sort((a, b) => a[1] - b[1]).map(([n]) => n);
  shown.directions = directions();
  if (channel === null || channel >= shown.width) channel = firstChannel();
  part("ps-channel").querySelector("input").max = shown.width;
  drawOverview();
  draw();
  part("ps").dataset.run = value.run;
}

function draw() {
  const i = index();
  const place = name(i);
  part("ps-who").textContent = token
    ? `What happens to the patch in ${place}, before the first layer.`
    : `What happens to a patch before the first layer: click one above. Shown is the one in the middle, ${place}; CLS has no pixels, its ${shown.width} numbers were learned and are the same for every picture.`;
  const side = shown.side;
  const patch = part("ps-patch").getContext("2d");
  patch.imageSmoothingEnabled = false;
  patch.drawImage(shown.bitmap, (i % shown.picture.columns) * side, Math.floor(i / shown.picture.columns) * side, side, side, 0, 0, 140, 140);
  shown.numbers = flattened(i);
  const few = Array.from(shown.numbers.slice(0, 3), digits).join(", ");
  drawFlat(shown.numbers, side * 2, sized(shown.numbers), pixelName, `${inputs()} numbers: ${few} …`);
  drawChannel();
  drawPosition(i);
}

// The filter with the largest weights among the smoothest ones.
function firstChannel() {
  const norm = (n) => dot(filter(n), filter(n));
  return shown.order.slice(0, FILTER_COLUMNS).reduce((best, n) => (norm(n) > norm(best) ? n : best));
}

function pickChannel(next) {
  channel = next;
  drawChannel();
}

function drawChannel() {
  const [side, numbers, weights] = [shown.side, shown.numbers, filter(channel)];
  const products = numbers.map((value, i) => value * weights[i]);
  const bias = shown.bias[channel];
  const sum = dot(numbers, weights);
  drawFilters();
  part("ps-channel").querySelector("output").textContent = channel + 1;
  part("ps-channel").querySelector("input").value = shown.order.indexOf(channel) + 1;
  for (const [where, values] of [["ps-numbers", numbers], ["ps-filter", weights]]) {
    part(where).width = part(where).height = side;
    part(where).getContext("2d").putImageData(colored(values, sized(values), side), 0, 0);
  }
  const perPixel = Float32Array.from({ length: side * side }, (_, p) => products[3 * p] + products[3 * p + 1] + products[3 * p + 2]);
  paint(part("ps-product"), perPixel, side, sized(perPixel));
  part("ps-sum").textContent =
    `Channel ${channel + 1}: the sum of ${inputs()} products is ${digits(sum)}; with the bias ${digits(bias)} it becomes ${digits(sum + bias)}. The network computed ${digits(shown.embeddings[index() * shown.width + channel])}.`;
  drawLargest(products, weights);
  const vector = shown.embeddings.subarray(index() * shown.width, (index() + 1) * shown.width);
  drawVector(vector, Math.ceil(shown.width / 8), sized(vector), (n) => `channel ${n + 1}`, `The ${shown.width} channels of this patch, one number from each filter: its embedding. Click one to see its filter.`);
}

function drawLargest(products, weights) {
  const order = [...products.keys()].sort((a, b) => Math.abs(products[b]) - Math.abs(products[a])).slice(0, LARGEST);
  const row = (cells, kind) => {
    const tr = document.createElement("tr");
    tr.append(...cells.map((text) => Object.assign(document.createElement(kind), { textContent: text })));
    return tr;
  };
  part("ps-largest").replaceChildren(
    row(["largest products", "number", "weight", "product"], "th"),
    ...order.map((i) => row([pixelName(i), digits(shown.numbers[i]), digits(weights[i]), digits(products[i])], "td")),
  );
}

// All filters, the smoothest first, each with its own range.
function drawFilters() {
  const [canvas, cell] = [part("ps-filters"), shown.side + 2];
  const rows = Math.ceil(shown.width / FILTER_COLUMNS);
  part("ps-filters-title").textContent = `All ${shown.width} filters as pictures, the smoothest first; click one. Grey is zero; each has its own range.`;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${shown.width} filters; the slider below chooses one`);
  if (shown.filtersDrawn === undefined) {
    shown.filtersDrawn = new OffscreenCanvas(FILTER_COLUMNS * cell, rows * cell);
    const context = shown.filtersDrawn.getContext("2d");
    shown.order.forEach((n, i) => {
      const weights = filter(n);
      context.putImageData(colored(weights, sized(weights), shown.side), (i % FILTER_COLUMNS) * cell + 1, Math.floor(i / FILTER_COLUMNS) * cell + 1);
    });
  }
  canvas.width = FILTER_COLUMNS * cell;
  canvas.height = rows * cell;
  const context = canvas.getContext("2d");
  context.drawImage(shown.filtersDrawn, 0, 0);
  const i = shown.order.indexOf(channel);
  context.lineWidth = 2;
  context.strokeStyle = getComputedStyle(canvas).getPropertyValue("--gb-query");
  context.strokeRect((i % FILTER_COLUMNS) * cell, Math.floor(i / FILTER_COLUMNS) * cell, cell, cell);
}

// Position embeddings of the patches, each of length 1; null where there are none.
function directions() {
  const width = shown.width;
  const all = shown.positions.slice(width);
  for (let start = 0; start < all.length; start += width) {
    const norm = Math.sqrt(dot(all.subarray(start, start + width), all.subarray(start, start + width)));
    if (!norm) return null;
    for (let k = start; k < start + width; k++) all[k] /= norm;
  }
  return all;
}

function similarities(i) {
  const [width, all] = [shown.width, shown.directions];
  return Float32Array.from({ length: all.length / width }, (_, j) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += all[i * width + k] * all[j * width + k];
    return sum;
  });
}

const stride = () => Math.ceil(shown.picture.columns / MAPS_ACROSS);

function drawOverview() {
  const canvas = part("ps-overview");
  canvas.parentElement.hidden = !shown.directions;
  if (!shown.directions) return;
  const { rows, columns } = shown.picture;
  const step = stride();
  canvas.width = Math.ceil(columns / step) * (columns + 1);
  canvas.height = Math.ceil(rows / step) * (rows + 1);
  const context = canvas.getContext("2d");
  const small = document.createElement("canvas");
  for (let row = 0; row < rows; row += step)
    for (let column = 0; column < columns; column += step) {
      paint(small, similarities(row * columns + column), columns, 1);
      context.drawImage(small, (column / step) * (columns + 1), (row / step) * (rows + 1));
    }
  canvas.setAttribute("aria-label", "for every place, the cosine of its position embedding with all others");
}

function drawPosition(i) {
  const there = shown.directions !== null;
  for (const where of ["ps-own", "ps-own-note", "ps-own-title"]) part(where).hidden = !there;
  const notes = {
    kept: `${shown.width} learned numbers are added to the embedding, different for every place. Nobody told the network how places lie: that neighbours, rows and columns are alike was learned (Dosovitskiy et al. 2021, figure 7).`,
    removed: "The position embeddings of the patches were removed from this run: nothing says any more where a patch lay.",
    shuffled: "In this run every place got the position embedding of another one, drawn by chance: the network is told a wrong order.",
  };
  part("ps-position-note").textContent = notes[shown.edited];
  if (!there) return;
  part("ps-own-title").textContent = `The place of the chosen patch, ${name(i)}, with every other`;
  const similar = similarities(i);
  const others = similar.filter((_, j) => j !== i);
  drawOwn(similar, shown.picture.columns, 1, name, `from ${digits(Math.min(...others))} to ${digits(Math.max(...others))} with the others`);
}

part("ps-filters").addEventListener("click", (event) => {
  const area = event.target.getBoundingClientRect();
  const column = Math.floor(((event.clientX - area.left) / area.width) * FILTER_COLUMNS);
  const row = Math.floor(((event.clientY - area.top) / area.height) * Math.ceil(shown.width / FILTER_COLUMNS));
  const chosen = shown.order[row * FILTER_COLUMNS + column];
  if (chosen !== undefined) pickChannel(chosen);
});
part("ps-overview").addEventListener("click", (event) => {
  const area = event.target.getBoundingClientRect();
  const cell = (part, whole, count) => Math.min(count - 1, Math.floor((part / whole) * Math.ceil(count / stride())) * stride());
  const column = cell(event.clientX - area.left, area.width, shown.picture.columns);
  const row = cell(event.clientY - area.top, area.height, shown.picture.rows);
  tell(shown.run, 1 + row * shown.picture.columns + column);
});
part("ps-channel").querySelector("input").addEventListener("input", (event) => pickChannel(shown.order[event.target.value - 1]));
const ramp = part("ps-ramp").getContext("2d");
for (let x = 0; x < 90; x++) {
  ramp.fillStyle = css(diverging(x / 44.5 - 1));
  ramp.fillRect(x, 0, 1, 8);
}
watch("value", receive);
receive();
