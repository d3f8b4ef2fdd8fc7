const curves = element.querySelector(".tc");
const part = (name) => curves.querySelector(name);
const chartIn = (name) => lineChart(part(`${name} .lc-frame`), part(`${name} .lc-legend`));
const charts = { loss: chartIn(".tc-loss"), norm: chartIn(".tc-norm"), distance: chartIn(".tc-distance") };
const bits = (value) => `${value.toFixed(2)} bits`;

function receive() {
  const value = props.value?.loss ? props.value : null;
  curves.dataset.state = value ? "full" : "empty";
  if (!value) return;
  charts.loss.show({ ...value.loss, format: bits });
  charts.norm.show(value.norm);
  charts.distance.show(value.distance);
  part(".tc-largest").textContent = value.largest;
  part(".tc-factor").textContent = value.factor;
  part(".tc-samples").replaceChildren(...value.samples.map(sampleLine));
}

function sampleLine({ steps, text }) {
  const line = document.createElement("li");
  const when = document.createElement("b");
  const written = document.createElement("span");
  when.textContent = `after ${steps.toLocaleString("en")} ${steps === 1 ? "step" : "steps"}:`;
  written.textContent = text;
  line.append(when, written);
  return line;
}

watch("value", () => requestAnimationFrame(receive));
receive();
