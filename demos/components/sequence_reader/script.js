const reader = element.querySelector(".reader");
const part = (name) => reader.querySelector(name);
const MIN_COLUMNS = 48;
const SURPRISE_LIMIT = 10;
const DEBOUNCE_MILLISECONDS = 60;
const NAMES = { " ": "space", "\n": "newline", "\ufffd": "unknown" };
const name = (character) => NAMES[character] || character;
const dark = () => Boolean(document.querySelector(".dark"));
const signed = (value, digits) => value.toFixed(digits).replace("-", "\u2212");

let shown = null; // the value drawn
let packed = []; // the strings that `shown.characters` was read from
let spans = [];
let pinned = null; // the character clicked, null: follow the last one
let hovered = null;
let order = []; // row of the map -> unit
let telling = 0;

const last = () => shown.characters.length - 1;
const position = () => Math.min(hovered ?? pinned ?? last(), last());
const unit = () => Math.min(Math.max(0, Math.round(Number(part(".unit").value) || 0)), shown.units - 1);
const activation = (t, u) => shown.characters[t].values[u];

// Every float16 by its 16 bits: sign, five of exponent, ten of fraction.
const HALF = Float32Array.from({ length: 65536 }, (_, bits) => {
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  const size = exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14;
  return bits & 32768 ? -size : size;
});

function unpack(text) {
  const character = JSON.parse(text);
  const bytes = Uint8Array.from(atob(character.column), (c) => c.charCodeAt(0));
  return { ...character, values: Float32Array.from(new Uint16Array(bytes.buffer), (bits) => HALF[bits]) };
}

function colour(value) {
  const { sequential, diverging } = window.glassbox;
  return shown.scale === "signed" ? diverging(value / shown.limit) : sequential(value / shown.limit);
}

function inkOn([r, g, b]) {
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#111827" : "#ffffff";
}

function receive() {
  const value = props.value;
  reader.dataset.state = value && value.characters ? "full" : "empty";
  if (reader.dataset.state === "empty") return;
  const characters = value.characters.map((text, t) => (packed[t] === text ? shown.characters[t] : unpack(text)));
  packed = [...value.characters];
  const text = characters.map((c) => c.character).join("");
  if (!shown || text !== shown.text) pinned = null;
  hovered = null;
  shown = { ...value, characters, text };
  part(".unit").max = shown.units - 1;
  part(".scrubber").max = last();
  offerTracked();
  buildText();
  paintText();
  arrange();
  move();
}

function offerTracked() {
  const tracked = shown.tracked ?? [];
  part(".tracked-field").hidden = !tracked.length;
  const chosen = part(".tracked").value;
  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  const options = tracked.map((t, i) => option(String(i), `${t.feature}: unit ${t.unit} (${signed(t.correlation, 2)})`));
  part(".tracked").replaceChildren(option("", "\u2014"), ...options);
  part(".tracked").value = tracked[Number(chosen)]?.unit === unit() ? chosen : "";
}

function follow({ layer, unit: number }) {
  part(".colouring").value = "unit";
  part(".unit").value = number;
  if (layer !== shown.layer) return trigger("follow", { layer, unit: number });
  paintText();
  move();
}

function buildText() {
  spans = shown.characters.map(({ character, sampled, unknown }, t) => {
    const span = document.createElement("span");
    span.textContent = t === 0 ? "start\u23ce" : character === "\n" ? "\u23ce\n" : character;
    span.dataset.t = t;
    span.classList.toggle("start", t === 0);
    span.classList.toggle("sampled", sampled);
    span.classList.toggle("unknown", unknown);
    return span;
  });
  part(".characters").replaceChildren(...spans);
  part(".characters").scrollTop = part(".characters").scrollHeight;
  const bits = shown.characters.reduce((sum, c) => sum + c.surprise, 0);
  const unknown = shown.characters.filter((c) => c.unknown).length;
  part(".summary").textContent = last()
    ? `${last()} characters, ${bits.toFixed(0)} bits of surprise: ${(bits / last()).toFixed(2)} bits per character` +
      (unknown ? `; ${unknown} outside the alphabet, read as \u201cunknown\u201d.` : ".")
    : "Nothing is typed yet: the network has read one line break and expects a text to begin.";
}

