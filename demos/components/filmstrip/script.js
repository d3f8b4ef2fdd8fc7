const film = element.querySelector(".filmstrip");
const part = (name) => film.querySelector(name);
const FRAME_MILLISECONDS = 160;
const STEP_TOLD_AFTER_MILLISECONDS = 100; // so that stepping fast asks the server once
const LARGE_SIDE = 128; // pixels; larger pictures get more room
const PICTURES = ["xt", "noise", "x0"];
const NAMES = {
  x_t: ["input", "xₜ"],
  x_0: ["prediction", "predicted x₀"],
  epsilon: ["noise", "predicted noise"],
  fresh: ["noise", "fresh noise"],
  x_0_before: ["prediction", "x₀ predicted one step before"],
  x_0_before_that: ["prediction", "x₀ predicted two steps before"],
  x_before: ["input", "x of the step before"],
  x_corrected: ["input", "corrected xₜ"],
};
let runs = []; // the film and, if there is one, its fork: {run, from, changed, steps}; all steps from the first
let count = 0;
let total = 0;
let current = 0; // place on the rail
let follow = true; // show the newest step while they arrive
let timer = null;
let told = ""; // the step last announced by the event `step`
let telling = null;
let background = "#4a5260"; // null: transparent

const length = () => Math.max(...runs.map((run) => run.steps.length));
const newest = () => runs[runs.length - 1].steps.length - 1;

const addresses = new Map(); // of sheets, as short addresses: one decoding, however many tiles show it

function address(sheet) {
  if (!sheet.startsWith("data:")) return sheet;
  if (!addresses.has(sheet)) {
    const [head, content] = sheet.split(",");
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    addresses.set(sheet, URL.createObjectURL(new Blob([bytes], { type: head.slice(5, head.indexOf(";")) })));
  }
  return addresses.get(sheet);
}

function forgetAddresses() {
  addresses.forEach((short) => URL.revokeObjectURL(short));
  addresses.clear();
}

function tile(sheet, index, extra = "") {
  const node = document.createElement("div");
  node.className = `tile ${extra}`;
  node.style.backgroundImage = `url(${address(sheet)})`;
  node.style.backgroundSize = `${count * 100}% 100%`;
  node.style.backgroundPosition = count > 1 ? `${(index / (count - 1)) * 100}% 0` : "0 0";
  return node;
}

function receive() {
  const value = props.value;
  if (!value || !value.steps || (!value.steps.length && !value.forkOf)) return clear();
  if (value.forkOf ? !takeFork(value) : !takeFilm(value)) return;
  if (!length()) return;
  film.dataset.state = "full";
  part(".jump").max = length();
  if (follow) current = newest();
  drawRail();
  show();
}

function clear() {
  film.dataset.state = "empty";
  runs = [];
  forgetAddresses();
  stop();
}

// What is known of a run, with the steps that have arrived; where some were missed, a later value brings them.
function joined(known, { first = 0, steps }) {
  return first > known.length ? known : [...known.slice(0, first), ...steps];
}

function takeFilm(value) {
  if (!runs.length || runs[0].run !== value.run || runs.length > 1) {
    begin();
    forgetAddresses();
    runs = [{ run: value.run, from: 0, changed: "", steps: [] }];
  }
  ({ count, total } = value);
  runs[0].steps = joined(runs[0].steps, value);
  film.dataset.pictures = value.steps[0].size > LARGE_SIDE ? "large" : "small";
  return true;
}

function takeFork(value) {
  const parent = runs.find((run) => run.run === value.forkOf);
  const known = runs[1] && runs[1].run === value.run;
  if (!known) {
    if (!parent) return false;
    begin();
    runs = [{ ...parent, from: 0 }, { run: value.run, from: value.from, changed: value.changed, before: parent.steps.slice(0, value.from), own: [] }];
  }
  const fork = runs[1];
  fork.own = joined(fork.own, value);
  fork.steps = [...fork.before, ...fork.own];
  return true;
}

