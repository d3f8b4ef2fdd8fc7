// The visitor says what should be found; the server answers which queries the training loss would match with it.
const view = element.querySelector(".mv");
const part = (name) => view.querySelector(name);
const image = part("img");
const SMALLEST = 0.01;
const MOST = 20;
let [shown, truths, answer, dragged] = [null, [], null, null];

function receive() {
  const run = window.glassbox.detection;
  view.dataset.state = run ? "full" : "empty";
  if (!run) shown = null;
  if (!run || run.run === shown?.run) return;
  [shown, truths, answer] = [run, [], null];
  image.src = run.image;
  part(".mv-class").replaceChildren(...run.labels.map((label) => new Option(label, label)));
  if (run.candidates.length) part(".mv-class").value = run.candidates[0].label;
  changed();
}

// Only the newest drawing counts; while one is being matched the next one waits.
let [asking, again] = [false, false];
async function changed({ keepFields = false } = {}) {
  if (!keepFields) listBoxes();
  if (!truths.length) {
    answer = null;
    return explain("No box drawn yet.");
  }
  if (asking) return void (again = true);
  asking = true;
  const request = { run: shown.run, boxes: truths.map(({ box }) => box), labels: truths.map(({ label }) => label) };
  const came = await server.match_boxes(request).catch(() => ({ error: "The server could not be reached." }));
  asking = false;
  if (again) {
    again = false;
    return changed({ keepFields: true });
  }
  if (!truths.length || request.run !== shown?.run) return; // all boxes, or the picture, went meanwhile
  answer = came.error ? null : came;
  explain(came.error || "");
}

function explain(problem) {
  part(".mv-problem").textContent = problem;
  part(".mv-tables").replaceChildren(...(answer ? answer.truths.map(costTable) : []));
  part(".mv-loss").textContent = answer ? lossText(answer.loss) : "";
  view.dataset.truths = truths.length;
  view.dataset.matched = answer ? answer.truths.map((rows) => rows[0].query).join() : "";
  paint();
}

const lossText = (loss) => {
  const total = loss.class + loss.l1 + loss.giou;
  return (
    `The loss of the last layer, if these were all the objects: class ${loss.class.toFixed(3)} + L1 ${loss.l1.toFixed(3)} + ` +
    `GIoU ${loss.giou.toFixed(3)} = ${total.toFixed(3)}. Training adds the same for the other layers and the proposals.`
  );
};

function costTable(rows, index) {
  const box = document.createElement("div");
  box.append(made("h5", "", `Box ${index + 1}, ${truths[index].label}: query ${rows[0].query}`));
  const [frame, table] = [made("div", "mv-scroll"), document.createElement("table")];
  const [classes, l1, giou] = answer.weights;
  const head = document.createElement("tr");
  head.append(...["query", `${classes} × class`, `${l1} × L1`, `−${giou} × GIoU`, "cost", ""].map((text) => made("th", "", text)));
  table.append(head);
  rows.forEach((row, place) => {
    const line = made("tr", place ? "" : "matched");
    const note = place === 0 ? "matched" : row.matched === null ? "" : `matched with box ${row.matched + 1}`;
    line.append(...[row.query, ...[row.class, row.l1, row.giou, row.total].map((cost) => cost.toFixed(2).replace("-", "−")), note].map((text) => made("td", "", text)));
    table.append(line);
  });
  frame.append(table);
  box.append(frame);
  return box;
}

function listBoxes() {
  part(".mv-boxes").replaceChildren(...truths.map((truth, index) => fieldsOf(truth, index)));
}

