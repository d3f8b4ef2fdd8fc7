const part = (name) => element.querySelector(`.${name}`);
const NAMES = { " ": "space", "\n": "newline", "\ufffd": "unknown" };
const made = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });
const quoted = (character) => `\u201c${NAMES[character] || character}\u201d`;
const chart = lineChart(part("lc-frame"), part("lc-legend"));
const slider = part("iv-slide").querySelector("input");

let shown = null;
let rows = [];
let pinned = null;
let hovered = null;

const position = () => Math.min(hovered ?? pinned ?? shown.text.length - 1, shown.text.length - 1);
// Shares travel as the square root, 255 for 1.
const share = (network, t, s) => (network.data[t * shown.text.length + s] / 255) ** 2;

function receive() {
  const value = props.value?.networks ? props.value : null;
  part("iv").dataset.state = value ? "full" : "empty";
  if (!value) return;
  const sameText = shown && shown.text.join("") === value.text.join("");
  const networks = value.networks.map((n) => ({ ...n, data: Uint8Array.from(atob(n.shares), (c) => c.charCodeAt(0)) }));
  shown = { ...value, networks };
  if (!sameText) pinned = null;
  slider.max = shown.text.length - 1;
  build();
  paint();
  drawCurve();
}

function build() {
  rows = shown.networks.map((network) => {
    const spans = shown.text.map((character, t) => {
      const span = made("span", "", t === 0 ? "\u23ce" : character === "\n" ? "\u23ce\n" : character);
      span.dataset.t = t;
      return span;
    });
    const text = made("div", "iv-text");
    text.append(...spans);
    const head = made("div", "iv-head");
    const words = made("span", "");
    head.append(made("b", "", network.title), words);
    const row = made("div", "");
    row.append(head, text);
    return { row, spans, words };
  });
  part("iv-rows").replaceChildren(...rows.map(({ row }) => row));
}

function paint() {
  const t = position();
  slider.value = t;
  part("iv-slide").querySelector("output").textContent = `${t} (${quoted(shown.text[t])})`;
  shown.networks.forEach((network, n) => {
    rows[n].spans.forEach((span, s) => {
      const part_ = s <= t ? share(network, t, s) : 0;
      span.style.background = `color-mix(in srgb, var(--gb-key) ${75 * Math.sqrt(part_)}%, transparent)`;
      span.title = s <= t ? `${(100 * part_).toFixed(1)} % of the influence, ${t - s} back` : "not read yet";
      span.classList.toggle("at", s === t);
      span.classList.toggle("later", s > t);
    });
    rows[n].words.textContent = `expects ${quoted(network.best[t])}; half of the influence lies within the last ${reach(network, t, 0.5)}, nine tenths within the last ${reach(network, t, 0.9)} characters`;
  });
}

function reach(network, t, wanted) {
  let sum = 0;
  for (let d = 0; d <= t; d++) {
    sum += share(network, t, t - d);
    if (sum >= wanted) return d + 1;
  }
  return t + 1;
}

function drawCurve() {
  chart.show({
    series: shown.networks.map(({ title, color, dash, curve }) => ({ name: title, color, dash, points: curve.map((y, d) => [d, Math.max(y, 1e-7)]) })),
    x: "characters back",
    y: "share of the influence",
    log: true,
    low: -6,
    high: 0,
  });
  const words = shown.networks.map(({ title, half, most }) => `${title} ${half} and ${most}`);
  part("iv-halves").textContent = `Mean distance within which half and nine tenths of the influence lie: ${words.join("; ")} characters.`;
}

const paintScale = () => {
  const canvas = part("iv-scale").querySelector("canvas");
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  for (let x = 0; x < 120; x++) {
    context.globalAlpha = (0.75 * x) / 119;
    context.fillStyle = style.getPropertyValue("--gb-key");
    context.fillRect(x, 0, 1, 10);
  }
};

const characterAt = (event) => {
  const span = event.target.closest("[data-t]");
  return span ? Number(span.dataset.t) : null;
};
part("iv-rows").addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  hovered = characterAt(event);
  paint();
});
part("iv-rows").addEventListener("pointerleave", () => {
  hovered = null;
  paint();
});
part("iv-rows").addEventListener("click", (event) => {
  const t = characterAt(event);
  if (t === null) return;
  pinned = t;
  hovered = null;
  paint();
});
slider.addEventListener("input", () => {
  pinned = Number(slider.value);
  hovered = null;
  paint();
});
watch("value", () => requestAnimationFrame(receive));
paintScale();
receive();