function begin() {
  follow = true;
  stop();
  part(".rail").replaceChildren();
}

function drawRail() {
  const rail = part(".rail");
  for (let place = rail.children.length; place < length(); place += 1) rail.append(railStep(place));
  if (runs.length < 2) return;
  runs[1].steps.forEach((step, place) => {
    const node = rail.children[place];
    if (place >= runs[1].from && !node.querySelector(".forked")) node.append(tile(step.x0, 0, "clean forked"));
  });
}

function railStep(place) {
  const step = runs[0].steps[place] || runs[1].steps[place];
  const node = document.createElement("button");
  node.type = "button";
  node.className = "step";
  node.tabIndex = -1;
  node.setAttribute("role", "option");
  node.setAttribute("aria-label", `step ${place + 1}, t = ${step.t}`);
  node.title = sentence(step);
  const label = document.createElement("small");
  label.textContent = `t ${step.t}`;
  node.append(label, tile(step.xt, 0), tile(step.noise, 0), tile(step.x0, 0, "clean"));
  node.addEventListener("click", manually(() => jump(place)));
  return node;
}

function show() {
  const lanes = film.querySelectorAll(".lane");
  lanes[1].hidden = runs.length < 2 || current < runs[1].from || !runs[1].steps[current];
  runs.forEach((run, number) => {
    const step = run.steps[current] || run.steps[run.steps.length - 1];
    const lane = lanes[number];
    lane.querySelector(".lane-name").textContent = laneName(number, step);
    for (const name of PICTURES) {
      const tiles = Array.from({ length: count }, (_, sprite) => pixels(tile(step[name], sprite), number, sprite));
      lane.querySelector(`.canvas.${name}`).replaceChildren(...tiles);
    }
  });
  const shown = lanes[1].hidden ? runs[0] : runs[1];
  const step = shown.steps[current] || runs[0].steps[current];
  part(".jump").value = current + 1;
  part(".where").textContent = `step ${current + 1} of ${total}, t = ${step.t}`;
  explain(step);
  offerSprites();
  const rail = part(".rail");
  [...rail.children].forEach((node, i) => node.setAttribute("aria-selected", i === current));
  const chosen = rail.children[current];
  if (chosen) rail.scrollLeft = chosen.offsetLeft - rail.clientWidth / 2;
  tellStep(shown.run);
}

function tellStep(run) {
  if (`${run} ${current}` === told) return;
  told = `${run} ${current}`;
  clearTimeout(telling);
  telling = setTimeout(() => trigger("step", { run, place: current }), STEP_TOLD_AFTER_MILLISECONDS);
}

function laneName(number, step) {
  if (runs.length < 2) return "";
  if (number === 0) return "original";
  const difference = step.difference === undefined ? "" : `; its x₀ differs from the original's by ${step.difference.toPrecision(2)} (root mean square)`;
  return `fork at step ${runs[1].from + 1}: ${runs[1].changed}${difference}`;
}

function pixels(node, number, sprite) {
  node.addEventListener("click", (event) => {
    const box = node.getBoundingClientRect();
    const side = runs[0].steps[0].size;
    const place = (offset, size) => Math.min(side - 1, Math.max(0, Math.floor((offset / size) * side)));
    const [column, row] = [place(event.clientX - box.left, box.width), place(event.clientY - box.top, box.height)];
    trigger("pixel", { run: runs[number].run, place: current, sprite, row, column });
  });
  return node;
}

const number = (x) => (Math.abs(x) >= 0.0005 || x === 0 ? x.toFixed(3) : x.toExponential(1));
const words = (terms) => terms.map(([factor, name]) => `${number(factor)} × ${NAMES[name][1]}`).join(" + ");

function sentence(step) {
  const correction = step.correction.length ? `corrected xₜ = ${words(step.correction)}; ` : "";
  return `${correction}next x = ${words(step.terms)}`;
}

