const view = element.querySelector(".damage-view");
const part = (name) => view.querySelector(name);
const { sequential, css } = window.glassbox;
const lines = lineChart(part(".lc-frame"), part(".lc-legend"));
const [SCALE, CELLS] = [448, 56];
const NETWORKS = { vit: ["ViT", "query", ""], cnn: ["CNN", "key", "7 4"] };
let shown = null; // the value drawn
let pictures = []; // decoded images, one a point
let mask = new Uint8Array(CELLS * CELLS);
let stroke = null; // last cell of the stroke being painted
let cursor = [CELLS / 2, CELLS / 2];

const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const percent = (share) => `${share < 0.01 ? (100 * share).toFixed(2) : (100 * share).toPrecision(3)} %`;
const level = () => Math.min(Number(part(".strength").value), shown.points.length - 1);

function receive() {
  const value = props.value && props.value.points && props.value.points.length ? props.value : null;
  view.dataset.state = !value ? "empty" : value.points.length < value.total ? "running" : "full";
  if (!value) {
    shown = null;
    return;
  }
  const goesOn = shown && shown.run === value.run;
  if (!goesOn) pictures = [];
  shown = value;
  value.points.forEach((point, index) => {
    if (pictures[index]) return;
    pictures[index] = Object.assign(new Image(), { src: point.image, onload: () => index === level() && drawPictures() });
  });
  const paint = part(".picture");
  paint.classList.toggle("paint", value.paint);
  part(".paint-tools").hidden = !value.paint;
  if (value.paint) paint.tabIndex = 0;
  else paint.removeAttribute("tabindex");
  paint.setAttribute("aria-label", value.paint ? "the picture to paint on; arrow keys move, space covers" : "the damaged picture");
  part(".map-title").textContent = value.map;
  part(".tracked").textContent = value.category;
  part(".curve-title").textContent = `How sure each is of \u201c${value.category}\u201d`;
  part(".note").textContent = value.note;
  draw();
}

function draw() {
  if (!shown) return;
  const point = shown.points[level()];
  view.dataset.strength = point.strength;
  part(".unit").textContent = `${point.strength.toFixed(1)}: ${point.strength ? point.unit : "undamaged"}`;
  drawPictures();
  for (const name of Object.keys(NETWORKS)) {
    const lists = [["undamaged", shown.points[0]], [`at strength ${point.strength.toFixed(1)}`, point]];
    part(`.answer-${name} .lists`).replaceChildren(...lists.map(([title, at]) => list(title, at[name].top)));
  }
  lines.show({
    x: "strength",
    y: "probability",
    low: 0,
    high: 1,
    dots: true,
    marks: [[point.strength, "shown"]],
    format: percent,
    series: Object.entries(NETWORKS).map(([name, [title, color, dash]]) => ({
      name: title,
      color,
      dash,
      points: shown.points.map((at) => [at.strength, at[name].p]),
    })),
  });
}

function list(title, top) {
  const node = Object.assign(document.createElement("div"), { className: "list" });
  node.append(Object.assign(document.createElement("b"), { textContent: title }));
  for (const [label, probability] of top) {
    const row = Object.assign(document.createElement("div"), { className: `row ${label === shown.category ? "is-tracked" : ""}` });
    const name = Object.assign(document.createElement("span"), { className: "name", textContent: label, title: label });
    const number = Object.assign(document.createElement("span"), { className: "number", textContent: percent(probability) });
    const track = Object.assign(document.createElement("span"), { className: "track" });
    const fill = Object.assign(document.createElement("div"), { className: "fill" });
    fill.style.width = `${100 * probability}%`;
    track.append(fill);
    row.append(name, number, track);
    node.append(row);
  }
  return node;
}

function drawPictures() {
  const image = pictures[level()];
  if (!image.complete || !image.naturalWidth) return;
  const context = part(".picture").getContext("2d");
  context.drawImage(image, 0, 0, SCALE, SCALE);
  if (shown.paint) drawPaint(context);
  for (const name of Object.keys(NETWORKS)) drawMap(part(`.map-${name}`), image, shown.points[level()][name]);
}

