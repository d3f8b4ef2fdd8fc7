const view = element.querySelector(".training-step");
const part = (name) => view.querySelector(name);
const BACKGROUND = [74, 82, 96];
const NOISE_RANGE = 3;
const CHANNELS = ["red", "green", "blue", "opacity"];
let example = null;
let pixel = null;

const unit = (x) => Math.min(1, Math.max(0, (x + 1) / 2));
const at = (name, channel, i) => example.values[name][channel * example.size ** 2 + i];

function errorAt(i) {
  let sum = 0;
  for (let c = 0; c < 4; c++) sum += (at("v", c, i) - at("target", c, i)) ** 2;
  return sum / 4;
}

const shown = { x0: sprite, x0Predicted: sprite, xt: signed(1), epsilon: signed(NOISE_RANGE), v: signed(2), target: signed(2), error };

function sprite(name, i) {
  const opacity = unit(at(name, 3, i));
  return [0, 1, 2].map((c) => 255 * unit(at(name, c, i)) + BACKGROUND[c] * (1 - opacity));
}

function signed(range) {
  return (name, i) => [0, 1, 2].map((c) => 255 * unit(at(name, c, i) / range));
}

function error(_, i) {
  return window.glassbox.sequential(errorAt(i) / example.top);
}

function paint(canvas) {
  const name = canvas.dataset.name;
  canvas.width = canvas.height = example.size;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(example.size, example.size);
  for (let i = 0; i < example.size ** 2; i++) picture.data.set([...shown[name](name, i), 255], 4 * i);
  context.putImageData(picture, 0, 0);
  if (pixel === null) return;
  context.fillStyle = "rgba(255, 60, 220, 0.85)";
  context.fillRect(pixel % example.size, Math.floor(pixel / example.size), 1, 1);
}

function show() {
  view.querySelectorAll("canvas").forEach(paint);
  if (pixel === null) return;
  const [x, y] = [pixel % example.size, Math.floor(pixel / example.size)];
  const f = (name) => at(name, channel, pixel).toFixed(2);
  const channel = 0;
  part(".pixel").textContent =
    `Pixel ${x}, ${y}, ${CHANNELS[channel]}: x₀ ${f("x0")}; xₜ = ${example.signal.toFixed(3)} × ${f("x0")} + ` +
    `${example.noise.toFixed(3)} × ${f("epsilon")} = ${f("xt")}; v should be ${f("target")}, the network says ${f("v")}; ` +
    `squared error over all four channels ${errorAt(pixel).toFixed(3)}.`;
}

function receive() {
  example = props.value && props.value.values ? props.value : null;
  view.dataset.state = example ? "full" : "empty";
  if (!example) return;
  example = { ...example, top: 1e-6 };
  for (let i = 0; i < example.size ** 2; i++) example.top = Math.max(example.top, errorAt(i));
  if (pixel !== null && pixel >= example.size ** 2) pixel = null;
  const f = (x) => x.toPrecision(3);
  part(".size").textContent = `${example.size} × ${example.size} pixels of red, green, blue and opacity: ${(4 * example.size ** 2).toLocaleString("en")} numbers from −1 to 1.`;
  part(".t").textContent = example.t;
  part(".sum").textContent = `xₜ = ${example.signal.toFixed(3)} × x₀ + ${example.noise.toFixed(3)} × ε: no learning so far.`;
  part(".top").textContent = f(example.top);
  part(".loss").textContent = f(example.loss);
  part(".gradient").textContent = f(example.gradientNorm);
  part(".after").textContent = `The same picture, time and noise after one step of the optimiser: ${f(example.lossAfter)}.`;
  show();
}

function choose(place) {
  pixel = place;
  show();
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
view.querySelectorAll("canvas").forEach((canvas) => {
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    const place = (offset, length) => Math.min(example.size - 1, Math.max(0, Math.floor((offset / length) * example.size)));
    const next = place(event.clientY - box.top, box.height) * example.size + place(event.clientX - box.left, box.width);
    if (next !== pixel) choose(next);
  });
  canvas.addEventListener("keydown", (event) => {
    if (!MOVES[event.key]) return;
    event.preventDefault();
    const [x, y] = pixel === null ? [0, 0] : [pixel % example.size, Math.floor(pixel / example.size)];
    const clamp = (value) => Math.min(example.size - 1, Math.max(0, value));
    choose(clamp(y + MOVES[event.key][1]) * example.size + clamp(x + MOVES[event.key][0]));
  });
});
watch("value", receive);
receive();
if (!example) trigger("opened");
