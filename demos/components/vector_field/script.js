const view = element.querySelector(".vector-field");
const part = (name) => view.querySelector(name);
const plane = part(".plane");
const HIDDEN = 48;
const BATCH = 128;
const RATE = 5e-3;
const PERIOD_MILLISECONDS = 1000 / 30;
const HOLD_UPDATES = 20; // how long finished points stay before they begin again
const DATA = 1200;
const MAX_DRAWN = 2000;
const FLOWING = 300;
const EDGE = 3; // the plane shows -EDGE..EDGE
const ARROWS = 21;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

let shape = "spiral";
let data = new Float64Array(0);
let network, optimize, random;
let seed = 0;
let noiseSeed = 100;
let updates = 0;
let losses = [];
let training = false;
let playing = false;
let path = []; // points after each step; the last entry is the newest
let pathOf = 0; // how many updates the network had when this path began
let place = 0;
let held = 0;
let rate = 0; // measured updates a second
let awake = false;
let brush = [0, 0];

// What to learn

function spiral({ uniform, normal }) {
  const turn = Math.sqrt(uniform());
  const angle = turn * 3 * Math.PI;
  return [1.7 * turn * Math.cos(angle) + 0.03 * normal(), 1.7 * turn * Math.sin(angle) + 0.03 * normal()];
}

function moons({ uniform, normal }) {
  const [angle, upper] = [Math.PI * uniform(), uniform() < 0.5];
  const [x, y] = upper ? [Math.cos(angle) - 0.5, Math.sin(angle) - 0.25] : [0.5 - Math.cos(angle), 0.25 - Math.sin(angle)];
  return [1.15 * x + 0.05 * normal(), 1.3 * y + 0.05 * normal()];
}

function letters(text) {
  const side = 128;
  const context = Object.assign(document.createElement("canvas"), { width: side, height: side }).getContext("2d");
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `bold ${Math.min(100, 190 / Math.max(1, text.length))}px sans-serif`;
  context.fillText(text, side / 2, side / 2);
  const alpha = context.getImageData(0, 0, side, side).data;
  const inked = Array.from({ length: side * side }, (_, i) => i).filter((i) => alpha[4 * i + 3] > 128);
  if (!inked.length) return null;
  return ({ uniform }) => {
    const i = inked[Math.floor(uniform() * inked.length)];
    return [(((i % side) + uniform()) / side - 0.5) * 3.8, (0.5 - (Math.floor(i / side) + uniform()) / side) * 3.8];
  };
}

function choose(next) {
  shape = next;
  view.dataset.shape = shape;
  view.querySelectorAll("[data-shape]").forEach((node) => node.setAttribute("aria-pressed", String(node.dataset.shape === shape)));
  view.querySelectorAll(".only").forEach((node) => (node.hidden = !node.classList.contains(shape)));
  delete part(".readout").dataset.pointed;
  const text = part(".text").value.trim();
  const numbers = normalNumbers(7);
  const point = { spiral, moons, letters: text && letters(text) }[shape];
  data = new Float64Array(point ? Array.from({ length: DATA }, () => point(numbers)).flat() : []);
  restart();
}

function drawAt(x, y) {
  delete part(".readout").dataset.pointed;
  const numbers = normalNumbers(data.length + 1);
  const added = Array.from({ length: 6 }, () => [x + 0.05 * numbers.normal(), y + 0.05 * numbers.normal()]).flat();
  data = new Float64Array([...data, ...added].slice(-2 * MAX_DRAWN));
  draw();
}

// Training

function restart() {
  network = createNetwork(HIDDEN, seed);
  optimize = createOptimizer(network.weights.length);
  random = normalNumbers(seed + 1);
  [updates, losses, rate] = [0, [], 0];
  if (!data.length) training = false;
  begin();
  show();
}

function update() {
  let mean = 0;
  const pace = Number(part(".pace").value);
  for (let i = 0; i < pace; i++) {
    const { points, times, targets } = drawBatch(data, BATCH, random);
    const { loss, gradient } = lossAndGradient(network, points, times, targets);
    optimize(network.weights, gradient, RATE);
    mean += loss / pace;
  }
  updates += 1;
  losses.push(mean);
}

function train(on) {
  training = on && data.length > 0;
  if (training && !calm.matches) play(true);
  if (!training) play(false);
  wake();
  show();
}

// Points along the field

const count = () => Number(part(".count").value);
const timeAt = (step) => 1 - step / count();

function begin() {
  const { normal } = normalNumbers(noiseSeed);
  path = [Float64Array.from({ length: 2 * FLOWING }, normal)];
  [place, held, pathOf] = [0, 0, updates];
}

