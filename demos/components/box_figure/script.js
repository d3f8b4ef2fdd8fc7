// One traced picture. The network's answers are all here, so that no click runs it again; only whom a query attends to
// is asked for when it is looked at.
const figure = element.querySelector(".figure");
const part = (name) => figure.querySelector(name);
const image = part("img");
const state = { view: "boxes", query: 0, stage: 0, layer: 0, head: null };
let shown = null;

const tools = { part, state, trace: () => shown, change, choose, redraw };
const panels = {
  boxes: boxesPanel(),
  "layer by layer": stepsPanel(tools),
  "sampling points": pointsPanel(tools),
  "other queries": linksPanel(tools),
  proposals: proposalsPanel(tools),
};

function receive() {
  shown = props.value && props.value.image ? unpack(props.value) : null;
  figure.dataset.state = shown ? "full" : "empty";
  if (!shown) return publish(null);
  state.layer = shown.layers - 1;
  state.stage = shown.stages.length - 1;
  state.query = shown.candidates.length ? shown.candidates[0].query : 0;
  part(".number").max = shown.queries - 1;
  image.onload = redraw;
  image.src = shown.image;
  figure.dataset.run = shown.run;
  const { run, width, height, labels, candidates } = shown;
  publish({ run, width, height, labels, candidates, image: shown.image });
}

function publish(run) {
  window.glassbox.detection = run;
  document.dispatchEvent(new Event("detection-run"));
}

// The value with its numbers unpacked and a name for each way to read them.
function unpack(value) {
  const [logits, boxes, moves, points] = ["logits", "boxes", "moves", "points"].map((name) => floatsOf(value[name]));
  const [count, classes, perQuery] = [value.queries, value.labels.length, value.heads * value.pointsOfHead * 3];
  const row = (array, size) => (index, query) => array.subarray((index * count + query) * size, (index * count + query + 1) * size);
  const scored = (stage) => (stage === 0 ? 0 : stage === 1 ? null : stage - 1); // the reference box has no scores
  return {
    ...value,
    layers: value.stages.length - 2,
    box: row(boxes, 4),
    move: (stage, query) => row(moves, 4)(stage - 1, query),
    scores: (stage, query) => scored(stage) === null ? null : row(logits, classes)(scored(stage), query).map(sigmoid),
    points: row(points, perQuery),
    map: { ...value.proposals, scores: floatsOf(value.proposals.scores) },
  };
}

function change(what) {
  Object.assign(state, what);
  redraw();
}

function choose(query) {
  change({ query });
  const { rows, columns } = shown.patches;
  const [x, y] = shown.box(shown.stages.length - 1, query);
  const cell = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
  const token = 1 + cell(y, rows) * columns + cell(x, columns);
  document.dispatchEvent(new CustomEvent("glassbox-token", { detail: { run: shown.run, token } }));
}

function redraw() {
  if (!shown || !image.clientWidth) return;
  const began = performance.now();
  const found = above(shown.candidates);
  const [width, height] = [image.clientWidth, image.clientHeight];
  const context = fit(part("canvas"), width, height);
  panels[state.view].paint(context, width, height);
  figure.dataset.boxes = found.length;
  const best = shown.candidates.length ? `; the best candidate has ${shown.candidates[0].score.toFixed(2)}` : "";
  part(".count").textContent = found.length
    ? `${found.length} ${found.length === 1 ? "box" : "boxes"} above ${currentThreshold().toFixed(2)} of ${shown.candidates.length} candidates. Click one to see where it comes from.`
    : `No box above ${currentThreshold().toFixed(2)}${best}. Lower the threshold to see more.`;
  keepFocus(figure, () => rebuild(found));
  figure.dataset.view = state.view;
  figure.dataset.query = state.query;
  figure.dataset.redrawn = (performance.now() - began).toFixed(1);
}

function rebuild(found) {
  part(".views").replaceChildren(...Object.keys(panels).map((view) => chip(view, view === state.view, () => change({ view, head: null }))));
  part(".list").replaceChildren(
    ...found.map(({ label, score, query }) => chip(`${label} ${score.toFixed(2)}`, query === state.query, () => choose(query))),
  );
  if (document.activeElement !== part(".number")) part(".number").value = state.query;
  summarise();
  part(".inside").replaceChildren(...panels[state.view].show());
}

function summarise() {
  const scores = shown.scores(shown.stages.length - 1, state.query);
  const best = scores.indexOf(Math.max(...scores));
  const { columns, chosen } = shown.map;
  const place = chosen[state.query];
  part(".summary").textContent =
    `of ${shown.queries}: says ${shown.labels[best]} with ${scores[best].toFixed(2)}; started at row ` +
    `${Math.floor(place / columns) + 1}, column ${(place % columns) + 1} of the feature map.`;
}

// The answer as it is, the chosen box heavier than the others.
function boxesPanel() {
  const paint = (context, width, height) => {
    const last = shown.stages.length - 1;
    strokeCorners(context, cornersOf(shown.box(last, state.query)), width, height, { color: role("query"), thickness: 9 });
    paintBoxes(context, above(shown.candidates), width, height);
  };
  return { paint, show: () => [classBars(shown, shown.stages.length - 1, state.query)] };
}

function at(event) {
  const frame = image.getBoundingClientRect();
  return [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
}

part(".picture").addEventListener("click", (event) => {
  if (!shown) return;
  const [x, y] = at(event);
  if (panels[state.view].pick) return panels[state.view].pick(x, y);
  const size = ({ box }) => (box[2] - box[0]) * (box[3] - box[1]);
  const hit = above(shown.candidates).filter(({ box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]);
  if (hit.length) choose(hit.sort((a, b) => size(a) - size(b))[0].query);
});
part(".picture").addEventListener("pointermove", (event) => shown && panels[state.view].hover?.(...at(event)));
part(".number").addEventListener("input", (event) => {
  const query = Number(event.target.value);
  if (shown && event.target.value !== "" && Number.isInteger(query) && query >= 0 && query < shown.queries) choose(query);
});
part(".number").addEventListener("change", (event) => (event.target.value = state.query));
document.addEventListener("detection-threshold", redraw);
new ResizeObserver(redraw).observe(image);
new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["class"] });

watch("value", receive);
receive();
