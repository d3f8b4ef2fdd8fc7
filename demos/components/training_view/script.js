const view = element.querySelector(".training-view");
const part = (name) => view.querySelector(name);
const [WIDTH, HEIGHT] = [260, 96];
let value = null;
let run = null;
let current = 0;
let follow = true; // show the newest samples while they arrive

function tiles(holder, sheet, count) {
  const nodes = Array.from({ length: count }, (_, i) => {
    const node = document.createElement("div");
    node.className = "tile";
    node.style.backgroundImage = `url(${sheet})`;
    node.style.backgroundSize = `${count * 100}% 100%`;
    node.style.backgroundPosition = count > 1 ? `${(i / (count - 1)) * 100}% 0` : "0 0";
    return node;
  });
  part(holder).replaceChildren(...nodes);
}

function receive() {
  value = props.value && props.value.samples && props.value.samples.length ? props.value : null;
  view.dataset.state = value ? "full" : "empty";
  if (!value) return;
  if (value.run !== run) {
    run = value.run;
    follow = true;
    tiles(".data", value.data, value.dataShown);
    part(".about").textContent = value.about;
  }
  part(".history").max = value.samples.length;
  if (follow) current = value.samples.length - 1;
  plot("loss", value.losses, "var(--gb-memory)");
  plot("norm", value.norms, "var(--gb-key)");
  show();
}

function show() {
  const sample = value.samples[current];
  tiles(".now", sample.sheet, value.count);
  tiles(".near", sample.nearest, value.count);
  [...part(".near").children].forEach((node, i) => node.append(String(sample.distances[i])));
  part(".history").value = current + 1;
  part(".when").textContent = `after ${sample.step.toLocaleString("en")} steps, ${sample.seconds.toFixed(0)} s`;
}

function jump(place) {
  current = Math.min(Math.max(place, 0), value.samples.length - 1);
  follow = current === value.samples.length - 1;
  show();
}

function shape(name, attributes, text = "") {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, content] of Object.entries(attributes)) node.setAttribute(key, content);
  node.textContent = text;
  return node;
}

function plot(name, points, stroke) {
  const svg = part(`svg.${name}`);
  svg.replaceChildren();
  part(`.last-${name}`).textContent = points.length ? points.at(-1)[1].toPrecision(3) : "";
  if (points.length < 2) return;
  const logs = points.map(([, y]) => Math.log10(Math.max(y, 1e-6)));
  const [low, high] = [Math.min(...logs), Math.max(...logs) + 1e-6];
  const x = (step) => 30 + (step / points.at(-1)[0]) * (WIDTH - 36);
  const y = (log) => 8 + ((high - log) / (high - low)) * (HEIGHT - 24);
  const line = points.map(([step], i) => `${x(step).toFixed(1)},${y(logs[i]).toFixed(1)}`).join(" ");
  svg.append(
    shape("polyline", { points: line, fill: "none", stroke, "stroke-width": 1.5 }),
    shape("text", { x: 3, y: 13 }, (10 ** high).toPrecision(2)),
    shape("text", { x: 3, y: HEIGHT - 14 }, (10 ** low).toPrecision(2)),
    shape("text", { x: 30, y: HEIGHT - 3 }, "step 0"),
    shape("text", { x: WIDTH - 4, y: HEIGHT - 3, "text-anchor": "end" }, points.at(-1)[0].toLocaleString("en")),
  );
  svg.setAttribute("aria-label", `${name} from ${points[0][1].toPrecision(3)} to ${points.at(-1)[1].toPrecision(3)}`);
}

part(".history").addEventListener("input", () => jump(Number(part(".history").value) - 1));
part(".back").addEventListener("click", () => jump(current - 1));
part(".forward").addEventListener("click", () => jump(current + 1));
watch("value", receive);
receive();
