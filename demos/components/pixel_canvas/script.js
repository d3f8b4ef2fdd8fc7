const root = element.querySelector(".pixel-canvas");
const part = (name) => root.querySelector(name);
let side = 32; // pixels
const COLORS = ["#1b1b1b", "#f5f5f5", "#c0392b", "#e67e22", "#f1c40f", "#27ae60", "#2980b9", "#8e44ad", "#7f5539", "#7f8c8d"];
const HOLE = [236, 72, 190];
const context = part(".paper").getContext("2d");
let pixels = null; // what the server put here, [count, 32, 32, 4]
let count = 1;
let token = "";
let sprite = 0;
let rgba = new Uint8ClampedArray(side * side * 4);
let painted = new Uint8Array(side * side);
let hole = new Uint8Array(side * side);
let history = [];
let tool = "pen";
let color = COLORS[2];
let last = null;

const encode = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decode = (text) => Uint8ClampedArray.from(atob(text), (character) => character.charCodeAt(0));
const channels = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));

function receive() {
  const value = props.value;
  if (!value || !value.pixels || value.token === token) return;
  ({ token, count, side } = value);
  Object.assign(part(".paper"), { width: side, height: side });
  part(".paper").setAttribute("aria-label", `canvas of ${side} by ${side} pixels`);
  pixels = decode(value.pixels);
  choose(0);
  part(".choices").replaceChildren(...Array.from({ length: count }, (_, number) => choice(number)));
  part(".choices").hidden = count < 2;
}

function choice(number) {
  const node = Object.assign(document.createElement("canvas"), { width: side, height: side, tabIndex: 0 });
  node.setAttribute("role", "option");
  node.setAttribute("aria-label", `sprite ${number + 1}`);
  node.setAttribute("aria-selected", String(number === sprite));
  node.getContext("2d").putImageData(new ImageData(original(number), side, side), 0, 0);
  node.addEventListener("click", () => {
    choose(number);
    [...part(".choices").children].forEach((other, i) => other.setAttribute("aria-selected", String(i === number)));
    send();
  });
  return node;
}

const original = (number) => (pixels ? pixels.slice(number * side * side * 4, (number + 1) * side * side * 4) : new Uint8ClampedArray(side * side * 4));

function choose(number) {
  sprite = number;
  rgba = original(number);
  painted = new Uint8Array(side * side);
  hole = new Uint8Array(side * side);
  history = [];
  draw();
}

function draw() {
  const shown = rgba.slice();
  hole.forEach((marked, place) => {
    if (marked) shown.set((place + Math.floor(place / side)) % 2 ? [...HOLE, 255] : [...HOLE, 90], place * 4);
  });
  context.putImageData(new ImageData(shown, side, side), 0, 0);
}

function send() {
  props.value = {
    token,
    count,
    side,
    pixels: pixels ? encode(pixels) : encode(rgba),
    sprite,
    rgba: encode(rgba),
    painted: encode(painted),
    hole: encode(hole),
  };
  trigger("painted");
}

function dab(x, y) {
  const size = Number(part(".size").value);
  const from = -Math.floor((size - 1) / 2);
  for (let row = y + from; row < y + from + size; row += 1) {
    for (let column = x + from; column < x + from + size; column += 1) {
      if (row < 0 || column < 0 || row >= side || column >= side) continue;
      const place = row * side + column;
      if (tool === "hole") hole[place] = 1;
      else {
        rgba.set(tool === "pen" ? [...channels(color), 255] : [0, 0, 0, 0], place * 4);
        painted[place] = 1;
        if (tool === "eraser") hole[place] = 0;
      }
    }
  }
}

function line([x, y]) {
  const [fromX, fromY] = last || [x, y];
  const length = Math.max(Math.abs(x - fromX), Math.abs(y - fromY), 1);
  for (let i = 0; i <= length; i += 1) dab(Math.round(fromX + ((x - fromX) * i) / length), Math.round(fromY + ((y - fromY) * i) / length));
  last = [x, y];
  draw();
}

function position(event) {
  const box = part(".paper").getBoundingClientRect();
  return [Math.floor(((event.clientX - box.left) / box.width) * side), Math.floor(((event.clientY - box.top) / box.height) * side)];
}

function remember() {
  history.push([rgba.slice(), painted.slice(), hole.slice()]);
  if (history.length > 30) history.shift();
}

part(".paper").addEventListener("pointerdown", (event) => {
  event.preventDefault();
  part(".paper").setPointerCapture(event.pointerId);
  remember();
  last = null;
  line(position(event));
});
part(".paper").addEventListener("pointermove", (event) => {
  if (last) line(position(event));
});
for (const name of ["pointerup", "pointercancel"]) {
  part(".paper").addEventListener(name, () => {
    if (!last) return;
    last = null;
    send();
  });
}

function use(name) {
  tool = name;
  for (const other of ["pen", "eraser", "hole"]) part(`button.${other}`).setAttribute("aria-pressed", String(other === name));
}

function setColor(hex) {
  color = hex;
  part(".colors input").value = hex;
  use("pen");
}

for (const name of ["pen", "eraser", "hole"]) part(`button.${name}`).addEventListener("click", () => use(name));
part("button.hole").hidden = !props.holes;
part(".undo").addEventListener("click", () => {
  if (!history.length) return;
  [rgba, painted, hole] = history.pop();
  draw();
  send();
});
part(".clear").addEventListener("click", () => {
  remember();
  rgba = new Uint8ClampedArray(side * side * 4);
  painted = new Uint8Array(side * side).fill(1);
  hole = new Uint8Array(side * side);
  draw();
  send();
});
const own = Object.assign(document.createElement("input"), { type: "color", value: color });
own.setAttribute("aria-label", "own colour");
own.addEventListener("input", () => setColor(own.value));
part(".colors").append(
  ...COLORS.map((hex) => {
    const node = Object.assign(document.createElement("button"), { type: "button", className: "swatch" });
    node.style.background = hex;
    node.setAttribute("aria-label", `colour ${hex}`);
    node.addEventListener("click", () => setColor(hex));
    return node;
  }),
  own,
);
watch("value", receive);
draw();
receive();
