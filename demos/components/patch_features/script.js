// Every feature of one or two pictures is here: a layer, a view or a patch is drawn without asking the server.
const view = element.querySelector(".pf");
const part = (name) => view.querySelector(name);
const { sequential, css } = window.glassbox;
const LISTED = 4;
const NAMES = ["first picture", "second picture"];
const COLOURS = ["red", "green", "blue"];
let shown = null; // the value drawn, its arrays unpacked
let arrived = 0; // counts values, so that a slow picture never replaces a later one
let form = "colours";
let layer = null;
let chosen = null; // { which: 0 | 1, token }: the patch all others are compared with
let hovered = null;

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
const digits = (value) => value.toFixed(2).replace("-", "\u2212");
const percent = (share) => `${(100 * share).toPrecision(2)} %`;

const frames = [...view.querySelectorAll(".picture")].map((frame, which) =>
  pictureTokens(frame, {
    cls: false,
    onHover: (token) => {
      hovered = token && { which, token };
      if (shown) read();
    },
    onPick: (token) => {
      chosen = { which, token };
      draw();
    },
  }),
);

async function receive() {
  const value = props.value?.pictures ? props.value : null;
  const turn = ++arrived;
  if (!value) {
    shown = null;
    view.dataset.state = "empty";
    return;
  }
  await Promise.all(value.pictures.map((picture, which) => frames[which].show(picture)));
  if (turn !== arrived) return;
  const { rows, columns } = value.pictures[0];
  const kept = shown?.pictures[0].columns === columns && chosen?.which < value.pictures.length;
  shown = { ...value, patches: rows * columns, steps: new Int8Array(bytesOf(value.steps)), values: new Float32Array(bytesOf(value.values)) };
  if (!kept) chosen = { which: 0, token: 1 + Math.floor(rows / 2) * columns + Math.floor(columns / 2) };
  layer = Math.min(layer ?? value.layers, value.layers);
  hovered = null;
  part(".layer").max = value.layers;
  view.querySelectorAll("figure").forEach((figure, which) => (figure.hidden = which >= value.pictures.length));
  view.querySelectorAll("figcaption").forEach((caption) => (caption.hidden = value.pictures.length < 2));
  view.dataset.state = "full";
  draw();
  view.dataset.run = value.run;
}

// Places in the arrays, which hold the patches of all pictures one after another, layer by layer.
const count = () => shown.pictures.length * shown.patches;
const place = ({ which, token }) => which * shown.patches + token - 1;
const named = ({ which, token }) => `${patchName(token, shown.pictures[0].columns)}${shown.pictures.length > 1 ? ` of the ${NAMES[which]}` : ""}`;
const feature = (index) => shown.steps.subarray((layer * count() + index) * shown.width, (layer * count() + index + 1) * shown.width);

const dot = (a, b) => {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
};

function cosines(index) {
  const from = feature(index);
  const length = Math.sqrt(dot(from, from));
  return Float32Array.from({ length: count() }, (_, other) => {
    const to = feature(other);
    return dot(from, to) / (length * Math.sqrt(dot(to, to)) || 1);
  });
}

const component = (index, direction) => shown.values[(layer * count() + index) * shown.shares[0].length + direction];
const level = (index, direction) => {
  const [low, high] = shown.ends[layer][direction];
  return Math.max(0, Math.min(1, (component(index, direction) - low) / (high - low || 1)));
};

function draw() {
  part(".layer").value = layer;
  part(".layer-value").textContent = layer;
  view.querySelectorAll(".forms button").forEach((button) => button.setAttribute("aria-pressed", button.dataset.form === form));
  part(".about").textContent = about();
  part(".alike").hidden = form === "colours";
  if (form === "colours") drawColours();
  else drawSimilarity();
  read();
}

function about() {
  const where = layer === 0 ? "Before the first layer a patch knows its own pixels and its place" : layer === shown.layers ? `After the last of ${shown.layers} layers and the last normalisation, what the head reads` : `After layer ${layer} of ${shown.layers}`;
  const what = form === "colours" ? "Patches of one colour have features alike. Colours of two layers cannot be compared." : "Click a patch, or move it with the arrow keys.";
  return `${where}: ${shown.width} numbers a patch. ${what}`;
}

