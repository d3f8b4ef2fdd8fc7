// The state of a translation: rows of weights by written token, and the candidates of every position.
const find = (name) => element.querySelector(`.${name}`);
const NEXT = " …";
const STRONGEST = 3;
let shown = null;
let weights = null;
const chosen = { row: null, column: null, view: "mean" };
let hovered = null;

const unpack = async (text) => {
  if (!text) return new Uint16Array();
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint16Array(await new Response(stream).arrayBuffer());
};

const quoted = (token) => `“${token.trim() || "space"}”`;
const nameOf = (row) => (row < shown.written.length ? quoted(shown.written[row]) : "the next token");
const rows = () => shown.candidates.length;

// Weights [rows, columns] of the view: the mean of all layers and heads, of the heads of one layer, or one head.
const gridOf = () => {
  const size = rows() * shown.source.length;
  const [layer, head] = chosen.view.split("-");
  const sum = new Float32Array(size);
  let count = 0;
  for (let l = 0; l < shown.layers; l++) {
    for (let h = 0; h < shown.heads; h++) {
      if (layer !== "mean" && (l !== Number(layer) || (head !== "all" && h !== Number(head)))) continue;
      const at = (l * shown.heads + h) * size;
      for (let i = 0; i < size; i++) sum[i] += weights[at + i];
      count++;
    }
  }
  return sum.map((value) => value / (count || 1));
};
let grid = null;
const share = (row, column) => grid[row * shown.source.length + column] / STEPS;

const map = heatMap(find("tv-map"), {
  onHover: (at) => { hovered = at; drawReading(); },
  onPick: (at) => pick({ row: at.row, column: null }),
});
const source = tokenStrip(find("tv-source"), { onHover: () => {}, onPick: (column) => shown.layers && pick({ row: null, column }) });
const written = tokenStrip(find("tv-written"), { onHover: () => {}, onPick: (row) => pick({ row, column: null }) });

const pick = (change) => {
  Object.assign(chosen, change);
  hovered = null;
  draw();
};

const drawViews = () => {
  const select = find("tv-which").querySelector("select");
  const option = (value, text) => Object.assign(document.createElement("option"), { value, textContent: text });
  const options = [option("mean", shown.layers * shown.heads > 1 ? "mean of all heads" : "the attention")];
  if (shown.layers * shown.heads > 1) {
    for (let l = 0; l < shown.layers; l++) {
      options.push(option(`${l}-all`, `layer ${l + 1}, mean`));
      for (let h = 0; h < shown.heads; h++) options.push(option(`${l}-${h}`, `layer ${l + 1}, head ${h + 1}`));
    }
  }
  if (!options.some((o) => o.value === chosen.view)) chosen.view = "mean";
  select.replaceChildren(...options);
  select.value = chosen.view;
  find("tv-which").hidden = options.length < 2;
};

const drawMap = () => {
  map.show({
    rows: rows(),
    columns: shown.source.length,
    rowLabels: [...shown.written, ...(shown.ended ? [] : [NEXT])].map((token) => token.trim() || "␣"),
    columnLabels: shown.source.map((token) => token.trim() || "␣"),
    weights: grid,
    row: chosen.row,
    column: chosen.column,
  });
};

const drawReading = () => {
  if (!shown.layers) {
    find("tv-readout").textContent = "";
    return;
  }
  const strongest = (count, value, name) =>
    [...Array(count).keys()].sort((a, b) => value(b) - value(a)).slice(0, STRONGEST).map((i) => `${name(i)} ${value(i).toFixed(2)}`).join(", ");
  if (hovered) {
    find("tv-readout").textContent =
      `${nameOf(hovered.row)} takes ${share(hovered.row, hovered.column).toFixed(3)} from ${quoted(shown.source[hovered.column])}.`;
  } else if (chosen.column !== null) {
    const most = strongest(rows(), (row) => share(row, chosen.column), nameOf);
    find("tv-readout").textContent = `${quoted(shown.source[chosen.column])} was looked at most for ${most}.`;
  } else {
    const most = strongest(shown.source.length, (column) => share(chosen.row, column), (column) => quoted(shown.source[column]));
    find("tv-readout").textContent = `For ${nameOf(chosen.row)} the network looks most at ${most}.`;
  }
};