function paintText() {
  const byUnit = part(".colouring").value === "unit";
  part(".unit-field").hidden = !byUnit;
  shown.characters.forEach(({ surprise }, t) => {
    const style = spans[t].style;
    if (byUnit) {
      const rgb = colour(activation(t, unit()));
      [style.background, style.color] = [window.glassbox.css(rgb), inkOn(rgb)];
    } else {
      const share = t ? Math.min(1, surprise / SURPRISE_LIMIT) * 60 : 0;
      style.background = `color-mix(in srgb, var(--gb-prediction) ${share}%, transparent)`;
      style.color = "";
    }
  });
  paintScale(part(".text-scale"), byUnit);
}

function paintScale(scale, ofMap) {
  const canvas = scale.querySelector("canvas");
  const context = canvas.getContext("2d");
  const low = ofMap && shown.scale === "signed" ? -shown.limit : 0;
  const high = ofMap ? shown.limit : SURPRISE_LIMIT;
  const magenta = dark() ? [240, 171, 252] : [162, 28, 175];
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let x = 0; x < canvas.width; x++) {
    const v = low + ((high - low) * x) / (canvas.width - 1);
    context.fillStyle = ofMap ? window.glassbox.css(colour(v)) : `rgba(${magenta}, ${(0.6 * v) / SURPRISE_LIMIT})`;
    context.fillRect(x, 0, 1, canvas.height);
  }
  scale.querySelector(".low").textContent = ofMap ? signed(low, low ? 1 : 0) : "0";
  scale.querySelector(".high").textContent = ofMap ? signed(high, 1) : `${high} bits or more`;
}

function arrange() {
  order = Array.from({ length: shown.units }, (_, u) => u);
  const score = { value: valueNow, slow: slowness }[part(".ordering").value];
  if (score) {
    const scores = score();
    order.sort((a, b) => scores[b] - scores[a]);
  }
  paintMap();
}

const valueNow = () => shown.characters[Math.min(pinned ?? last(), last())].values;

// A unit is slow when its steps from character to character are small beside the range it covers in this text.
function slowness() {
  return order.map((u) => {
    let [path, low, high] = [0, Infinity, -Infinity];
    shown.characters.forEach(({ values }, t) => {
      low = Math.min(low, values[u]);
      high = Math.max(high, values[u]);
      if (t) path += Math.abs(values[u] - shown.characters[t - 1].values[u]);
    });
    return path ? (high - low) / path : 0;
  });
}

const columnCount = () => Math.max(MIN_COLUMNS, shown.characters.length);

