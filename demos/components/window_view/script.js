// Every weight of every block is here: a block, a head or a patch is drawn without asking the server.
const view = element.querySelector(".wv");
const part = (name) => view.querySelector(name);
const { sequential } = window.glassbox;
const STEPS = 255;
let shown = null; // the value drawn, its arrays unpacked
let arrived = 0; // counts values and blocks, so that a slow picture never replaces a later one
let at = 0; // the block, counted through all stages
let chosen = null; // the patch that looks, from 1
let hovered = null;

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;
const block = () => shown.blocks[at];
const frame = pictureTokens(part(".picture"), {
  cls: false,
  onHover: (token) => {
    hovered = token;
    if (shown) read();
  },
  onPick: (token) => {
    chosen = token;
    draw();
  },
});

for (const [name, value] of [["low", 0], ["high", 1]]) view.style.setProperty(`--wv-${name}`, sequential(value).slice(0, 3).join(" "));

async function receive() {
  const value = props.value?.blocks ? props.value : null;
  if (!value) {
    arrived++;
    shown = null;
    view.dataset.state = "empty";
    return;
  }
  const unpacked = value.blocks.map((one) => ({
    ...one,
    attention: new Uint8Array(bytesOf(one.attention)),
    keys: new Int16Array(bytesOf(one.keys)),
    reach: new Int16Array(bytesOf(one.reach)),
  }));
  const next = { ...value, blocks: unpacked };
  const kept = shown && shown.blocks.map((one) => one.grid).join() === unpacked.map((one) => one.grid).join();
  if (await turnTo(kept ? at : 0, next, kept ? null : middle(unpacked[0].grid))) {
    part(".block").max = unpacked.length - 1;
    view.dataset.state = "full";
    view.dataset.run = value.run;
  }
}

const middle = (grid) => 1 + Math.floor(grid / 2) * grid + Math.floor(grid / 2);

// The patch of a grid of `to` that covers the middle of patch `token` of a grid of `from`.
const moved = (token, from, to) => {
  const cell = (index) => Math.min(to - 1, Math.floor(((index + 0.5) * to) / from));
  return 1 + cell(Math.floor((token - 1) / from)) * to + cell((token - 1) % from);
};

async function turnTo(index, value = shown, token = null) {
  const turn = ++arrived;
  const grid = value.blocks[index].grid;
  await frame.show({ image: value.image, rows: grid, columns: grid });
  if (turn !== arrived) return false;
  chosen = token ?? moved(chosen, block().grid, grid);
  [shown, at, hovered] = [value, index, null];
  fillHeads();
  draw();
  return true;
}

function fillHeads() {
  const select = part(".head");
  const wanted = Math.min(select.value || 0, block().heads);
  const names = ["mean of all", ...Array.from({ length: block().heads }, (_, head) => `${head + 1}`)];
  select.replaceChildren(...names.map((name, value) => new Option(name, value)));
  select.value = wanted;
}

// How much the chosen patch takes from every patch of its window: a map from patch (from 1) to weight.
function weights() {
  const { attention, keys, heads, grid, window: side } = block();
  const [count, places] = [grid * grid, side * side];
  const head = Number(part(".head").value);
  const asked = head ? [head - 1] : Array.from({ length: heads }, (_, index) => index);
  const found = new Map();
  for (let place = 0; place < places; place++) {
    const key = keys[(chosen - 1) * places + place];
    if (key < 0) continue;
    const sum = asked.reduce((total, one) => total + (attention[(one * count + chosen - 1) * places + place] / STEPS) ** 2, 0);
    found.set(key + 1, sum / asked.length);
  }
  return found;
}

const reachOf = (token) => block().reach.subarray(4 * (token - 1), 4 * token);

function draw() {
  const { grid, side } = block();
  part(".block").value = at;
  part(".block-value").textContent = `${at + 1} of ${shown.blocks.length}, stage ${block().stage}`;
  shown.weights = weights();
  const largest = Math.max(...shown.weights.values());
  const [left, top, right, bottom] = reachOf(chosen);
  const known = (token) => {
    const [x, y] = [((token - 1) % grid) * side, Math.floor((token - 1) / grid) * side];
    return x >= left && x < right && y >= top && y < bottom;
  };
  frame.color((token) => {
    if (!shown.weights.has(token)) return [2, 6, 23, known(token) ? 0.5 : 0.8];
    const share = Math.sqrt(shown.weights.get(token) / (largest || 1));
    return [...sequential(share), 0.1 + 0.65 * share];
  }, chosen);
  part(".about").textContent = about();
  read();
}

function about() {
  const { grid, side, window: cells, shift, block: number, stage } = block();
  const [count, places] = [grid * grid, cells * cells];
  const scores = `Each patch is compared with ${places} places at most, not with all ${count.toLocaleString("en")}: ${grid > cells ? `${(count / places).toPrecision(2)} times fewer scores` : "here that is the whole picture, as in a ViT"}.`;
  const where = shift ? `shifted by ${shift} patches, so that neighbours of other windows meet` : "cut side by side";
  return `Stage ${stage}, block ${number}: ${grid} x ${grid} patches of ${side} x ${side} pixels. Windows of ${cells} x ${cells} patches, ${where}. ${scores}`;
}

// In numbers: what is chosen, and what is under the pointer.
function read() {
  const { grid } = block();
  const [left, top, right, bottom] = reachOf(chosen);
  part(".reading").textContent = `Chosen: ${patchName(chosen, grid)}. It may look at ${shown.weights.size} patches here; ${right - left} x ${bottom - top} of ${shown.size} x ${shown.size} pixels may have come to it by now.`;
  if (!hovered) part(".pointed").textContent = "";
  else {
    const weight = shown.weights.get(hovered);
    part(".pointed").textContent = `Under the pointer: ${patchName(hovered, grid)}: ${weight === undefined ? "outside of its window" : `weight ${weight.toFixed(3)}`}.`;
  }
}

part(".block").addEventListener("input", (event) => shown && turnTo(Number(event.target.value)));
part(".head").addEventListener("change", () => shown && draw());
watch("value", receive);
receive();