const drawCandidates = () => {
  const position = chosen.row ?? rows() - 1;
  const next = position >= shown.written.length;
  find("tv-asked").textContent = next ? "What could come next" : `What could stand in place of ${nameOf(position)}`;
  find("tv-candidates").replaceChildren(
    ...shown.candidates[position].map(({ id, word, share: probability }) => {
      const button = document.createElement("button");
      button.type = "button";
      button.style.setProperty("--tv-share", `${100 * probability}%`);
      button.setAttribute("aria-pressed", !next && id === shown.ids[position]);
      const label = document.createElement("span");
      label.textContent = word.trim() || "␣";
      label.lang = "fr";
      const value = document.createElement("i");
      value.textContent = probability < 0.0005 ? "< 0.001" : probability.toFixed(3);
      button.append(label, value);
      button.addEventListener("click", () => trigger("force", { position, token: id }));
      return button;
    }),
  );
};

const drawVector = () => {
  if (!shown.vector) return;
  const values = new Int8Array(Uint8Array.from(atob(shown.vector.values), (c) => c.charCodeAt(0)).buffer);
  const canvas = find("tv-vector").querySelector("canvas");
  const columns = 32;
  [canvas.width, canvas.height] = [columns, Math.ceil(values.length / columns)];
  const image = new ImageData(canvas.width, canvas.height);
  values.forEach((value, i) => image.data.set([...window.glassbox.diverging(value / 127), 255], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
  find("tv-range").textContent = `${values.length} numbers, −${shown.vector.limit} (blue) to ${shown.vector.limit} (orange)`;
};

const draw = () => {
  const looks = shown.layers > 0;
  if (looks) grid = gridOf();
  find("tv-source-title").textContent = `English, as it is read${looks ? ": click a token to see which French ones looked at it" : ""}`;
  find("tv-written-title").textContent =
    `French, as far as it is written: click a token to see ${looks ? "where the network looked for it, and " : ""}what else could stand there`;
  find("tv-grid").hidden = !looks;
  find("tv-vector").hidden = looks;
  source.shade(looks && chosen.column === null ? (column) => share(chosen.row, column) : null, chosen.column);
  written.shade(looks && chosen.column !== null ? (row) => share(row, chosen.column) : null, chosen.row);
  if (looks) drawMap();
  drawReading();
  drawCandidates();
};

const receive = async () => {
  const value = props.value?.candidates ? props.value : null;
  if (!value) {
    shown = null;
    find("tv").dataset.state = "empty";
    return;
  }
  const unpacked = await unpack(value.weights);
  if (props.value !== value) return;
  [shown, weights] = [value, unpacked];
  find("tv").dataset.state = "full";
  const text = find("tv-text");
  text.querySelector("b").textContent = shown.text;
  find("tv-total").textContent = shown.written.length ? `log probability ${shown.total.toFixed(2).replace("-", "−")}${shown.ended ? "" : " so far"}` : "nothing written yet";
  find("tv-note").hidden = !shown.note;
  find("tv-note").textContent = shown.note;
  Object.assign(chosen, { row: rows() - 1, column: null });
  hovered = null;
  source.show(shown.source);
  written.show([...shown.written, ...(shown.ended ? [] : [NEXT])]);
  if (!shown.ended) find("tv-written").lastElementChild.classList.add("tv-next");
  drawViews();
  drawVector();
  const ramp = Uint16Array.from({ length: 128 }, (_, i) => Math.round((i / 127) ** 2 * STEPS));
  paintSmall(find("hm-scale").querySelector("canvas"), ramp, 1, 128);
  draw();
};

find("tv-which").querySelector("select").addEventListener("change", (event) => pick({ view: event.target.value }));
new ResizeObserver(() => shown?.layers && drawMap()).observe(find("tv-grid"));
new MutationObserver(() => shown?.layers && drawMap()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
watch("value", () => receive());
receive();
