const root = element.querySelector(".box-lessons");
const part = (name) => root.querySelector(name);
const loss = lineChart(part(".lc-frame"), part(".lc-legend"));
const slider = part(".bl-slide input");
const color = (name) => getComputedStyle(root).getPropertyValue(`--gb-${name}`).trim();
const threshold = () => window.glassbox.detectionThreshold ?? 0.5;
let value = null;
let run = "";
let follow = true;

function receive() {
  value = props.value?.rounds?.length ? props.value : null;
  root.dataset.state = value ? "full" : "empty";
  if (!value) return;
  if (value.run !== run) {
    [run, follow] = [value.run, true];
    part(".bl-frames").replaceChildren(
      ...value.frames.map(({ image }, i) => {
        const figure = document.createElement("figure");
        figure.append(Object.assign(document.createElement("img"), { src: image, alt: `frame ${i + 1}` }), document.createElement("canvas"));
        figure.firstChild.addEventListener("load", show);
        return figure;
      }),
    );
  }
  slider.max = value.rounds.length - 1;
  if (follow) slider.value = slider.max;
  loss.show({ series: [{ name: "loss, mean of the last steps", color: "memory", dash: "", points: value.losses }], x: "steps", y: "loss", low: 0 });
  show();
}

function show() {
  if (!value) return;
  const round = value.rounds[Number(slider.value)];
  const found = round.found.flat().filter(({ score }) => score > threshold()).length;
  part(".bl-when").textContent = `after ${round.step} steps, ${round.seconds.toFixed(0)} s: ${found} found, ${value.frames.reduce((sum, { drawn }) => sum + drawn.length, 0)} drawn`;
  [...part(".bl-frames").children].forEach((figure, i) => paint(figure.querySelector("canvas"), value.frames[i].drawn, round.found[i]));
}

function paint(canvas, drawn, found) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "600 11px system-ui, sans-serif";
  const frame = ({ box: [left, top, right, bottom] }, strokes) => {
    for (const [style, thickness] of strokes) {
      Object.assign(context, { strokeStyle: style, lineWidth: thickness });
      context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    }
  };
  context.setLineDash([5, 4]);
  drawn.forEach((one) => frame(one, [["#fff", 3], ["#1e293b", 1.5]]));
  context.setLineDash([]);
  for (const one of found.filter(({ score }) => score > threshold())) {
    frame(one, [[color("paper"), 4], [color("prediction"), 2]]);
    const text = `${one.label} ${one.score.toFixed(2)}`;
    const [x, y] = [one.box[0] * width, Math.max(0, one.box[1] * height - 15)];
    context.fillStyle = color("prediction");
    context.fillRect(x, y, context.measureText(text).width + 8, 15);
    context.fillStyle = color("paper");
    context.fillText(text, x + 4, y + 11);
  }
}

slider.addEventListener("input", () => {
  follow = slider.value === slider.max;
  show();
});
document.addEventListener("detection-threshold", show);
new ResizeObserver(show).observe(part(".bl-frames"));
watch("value", () => requestAnimationFrame(receive));
receive();
