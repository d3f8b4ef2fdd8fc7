// What every stage would answer, and what suppression would leave of it. The boxes come from the kept run on the server:
// the network does not run again.
const view = element.querySelector(".sv");
const part = (name) => view.querySelector(name);
const images = [...view.querySelectorAll("img")];
const state = { stage: null, stages: [] };
let shown = null;

function receive() {
  const run = window.glassbox.detection;
  view.dataset.state = run ? "full" : "empty";
  if (!run) shown = null;
  if (!run || run.run === shown?.run) return;
  shown = run;
  state.stage = null;
  images.forEach((image) => (image.src = run.image));
  ask();
}

// Only the newest question counts; while one is on its way the next one waits.
let [asking, again] = [false, false];
async function ask() {
  if (!shown || !view.clientWidth) return;
  part(".sv-iou-value").textContent = Number(part(".sv-iou").value).toFixed(2);
  if (asking) return void (again = true);
  asking = true;
  const request = { run: shown.run, threshold: currentThreshold(), iou: Number(part(".sv-iou").value) };
  const answer = await server.suppress_boxes(request).catch(() => ({ error: "The server could not be reached." }));
  asking = false;
  if (again) {
    again = false;
    return ask();
  }
  part(".sv-problem").hidden = !answer.error;
  part(".sv-problem").textContent = answer.error || "";
  if (answer.error) return;
  state.stages = answer.stages;
  if (state.stage === null) state.stage = answer.stages.length - 1;
  draw();
}

const removed = (stage) => stage.boxes.filter((box) => !box.kept).length;
const counted = (count) => `${count} ${count === 1 ? "box" : "boxes"}`;

function draw() {
  if (!state.stages.length) return;
  const stage = state.stages[state.stage];
  const chips = state.stages.map(({ name }, index) => chip(name, index === state.stage, () => { state.stage = index; draw(); }));
  keepFocus(view, () => part(".sv-stages").replaceChildren(...chips));
  part(".sv-before-name").textContent = `Without NMS, ${stage.name}: ${counted(stage.boxes.length)}; dashed: what NMS would remove.`;
  part(".sv-after-name").textContent = `With NMS: ${counted(stage.boxes.length - removed(stage))}.`;
  paint(part(".sv-before"), images[0], stage.boxes);
  paint(part(".sv-after"), images[1], stage.boxes.filter((box) => box.kept));
  part(".sv-table tbody").replaceChildren(
    ...state.stages.map((one, index) => {
      const line = document.createElement("tr");
      line.setAttribute("aria-current", String(index === state.stage));
      line.append(...[one.name, one.boxes.length, removed(one), one.boxes.length - removed(one)].map((text) => made("td", "", text)));
      return line;
    }),
  );
  view.dataset.removed = removed(stage);
  view.dataset.boxes = stage.boxes.length;
}

function paint(canvas, image, boxes) {
  const [width, height] = [image.clientWidth, image.clientHeight];
  if (!width) return;
  const context = fit(canvas, width, height);
  paintBoxes(context, boxes.filter((box) => box.kept), width, height);
  for (const { box, kept } of boxes) {
    if (!kept) strokeCorners(context, box, width, height, { color: role("key"), dash: [5, 4], thickness: 2 });
  }
}

part(".sv-iou").addEventListener("input", ask);
document.addEventListener("detection-threshold", ask);
document.addEventListener("detection-run", receive);
images.forEach((image) => (image.onload = draw));
new ResizeObserver(() => (state.stages.length ? draw() : ask())).observe(view);
new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
receive();
