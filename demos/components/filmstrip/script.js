const film = element.querySelector(".filmstrip");
const part = (name) => film.querySelector(name);
const FRAME_MILLISECONDS = 160;
let steps = [];
let count = 0;
let total = 0;
let current = 0; // place in `steps`
let follow = true; // show the newest step while they arrive
let timer = null;

function tile(sheet, index, extra = "") {
  const node = document.createElement("div");
  node.className = `tile ${extra}`;
  node.style.backgroundImage = `url(${sheet})`;
  node.style.backgroundSize = `${count * 100}% 100%`;
  node.style.backgroundPosition = count > 1 ? `${(index / (count - 1)) * 100}% 0` : "0 0";
  return node;
}

function receive() {
  const value = props.value;
  film.dataset.state = value && value.steps && value.steps.length ? "full" : "empty";
  if (film.dataset.state === "empty") {
    steps = [];
    stop();
    return;
  }
  if (value.steps.length < steps.length || value.run !== film.dataset.run) {
    steps = [];
    follow = true;
    stop();
    part(".rail").replaceChildren();
  }
  film.dataset.run = value.run;
  ({ count, total } = value);
  value.steps.slice(steps.length).forEach((step, i) => part(".rail").append(railStep(step, steps.length + i)));
  steps = [...value.steps];
  part(".jump").max = steps.length;
  if (follow) current = steps.length - 1;
  show();
}

function railStep(step, place) {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "step";
  node.setAttribute("role", "option");
  node.setAttribute("aria-label", `step ${place + 1}, t = ${step.t}`);
  const label = document.createElement("small");
  label.textContent = `t ${step.t}`;
  node.append(tile(step.xt, 0), tile(step.noise, 0), tile(step.x0, 0, "clean"), label);
  node.addEventListener("click", () => jump(place));
  return node;
}

function show() {
  const step = steps[current];
  for (const name of ["xt", "noise", "x0"]) {
    const tiles = Array.from({ length: count }, (_, i) => tile(step[name], i));
    part(`.canvas.${name}`).replaceChildren(...tiles);
  }
  part(".jump").value = current + 1;
  part(".where").textContent = `step ${current + 1} of ${total}, t = ${step.t}`;
  const f = (x) => x.toFixed(3);
  part(".arithmetic").textContent =
    `xt = ${f(step.signal)} × x0 + ${f(step.noiseShare)} × noise, as the network reads it; ` +
    (step.tNext < 0
      ? "the last step keeps the predicted x0."
      : `next: ${f(step.signalNext)} × predicted x0 + ${f(step.noiseNext)} × predicted noise, at t = ${step.tNext}.`);
  part(".rail").querySelectorAll(".step").forEach((node, i) => node.setAttribute("aria-selected", i === current));
  const chosen = part(".rail").children[current];
  if (chosen) part(".rail").scrollLeft = chosen.offsetLeft - part(".rail").clientWidth / 2;
}

function jump(place) {
  current = Math.min(Math.max(place, 0), steps.length - 1);
  follow = current === steps.length - 1 && steps.length < total;
  show();
}

function stop() {
  clearInterval(timer);
  timer = null;
  part(".play").textContent = "Play";
}

function play() {
  if (timer) return stop();
  if (current >= steps.length - 1) jump(0);
  part(".play").textContent = "Pause";
  timer = setInterval(() => (current < steps.length - 1 ? jump(current + 1) : stop()), FRAME_MILLISECONDS);
}

const manually = (move) => () => {
  stop();
  move();
};
part(".play").addEventListener("click", play);
part(".back").addEventListener("click", manually(() => jump(current - 1)));
part(".forward").addEventListener("click", manually(() => jump(current + 1)));
part(".jump").addEventListener("input", manually(() => jump(Number(part(".jump").value) - 1)));
watch("value", receive);
receive();