function drawColours() {
  shown.pictures.forEach((_, which) =>
    frames[which].color(
      (token) => [...COLOURS.map((_, direction) => Math.round(255 * level(place({ which, token }), direction))), 0.9],
      chosen.which === which ? chosen.token : null,
    ),
  );
  const shares = shown.shares[layer];
  const entries = COLOURS.map((name, direction) => {
    const [low, high] = shown.ends[layer][direction];
    return scale(`${name}: ${percent(shares[direction])} of the variance,`, (x) => COLOURS.map((_, c) => (c === direction ? Math.round(255 * x) : 0)), digits(low), digits(high));
  });
  part(".legend").replaceChildren(...entries, text(`together ${percent(shares.reduce((a, b) => a + b))}`));
}

function drawSimilarity() {
  shown.cosines = cosines(place(chosen));
  const others = shown.cosines.filter((_, index) => index !== place(chosen));
  const [low, high] = [Math.min(...others), Math.max(...others)];
  shown.pictures.forEach((_, which) =>
    frames[which].color(
      (token) => [...sequential((cosine({ which, token }) - low) / (high - low || 1)), 0.8],
      chosen.which === which ? chosen.token : null,
      chosen.which === which ? null : order(which)[0].token,
    ),
  );
  part(".legend").replaceChildren(scale("cosine with the chosen patch:", sequential, digits(low), digits(high)));
  part(".alike").replaceChildren(...shown.pictures.map((_, which) => drawAlike(which)));
}

const cosine = (at) => shown.cosines[place(at)];

// Patches of one picture, the most similar first, without the chosen one.
const order = (which) =>
  Array.from({ length: shown.patches }, (_, i) => ({ which, token: i + 1 }))
    .filter((at) => place(at) !== place(chosen))
    .sort((a, b) => cosine(b) - cosine(a));

function drawAlike(which) {
  const node = document.createElement("div");
  const title = Object.assign(document.createElement("b"), { textContent: shown.pictures.length > 1 ? `most similar in the ${NAMES[which]}` : "most similar" });
  const list = document.createElement("ol");
  for (const at of order(which).slice(0, LISTED)) {
    const row = document.createElement("li");
    const value = cosine(at);
    const track = Object.assign(document.createElement("span"), { className: "track" });
    const fill = Object.assign(document.createElement("div"), { className: "fill" });
    fill.style.width = `${100 * Math.max(0, value)}%`;
    track.append(fill);
    row.append(text(patchName(at.token, shown.pictures[0].columns)), track, text(digits(value)));
    list.append(row);
  }
  node.append(title, list);
  return node;
}

function text(words) {
  return Object.assign(document.createElement("span"), { textContent: words });
}

function scale(title, colour, low, high) {
  const node = document.createElement("span");
  const canvas = Object.assign(document.createElement("canvas"), { width: 90, height: 8 });
  const context = canvas.getContext("2d");
  for (let x = 0; x < 90; x++) {
    context.fillStyle = css(colour(x / 89));
    context.fillRect(x, 0, 1, 8);
  }
  node.append(text(title), text(low), canvas, text(high));
  return node;
}

// In numbers: what is chosen, and what is under the pointer.
function read() {
  const values = (at) => COLOURS.map((name, direction) => `${name} ${digits(component(place(at), direction))}`).join(", ");
  const isColours = form === "colours";
  const best = !isColours && shown.pictures.length > 1 ? order(1 - chosen.which)[0] : null;
  const like = best ? ` Most like it in the ${NAMES[best.which]}, framed in pink: ${patchName(best.token, shown.pictures[0].columns)}, cosine ${digits(cosine(best))}.` : "";
  part(".reading").textContent = `Chosen: ${named(chosen)}${isColours ? `: ${values(chosen)}` : ""}.${like}`;
  const said = hovered && (isColours ? values(hovered) : `cosine ${digits(cosine(hovered))} with the chosen patch`);
  part(".pointed").textContent = hovered ? `Under the pointer: ${named(hovered)}: ${said}.` : "";
}

view.querySelectorAll(".forms button").forEach((button) =>
  button.addEventListener("click", () => {
    form = button.dataset.form;
    if (shown) draw();
  }),
);
part(".layer").addEventListener("input", (event) => {
  layer = Number(event.target.value);
  if (shown) draw();
});
watch("value", receive);
receive();