// Every box can be typed: left, top, right, bottom in pixels.
function fieldsOf(truth, index) {
  const line = made("div", "mv-box");
  line.append(made("b", "", index + 1));
  const select = document.createElement("select");
  select.append(...shown.labels.map((label) => new Option(label, label)));
  select.value = truth.label;
  select.setAttribute("aria-label", `class of box ${index + 1}`);
  select.addEventListener("change", () => {
    truth.label = select.value;
    changed({ keepFields: true });
  });
  line.append(select);
  ["left", "top", "right", "bottom"].forEach((name, side) => {
    const whole = side % 2 ? shown.height : shown.width;
    const label = made("label", "", `${name} `);
    const input = document.createElement("input");
    Object.assign(input, { type: "number", min: 0, max: whole, step: 1, value: Math.round(truth.box[side] * whole) });
    input.setAttribute("aria-label", `${name} of box ${index + 1}, pixels`);
    input.addEventListener("input", () => {
      const value = Number(input.value) / whole;
      if (input.value === "" || !(value >= 0 && value <= 1)) return;
      truth.box[side] = value;
      changed({ keepFields: true });
    });
    label.append(input);
    line.append(label);
  });
  const remove = made("button", "", "Remove");
  remove.type = "button";
  remove.setAttribute("aria-label", `Remove box ${index + 1}`);
  remove.addEventListener("click", () => {
    truths.splice(index, 1);
    changed();
    part(".mv-add").focus();
  });
  line.append(remove);
  return line;
}

function add(box, label = part(".mv-class").value) {
  if (truths.length >= MOST) return explain(`At most ${MOST} boxes can be matched.`);
  truths.push({ box, label });
  changed();
}

function paint() {
  const [width, height] = [image.clientWidth, image.clientHeight];
  if (!shown || !width) return;
  const context = fit(part("canvas"), width, height);
  truths.forEach(({ box, label }, index) => {
    const found = answer && answer.truths[index] ? answer.truths[index][0] : null;
    if (found) strokeCorners(context, found.box, width, height, { color: role("prediction"), dash: [6, 4] });
    strokeCorners(context, box, width, height, { color: role("input"), thickness: 3 });
    writeOn(context, `${index + 1} ${label}`, box[0] * width, box[1] * height - 20, role("input"));
    if (found) writeOn(context, `query ${found.query}`, found.box[0] * width, found.box[3] * height + 2, role("prediction"));
  });
  if (dragged) strokeCorners(context, cornersBetween(dragged.from, dragged.to), width, height, { color: role("input"), thickness: 3 });
}

const cornersBetween = ([x, y], [u, v]) => [Math.min(x, u), Math.min(y, v), Math.max(x, u), Math.max(y, v)];
const at = (event) => {
  const frame = image.getBoundingClientRect();
  const share = (part, whole) => Math.max(0, Math.min(1, part / whole));
  return [share(event.clientX - frame.left, frame.width), share(event.clientY - frame.top, frame.height)];
};

const surface = part(".mv-picture");
surface.addEventListener("pointerdown", (event) => {
  if (!shown || event.button) return;
  event.preventDefault();
  surface.setPointerCapture(event.pointerId);
  dragged = { from: at(event), to: at(event) };
});
surface.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  dragged.to = at(event);
  paint();
});
surface.addEventListener("pointerup", () => {
  if (!dragged) return;
  const box = cornersBetween(dragged.from, dragged.to);
  dragged = null;
  if (box[2] - box[0] < SMALLEST || box[3] - box[1] < SMALLEST) return paint();
  add(box);
});
surface.addEventListener("pointercancel", () => {
  dragged = null;
  paint();
});
part(".mv-add").addEventListener("click", () => add([0.35, 0.35, 0.65, 0.65]));
part(".mv-take").addEventListener("click", () => {
  const inside = (side) => Math.max(0, Math.min(1, side));
  truths = above(shown.candidates).slice(0, MOST).map(({ box, label }) => ({ box: box.map(inside), label }));
  changed();
});
part(".mv-clear").addEventListener("click", () => {
  truths = [];
  changed();
});
document.addEventListener("detection-run", receive);
image.onload = paint;
new ResizeObserver(paint).observe(image);
new MutationObserver(paint).observe(document.body, { attributes: true, attributeFilter: ["class"] });
receive();