function explain(step) {
  const rows = [step.correction.length && ["corrected xₜ", step.correction], ["next x", step.terms]].filter(Boolean);
  const nodes = rows.map(([left, terms]) => {
    const row = document.createElement("span");
    row.append(`${left} = `);
    terms.forEach(([factor, name], i) => {
      const term = document.createElement("span");
      term.className = `term ${NAMES[name][0]}`;
      term.textContent = `${number(factor)} × ${NAMES[name][1]}`;
      row.append(i ? " + " : "", term);
    });
    return row;
  });
  const where = document.createElement("span");
  where.textContent = `xₜ = ${number(step.signal)} × x₀ + ${number(step.noiseShare)} × noise, as the network reads it. ` + (step.tNext < 0 ? "The last step." : `Next: t = ${step.tNext}.`);
  part(".arithmetic").replaceChildren(where, ...nodes);
}

function jump(place) {
  current = Math.min(Math.max(place, 0), length() - 1);
  follow = current === newest() && newest() + 1 < total;
  show();
}

function stop() {
  clearInterval(timer);
  timer = null;
  part(".play").textContent = "Play";
}

function play() {
  if (timer) return stop();
  if (current >= length() - 1) jump(0);
  part(".play").textContent = "Pause";
  timer = setInterval(() => (current < length() - 1 ? jump(current + 1) : stop()), FRAME_MILLISECONDS);
}

function manually(move) {
  return () => {
    stop();
    move();
  };
}

function save(what) {
  const run = runs[Number(part(".which").value.split(":")[0])];
  const sprite = Number(part(".which").value.split(":")[1]);
  const step = run.steps[current] || run.steps[run.steps.length - 1];
  const sheet = new Image();
  sheet.onload = () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: step.size, height: step.size });
    const context = canvas.getContext("2d");
    if (background && what === "x0") {
      context.fillStyle = background;
      context.fillRect(0, 0, step.size, step.size);
    }
    context.drawImage(sheet, -step.size * sprite, 0);
    const link = document.createElement("a");
    link.download = `${what}-step-${current + 1}-sprite-${sprite + 1}.png`;
    link.href = canvas.toDataURL("image/png");
    link.click();
  };
  sheet.src = step[what];
}

function offerSprites() {
  const options = runs.flatMap((run, lane) => Array.from({ length: count }, (_, i) => [`${lane}:${i}`, `${i + 1}${lane ? " of the fork" : ""}`]));
  const which = part(".which");
  which.hidden = options.length < 2;
  if (which.options.length === options.length) return;
  which.replaceChildren(...options.map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })));
}

function paintBackground(color) {
  background = color;
  film.dataset.background = color ? "color" : "none";
  film.style.setProperty("--sprite-background", color || "transparent");
  part(".clear").setAttribute("aria-pressed", String(!color));
}

part(".play").addEventListener("click", play);
part(".back").addEventListener("click", manually(() => jump(current - 1)));
part(".forward").addEventListener("click", manually(() => jump(current + 1)));
part(".jump").addEventListener("input", manually(() => jump(Number(part(".jump").value) - 1)));
part(".rail").addEventListener("keydown", (event) => {
  const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!move) return;
  event.preventDefault();
  manually(() => jump(current + move))();
});
film.querySelectorAll(".save").forEach((node) =>
  node.addEventListener("click", () => save(node.dataset.what)),
);
part(".color").addEventListener("input", (event) => paintBackground(event.target.value));
part(".clear").addEventListener("click", () => paintBackground(background ? null : part(".color").value));
part(".fork").hidden = !props.forkable;
part(".fork").addEventListener("click", () => {
  stop();
  const fork = runs[1] && !film.querySelectorAll(".lane")[1].hidden ? runs[1] : runs[0];
  trigger("fork", { run: fork.run, place: Math.min(current, fork.steps.length - 1) });
});
part(".empty").textContent = props.empty;
paintBackground(background);
watch("value", receive);
receive();