function paintMap() {
  const canvas = part(".cells");
  const wide = Math.max(1, Math.ceil(((canvas.clientWidth || 600) * window.devicePixelRatio) / columnCount()));
  canvas.width = wide * columnCount();
  canvas.height = shown.units;
  const image = new ImageData(canvas.width, canvas.height);
  const pixels = new Uint32Array(image.data.buffer);
  const palette = Array.from({ length: 257 }, (_, i) => {
    const [r, g, b] = colour(((i - 128) / 128) * shown.limit);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
  const step = 128 / shown.limit;
  shown.characters.forEach(({ values }, t) => {
    order.forEach((u, row) => {
      const start = row * canvas.width + t * wide;
      pixels.fill(palette[Math.round(values[u] * step) + 128], start, start + wide);
    });
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
  part(".map-title").textContent = `${shown.layer[0].toUpperCase()}${shown.layer.slice(1)}, ${shown.units} units over time`;
  paintScale(part(".map-scale"), true);
  part(".map-scale").title = `this text: ${signed(shown.range[0], 2)} to ${signed(shown.range[1], 2)}`;
}

function move(cell = null) {
  const t = position();
  spans.forEach((span, s) => {
    span.classList.toggle("current", s === t);
    span.classList.toggle("later", s > t);
  });
  part(".scrubber").value = t;
  part(".now").disabled = t === last();
  paintBars(t);
  const mark = part(".column-mark").style;
  mark.left = `${(100 * t) / columnCount()}%`;
  mark.width = `${100 / columnCount()}%`;
  const u = cell ?? unit();
  const marked = cell !== null || part(".colouring").value === "unit";
  part(".row-mark").style.top = `${(100 * (order.indexOf(u) + 0.5)) / shown.units}%`;
  part(".row-mark").hidden = !marked;
  const after = t === 0 ? "the start" : `\u201c${name(shown.characters[t].character)}\u201d`;
  const surprise = t === 0 ? "" : ` It was a surprise of ${shown.characters[t].surprise.toFixed(2)} bits.`;
  part(".readout").textContent = marked
    ? `Unit ${u} after ${after} (character ${t}): ${signed(activation(t, u), 3)}.${surprise}`
    : `At ${after} (character ${t}). This text: ${signed(shown.range[0], 2)} to ${signed(shown.range[1], 2)}.${surprise}`;
}

function paintBars(t) {
  const { tokens, probabilities } = shown.characters[t];
  const next = shown.characters[t + 1];
  const rows = Array.from(tokens).slice(0, shown.bars).map((token, i) => [token, probabilities[i]]);
  if (next && !rows.some(([token]) => token === next.read)) rows.push([next.read, 2 ** -next.surprise]);
  part(".bars").replaceChildren(
    ...rows.map(([token, probability]) => {
      const row = document.createElement("button");
      row.type = "button";
      row.classList.toggle("taken", next?.read === token);
      row.title = "continue the text with this character";
      const label = Object.assign(document.createElement("span"), { className: "name", textContent: name(token) });
      const track = Object.assign(document.createElement("span"), { className: "track" });
      const fill = Object.assign(document.createElement("span"), { className: "fill" });
      fill.style.width = `${(100 * probability) / rows[0][1]}%`;
      track.append(fill);
      const percent = 100 * probability;
      const number = Object.assign(document.createElement("span"), {
        className: "number",
        textContent: percent >= 0.1 ? `${percent.toFixed(1)} %` : `${percent.toPrecision(1)} %`,
      });
      row.append(label, track, number);
      row.addEventListener("click", () => trigger("pick", { position: t, character: token }));
      return row;
    })
  );
  const context = Array.from(shown.text).slice(Math.max(1, t - 11), t + 1).join("").replaceAll("\n", "\u23ce");
  part(".prediction-title").textContent = t
    ? `Next character after \u201c${t > 11 ? "\u2026" : ""}${context}\u201d`
    : "First character of a text";
}

const characterAt = (event) => {
  const span = event.target.closest("[data-t]");
  return span ? Number(span.dataset.t) : null;
};

function pin(t) {
  pinned = t === last() ? null : t;
  hovered = null;
  if (part(".ordering").value === "value") arrange();
  move();
  clearTimeout(telling);
  telling = setTimeout(() => trigger("moved", { position: position() }), DEBOUNCE_MILLISECONDS);
}

function cellAt(event) {
  const box = part(".cells").getBoundingClientRect();
  const t = Math.floor(((event.clientX - box.left) / box.width) * columnCount());
  const row = Math.floor(((event.clientY - box.top) / box.height) * shown.units);
  return t < 0 || t > last() || row < 0 || row >= shown.units ? null : { t, u: order[row] };
}

part(".characters").addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  hovered = characterAt(event);
  move();
});
part(".characters").addEventListener("pointerleave", () => {
  hovered = null;
  move();
});
part(".characters").addEventListener("click", (event) => {
  const t = characterAt(event);
  if (t !== null) pin(t);
});
part(".scrubber").addEventListener("input", (event) => pin(Number(event.target.value)));
part(".now").addEventListener("click", () => pin(last()));
part(".colouring").addEventListener("change", () => {
  paintText();
  move();
});
part(".tracked").addEventListener("change", (event) => {
  const choice = shown.tracked[Number(event.target.value)];
  if (choice && event.target.value !== "") follow(choice);
});
part(".unit").addEventListener("input", () => {
  paintText();
  move();
  trigger("inspect", { position: position(), unit: unit() });
});
part(".ordering").addEventListener("change", () => {
  arrange();
  move();
});
part(".cells").addEventListener("pointermove", (event) => {
  const cell = cellAt(event);
  hovered = cell ? cell.t : null;
  move(cell ? cell.u : null);
});
part(".cells").addEventListener("pointerleave", () => {
  hovered = null;
  move();
});
part(".cells").addEventListener("click", (event) => {
  const cell = cellAt(event);
  if (!cell) return;
  part(".colouring").value = "unit";
  part(".unit").value = cell.u;
  pin(cell.t);
  paintText();
  move();
  trigger("inspect", { position: cell.t, unit: cell.u });
});
new ResizeObserver(() => shown && paintMap()).observe(part(".map"));

// Gradio's own input event comes with key presses only: not with pasting, deleting or the keyboard of a phone.
let typing = 0;
document.addEventListener("input", (event) => {
  if (!event.target.closest(`#${props.listens_to}`)) return;
  clearTimeout(typing);
  typing = setTimeout(() => trigger("typed"), DEBOUNCE_MILLISECONDS);
});

let waiting = false;
watch("value", () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    receive();
  });
});
receive();