function stepOn() {
  path.push(flow(network, path.at(-1), timeAt(path.length - 1), timeAt(path.length)));
}

function jump(to) {
  if (pathOf !== updates) [path.length, pathOf] = [1, updates]; // the network has changed: flow anew from the noise
  place = Math.min(Math.max(to, 0), count());
  while (path.length <= place) stepOn();
}

function advance() {
  if (place < count()) {
    path.length = place + 1;
    stepOn(); // by the network as it is now
    place += 1;
  } else if (held < HOLD_UPDATES) held += 1;
  else if (training) begin();
  else playing = false;
}

function play(on) {
  playing = on && !calm.matches;
  if (on && place >= count()) begin();
  if (on && calm.matches) jump(count());
  wake();
  show();
}

// One loop for both, 30 times a second, only while something moves and the page is seen

function wake() {
  if (awake || !(training || playing)) return;
  awake = true;
  let due = performance.now();
  let [since, done] = [due, 0];
  requestAnimationFrame(function tick(now) {
    if (!element.isConnected || !plane.offsetParent) [training, playing] = [false, false];
    if (!(training || playing)) {
      awake = false;
      return show();
    }
    requestAnimationFrame(tick);
    if (now < due - 1) return;
    due = Math.max(due + PERIOD_MILLISECONDS, now - PERIOD_MILLISECONDS);
    if (training) update();
    if (playing) advance();
    done += 1;
    if (now - since > 1000) [rate, since, done] = [(1000 * done) / (now - since), now, 0];
    if (!calm.matches || updates % 30 === 0) show();
  });
}

// Drawing

function show() {
  part(".train").textContent = training ? "Pause" : "Train";
  part(".play").textContent = playing ? "Pause" : "Play";
  for (const name of [".train", ".once"]) part(name).disabled = !data.length;
  part(".time").max = count();
  part(".time").value = place;
  part(".when").textContent = `step ${place} of ${count()}, t = ${timeAt(place).toFixed(2)}: ${place === 0 ? "noise" : place === count() ? "what it has made of the noise" : "on the way"}`;
  const speed = training && rate ? `, ${rate.toFixed(0)} updates a second` : "";
  part(".facts").innerHTML = `<b>${network.weights.length.toLocaleString("en")}</b> weights, <b class="updates">${updates.toLocaleString("en")}</b> updates${speed}`;
  if (!data.length) part(".readout").textContent = shape === "drawn" ? "Draw something first: with the pointer, or with the arrow keys and the space bar." : "Type a letter or a digit first.";
  else if (!part(".readout").dataset.pointed) part(".readout").textContent = "Point at the plane to read the field there.";
  plotLoss();
  draw();
}

function plotLoss() {
  const stretch = Math.max(1, Math.ceil(losses.length / 120));
  const means = [];
  for (let i = 0; i < losses.length; i += stretch) {
    const near = losses.slice(Math.max(0, i - 20), i + 1);
    means.push(near.reduce((a, b) => a + b) / near.length);
  }
  const svg = part(".loss");
  svg.replaceChildren();
  if (means.length < 2) return;
  const [low, high] = [Math.min(...means), Math.max(...means)];
  const line = means.map((y, i) => `${30 + (i / (means.length - 1)) * 224},${8 + ((high - y) / (high - low || 1)) * 62}`);
  svg.append(
    node("polyline", { points: line.join(" "), fill: "none", stroke: "var(--gb-memory)", "stroke-width": 1.5 }),
    node("text", { x: 3, y: 13 }, high.toPrecision(3)),
    node("text", { x: 3, y: 74 }, low.toPrecision(3)),
  );
  svg.setAttribute("aria-label", `loss from ${means[0].toPrecision(3)} to ${means.at(-1).toPrecision(3)}`);
}

