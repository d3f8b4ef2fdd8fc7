const view = element.querySelector(".noise-view");
const part = (name) => view.querySelector(name);
const [WIDTH, HEIGHT] = [200, 110];
const NAMED_AT = { cosine: 0.8, linear: 0.3, shifted: 0.6 }; // where on its curve each name stands

function shape(name, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function receive() {
  const value = props.value;
  view.dataset.state = value && value.noisy ? "full" : "empty";
  if (view.dataset.state === "empty") return;
  part(".clean").src = value.clean;
  part("img.noise").src = value.noise;
  part(".noisy").src = value.noisy;
  part(".signal").textContent = value.signal.toFixed(3);
  part(".noise-share").textContent = value.noiseShare.toFixed(3);
  part(".t").textContent = value.t;
  part(".share").textContent = value.alphaBar.toFixed(3);
  part(".snr").textContent = value.snr.toPrecision(3);
  part(".mean").textContent = value.mean.toFixed(2);
  part(".deviation").textContent = value.deviation.toFixed(2);
  part(".values").textContent = value.values.toLocaleString("en");
  drawCurves(value);
  drawHistogram(value);
}

function drawCurves({ curves, schedule, t, alphaBar }) {
  const x = (time) => (time / 999) * (WIDTH - 12) + 6;
  const y = (share) => HEIGHT - 8 - share * (HEIGHT - 16);
  const lines = Object.entries(curves).flatMap(([name, curve]) => {
    const chosen = name === schedule;
    const points = curve.map((share, i) => [x((i * 999) / (curve.length - 1)), y(share)]);
    const stroke = chosen ? "var(--gb-memory)" : "var(--gb-noise)";
    const line = shape("polyline", { points: points.join(" "), fill: "none", stroke, "stroke-width": chosen ? 1.8 : 0.8, "stroke-dasharray": chosen ? "none" : "3 2" });
    const near = points[curve.findIndex((share) => share < NAMED_AT[name])];
    const before = name === "shifted"; // the others' curves are to its right
    const anchor = before ? "end" : "start";
    const label = shape("text", { x: near[0] + (before ? -3 : 3), y: near[1], "text-anchor": anchor, class: chosen ? "chosen" : "" });
    label.textContent = name;
    return [line, label];
  });
  part(".curve").replaceChildren(
    ...lines,
    shape("line", { x1: x(t), x2: x(t), y1: 4, y2: HEIGHT - 4, stroke: "var(--gb-line)" }),
    shape("circle", { cx: x(t), cy: y(alphaBar), r: 4, fill: "var(--gb-prediction)" }),
  );
  part(".curve").setAttribute("aria-label", `alphas_cumprod of the ${schedule} schedule over time; at ${t} it is ${alphaBar.toFixed(3)}`);
}

function drawHistogram({ histogram, centres }) {
  const top = Math.max(0.6, ...histogram);
  const step = WIDTH / histogram.length;
  const y = (density) => HEIGHT - 4 - (Math.min(density, top) / top) * (HEIGHT - 10);
  const bars = histogram.map((density, i) =>
    shape("rect", { x: i * step + 0.5, y: y(density), width: step - 1, height: HEIGHT - 4 - y(density), fill: "var(--gb-noise)" }),
  );
  const normal = centres.map((c, i) => `${(i + 0.5) * step},${y(Math.exp((-c * c) / 2) / Math.sqrt(2 * Math.PI))}`);
  const line = shape("polyline", { points: normal.join(" "), fill: "none", stroke: "var(--gb-prediction)", "stroke-width": 1.6 });
  part(".histogram").replaceChildren(...bars, line);
  part(".histogram").setAttribute("aria-label", "histogram of the noisy picture's values beside a standard normal density");
}

watch("value", receive);
receive();
