const figure = element.querySelector(".figure");
const part = (name) => figure.querySelector(name);
const image = part("img");
let shown = null;
let selected = null;
let layer = 0;

function receive() {
  shown = props.value && props.value.image ? props.value : null;
  figure.dataset.state = shown ? "full" : "empty";
  selected = null;
  if (!shown) return;
  layer = shown.candidates.length ? shown.candidates[0].points.length - 1 : 0;
  image.onload = redraw;
  image.src = shown.image;
}

function redraw() {
  if (!shown) return;
  const found = above(shown.candidates);
  if (!found.includes(selected)) selected = null;
  const [width, height] = [image.clientWidth, image.clientHeight];
  const context = fit(part("canvas"), width, height);
  paintBoxes(context, found, width, height, (candidate) => selected !== null && candidate !== selected);
  if (selected) paintQuery(context, width, height);
  figure.dataset.boxes = found.length;
  const best = shown.candidates.length ? `; the best candidate has ${shown.candidates[0].score.toFixed(2)}` : "";
  part(".count").textContent = found.length
    ? `${found.length} ${found.length === 1 ? "box" : "boxes"} above ${currentThreshold().toFixed(2)}. Click one to see where its query looked.`
    : `No box above ${currentThreshold().toFixed(2)}${best}. Lower the threshold to see more.`;
  listBoxes(found);
  explain();
}

function paintQuery(context, width, height) {
  const ink = role("query");
  context.strokeStyle = ink;
  context.lineWidth = 2;
  context.setLineDash([6, 4]);
  rectangle(context, selected.reference, width, height);
  context.setLineDash([]);
  const points = selected.points[layer];
  for (let i = 0; i < points.length; i += 3) {
    context.beginPath();
    context.arc(points[i] * width, points[i + 1] * height, 2 + 5 * points[i + 2], 0, 2 * Math.PI);
    context.globalAlpha = 0.25 + 0.75 * points[i + 2];
    context.fillStyle = ink;
    context.fill();
    context.globalAlpha = 1;
    context.lineWidth = 1;
    context.strokeStyle = role("paper");
    context.stroke();
  }
}

function button(text, pressed, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.setAttribute("aria-pressed", String(pressed));
  made.addEventListener("click", () => {
    action();
    redraw();
  });
  return made;
}

function listBoxes(found) {
  const choose = (candidate) => () => (selected = candidate === selected ? null : candidate);
  part(".list").replaceChildren(
    ...found.map((candidate) =>
      button(`${candidate.label} ${candidate.score.toFixed(2)}`, candidate === selected, choose(candidate)),
    ),
  );
}

function explain() {
  part(".inside").hidden = selected === null;
  if (!selected) return;
  const count = selected.points[0].length / 3;
  part(".explanation").textContent =
    `Object query ${selected.query}: the dashed box is where it started, one of the encoder's proposals. ` +
    `In each decoder layer it reads the picture at ${count} points only; larger points weigh more.`;
  part(".layers").replaceChildren(
    ...selected.points.map((_, index) => button(`layer ${index + 1}`, index === layer, () => (layer = index))),
  );
}

part(".picture").addEventListener("click", (event) => {
  if (!shown) return;
  const frame = image.getBoundingClientRect();
  const [x, y] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
  const size = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  const hit = above(shown.candidates).filter(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
  const smallest = hit.sort((a, b) => size(a) - size(b))[0] || null;
  selected = smallest === selected ? null : smallest;
  redraw();
});
document.addEventListener("detection-threshold", redraw);
new ResizeObserver(redraw).observe(image);

watch("value", receive);
receive();