function node(name, attributes, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

function draw() {
  const side = plane.clientWidth;
  if (!side) return;
  const scale = window.devicePixelRatio || 1;
  plane.width = plane.height = Math.round(side * scale);
  const context = plane.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  const at = (value) => ((value + EDGE) / (2 * EDGE)) * side;
  const paint = { context, side, x: at, y: (value) => side - at(value), color: (name) => getComputedStyle(view).getPropertyValue(`--gb-${name}`) };
  dots(paint, data, "input", 1.3, 0.45);
  arrows(paint);
  if (part(".paths").checked) paths(paint);
  dots(paint, path[place], place ? "prediction" : "noise", 2.3, 0.9);
}

function dots({ context, x, y, color }, points, role, radius, alpha) {
  context.fillStyle = color(role);
  context.globalAlpha = alpha;
  for (let i = 0; i < points.length; i += 2) {
    context.beginPath();
    context.arc(x(points[i]), y(points[i + 1]), radius, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
}

function arrows({ context, side, x, y, color }) {
  const grid = Array.from({ length: ARROWS }, (_, i) => EDGE * ((2 * i + 1) / ARROWS - 1));
  const points = Float64Array.from(grid.flatMap((py) => grid.flatMap((px) => [px, py])));
  const { v } = predict(network, points, new Float64Array(ARROWS ** 2).fill(timeAt(place)));
  const cell = side / ARROWS;
  context.strokeStyle = color("memory");
  context.globalAlpha = 0.75;
  for (let i = 0; i < v.length; i += 2) {
    const [dx, dy] = [-v[i], v[i + 1]]; // against v is towards the picture; y grows downwards on the screen
    const speed = Math.hypot(dx, dy);
    const reach = (0.85 * cell * Math.min(1, speed / 3)) / (speed || 1);
    const [fromX, fromY, toX, toY] = [-0.5, 0.5].flatMap((s) => [x(points[i]) + s * dx * reach, y(points[i + 1]) + s * dy * reach]);
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
    for (const turn of [2.6, -2.6]) {
      const angle = Math.atan2(dy, dx) + turn;
      context.moveTo(toX, toY);
      context.lineTo(toX + 3 * Math.cos(angle), toY + 3 * Math.sin(angle));
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}

function paths({ context, x, y, color }) {
  context.strokeStyle = color("prediction");
  context.globalAlpha = 0.25;
  for (let i = 0; i < 2 * FLOWING; i += 2) {
    context.beginPath();
    for (const points of path.slice(0, place + 1)) context.lineTo(x(points[i]), y(points[i + 1]));
    context.stroke();
  }
  context.globalAlpha = 1;
}

// Hands

function pointed(event) {
  const box = plane.getBoundingClientRect();
  const to = (offset, length) => (offset / length) * 2 * EDGE - EDGE;
  return [to(event.clientX - box.left, box.width), -to(event.clientY - box.top, box.height)];
}

plane.addEventListener("pointermove", (event) => {
  const [px, py] = pointed(event);
  if (shape === "drawn" && event.buttons) return drawAt(px, py);
  if (!data.length) return;
  const t = timeAt(place);
  const { v } = predict(network, [px, py], [t]);
  part(".readout").dataset.pointed = "yes";
  part(".readout").textContent = `At (${px.toFixed(2)}, ${py.toFixed(2)}), t = ${t.toFixed(2)} the network says v = (${v[0].toFixed(2)}, ${v[1].toFixed(2)}); a point there goes the other way.`;
});
plane.addEventListener("pointerdown", (event) => {
  if (shape !== "drawn") return;
  plane.setPointerCapture(event.pointerId);
  drawAt(...pointed(event));
});
plane.addEventListener("pointerup", () => shape === "drawn" && show());
const MOVES = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
plane.addEventListener("keydown", (event) => {
  if (shape !== "drawn" || !(MOVES[event.key] || event.key === " ")) return;
  event.preventDefault();
  const [dx, dy] = MOVES[event.key] || [0, 0];
  brush = [brush[0] + dx, brush[1] + dy].map((value) => Math.min(EDGE, Math.max(-EDGE, value)));
  if (event.key === " ") drawAt(...brush);
  show();
  part(".readout").textContent = `Brush at (${brush[0].toFixed(1)}, ${brush[1].toFixed(1)}); the space bar draws.`;
});

function manually(move) {
  return () => {
    playing = false;
    move();
    show();
  };
}

view.querySelectorAll("[data-shape]").forEach((button) => button.addEventListener("click", () => choose(button.dataset.shape)));
part(".text").addEventListener("input", () => choose("letters"));
part(".wipe").addEventListener("click", () => choose("drawn"));
part(".train").addEventListener("click", () => train(!training));
part(".once").addEventListener("click", manually(() => {
  training = false;
  update();
  jump(place);
}));
part(".fresh").addEventListener("click", () => {
  seed += 1;
  restart();
});
part(".play").addEventListener("click", () => play(!playing));
part(".back").addEventListener("click", manually(() => jump(place - 1)));
part(".forward").addEventListener("click", manually(() => jump(place + 1)));
part(".time").addEventListener("input", manually(() => jump(Number(part(".time").value))));
part(".count").addEventListener("change", manually(begin));
part(".again").addEventListener("click", manually(() => {
  noiseSeed += 1;
  begin();
}));
part(".paths").addEventListener("change", show);
new ResizeObserver(draw).observe(plane);
choose("spiral");