function drawPaint(context) {
  const cell = SCALE / CELLS;
  if (stroke) {
    context.fillStyle = "rgb(128,128,128)";
    mask.forEach((on, i) => on && context.fillRect((i % CELLS) * cell, Math.floor(i / CELLS) * cell, cell, cell));
  }
  if (document.activeElement !== part(".picture") || !part(".picture").matches(":focus-visible")) return;
  const size = Number(part(".brush").value) * 2 * cell;
  context.lineWidth = 3;
  context.strokeStyle = "#93c5fd";
  context.strokeRect(cursor[0] * cell - size / 2, cursor[1] * cell - size / 2, size, size);
}

function drawMap(canvas, image, { side, map }) {
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, SCALE, SCALE);
  const cell = SCALE / side;
  bytes(map).forEach((step, i) => {
    const share = Math.sqrt(step / 255);
    const [r, g, b] = sequential(share);
    context.fillStyle = `rgba(${r},${g},${b},${0.25 + 0.5 * share})`;
    context.fillRect((i % side) * cell, Math.floor(i / side) * cell, cell, cell);
  });
}

const cellOf = (event) => {
  const box = part(".picture").getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * CELLS, ((event.clientY - box.top) / box.height) * CELLS];
};

function dab([x, y]) {
  const radius = Number(part(".brush").value);
  for (let row = Math.floor(y - radius); row <= y + radius; row++)
    for (let column = Math.floor(x - radius); column <= x + radius; column++) {
      const inside = row >= 0 && column >= 0 && row < CELLS && column < CELLS;
      if (inside && Math.hypot(column + 0.5 - x, row + 0.5 - y) <= radius) mask[row * CELLS + column] = 1;
    }
}

function cover(to) {
  const from = stroke && stroke !== true ? stroke : to;
  const steps = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1])));
  for (let i = 0; i <= steps; i++) dab([from[0] + ((to[0] - from[0]) * i) / steps, from[1] + ((to[1] - from[1]) * i) / steps]);
  stroke = to;
  if (level() === 0) part(".strength").value = 10;
  drawPictures();
}

function send() {
  stroke = null;
  if (level() === 0) part(".strength").value = 10;
  trigger("painted", { mask: mask.some(Boolean) ? btoa(String.fromCharCode(...mask)) : "" });
}

part(".picture").addEventListener("pointerdown", (event) => {
  if (!shown || !shown.paint) return;
  event.preventDefault();
  part(".picture").setPointerCapture(event.pointerId);
  cover(cellOf(event));
});
part(".picture").addEventListener("pointermove", (event) => stroke && cover(cellOf(event)));
for (const name of ["pointerup", "pointercancel"]) part(".picture").addEventListener(name, () => stroke && send());
part(".picture").addEventListener("keydown", (event) => {
  if (!shown || !shown.paint) return;
  const moves = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, -2], ArrowDown: [0, 2] };
  if (!(event.key in moves) && event.key !== " ") return;
  event.preventDefault();
  if (event.key === " ") {
    dab(cursor);
    send();
  } else cursor = cursor.map((at, axis) => Math.min(CELLS, Math.max(0, at + moves[event.key][axis])));
  drawPictures();
});
for (const name of ["focus", "blur"]) part(".picture").addEventListener(name, () => shown && drawPictures());
part(".clear").addEventListener("click", () => {
  mask.fill(0);
  trigger("painted", { mask: "" });
});
part(".strength").addEventListener("input", draw);
part(".strength").addEventListener("change", () => shown && trigger("strength", { strength: shown.points[level()].strength }));

const ramp = part(".ramp").getContext("2d");
for (let x = 0; x < 90; x++) {
  ramp.fillStyle = css(sequential(x / 89));
  ramp.fillRect(x, 0, 1, 8);
}
watch("value", receive);
receive();
