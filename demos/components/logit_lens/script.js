// The whole grid is at hand; a click shows the cell's numbers at once and tells the page which layer and token it is.
const VIEWS = {
  prediction: "predictions",
  final: "chance of the final answer",
  entropy: "uncertainty (bits)",
  change: "change of the stream",
};
const find = (name) => element.querySelector(`.${name}`);
const plain = (word) => (word.trim() === "" ? "␣" : word.trim());
const state = { view: "prediction", layer: 0, token: 0 };
let shown = null;

const cellValue = (layer, token) => {
  if (state.view === "change") return [shown.changes[layer][token] / (maximum(shown.changes) || 1), shown.changes[layer][token].toFixed(2)];
  const p = shown.probabilities[layer][token][0];
  if (state.view === "prediction") return [Math.sqrt(p), plain(shown.words[shown.ids[layer][token][0]])];
  if (state.view === "final") return [Math.sqrt(shown.final[layer][token]), shown.final[layer][token].toFixed(2)];
  return [shown.entropy[layer][token] / (maximum(shown.entropy) || 1), shown.entropy[layer][token].toFixed(1)];
};

const maximum = (rows) => Math.max(...rows.map((row) => Math.max(...row)));

const paint = (button, share) => {
  const rgb = window.glassbox.sequential(share);
  button.style.background = window.glassbox.css(rgb);
  button.style.color = 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2] > 120 ? "#10151f" : "#f4f6fa";
};

const views = () => (shown.words ? Object.keys(VIEWS) : ["change"]);

const drawViews = () => {
  find("lens-views").replaceChildren(...views().map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = VIEWS[name];
    button.setAttribute("aria-pressed", name === state.view);
    button.addEventListener("click", () => { state.view = name; drawGrid(); });
    return button;
  }));
};

const rowName = (layer) => (layer === 0 ? "before layer 1" : `after layer ${layer}`);

const text = (className, content) => {
  const node = document.createElement("div");
  node.className = className;
  node.textContent = content;
  return node;
};

const cell = (layer, token) => {
  const [share, content] = cellValue(layer, token);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "lens-cell";
  button.textContent = content;
  button.title = `${plain(shown.tokens[token])} (${token + 1}), ${rowName(layer)}: ${content}`;
  button.dataset.at = `${layer},${token}`;
  paint(button, share);
  button.addEventListener("click", () => pick(layer, token));
  return button;
};

const drawGrid = () => {
  drawViews();
  const children = [];
  for (let layer = shown.changes.length - 1; layer >= 0; layer--) {
    children.push(text("lens-row", rowName(layer)), ...shown.tokens.map((_, token) => cell(layer, token)));
  }
  children.push(text("lens-row lens-read", "read"), ...shown.tokens.map((word) => text("lens-read", plain(word))));
  find("lens-grid").style.gridTemplateColumns = `max-content repeat(${shown.tokens.length}, minmax(3.4rem, max-content))`;
  find("lens-grid").replaceChildren(...children);
  drawPicked();
};

const pick = (layer, token) => {
  Object.assign(state, { layer, token });
  drawPicked();
  trigger("pick", { layer, token });
};

const drawPicked = () => {
  element.querySelectorAll(".lens-cell").forEach((button) =>
    button.setAttribute("aria-pressed", button.dataset.at === `${state.layer},${state.token}`));
  const { layer, token } = state;
  const about = document.createElement("div");
  const asks = { next: "the next token", masked: "the token here", nothing: "" }[shown.predicts];
  about.textContent =
    `${plain(shown.tokens[token])} (${token + 1}) ${rowName(layer)}: a stream of size ${shown.sizes[layer][token].toFixed(1)}` +
    (layer ? `, of which this layer changed ${(100 * shown.changes[layer][token]).toFixed(0)} %` : "") +
    (shown.words ? `. Read as if it were the last layer, ${asks} would be` : ".");
  const children = [about];
  if (shown.words) {
    shown.ids[layer][token].forEach((id, rank) => {
      const p = shown.probabilities[layer][token][rank];
      const [word, bar, value] = ["span", "span", "span"].map((name) => document.createElement(name));
      word.className = "lens-word";
      word.textContent = plain(shown.words[id]);
      bar.className = "lens-bar";
      bar.style.width = `${100 * p}%`;
      value.textContent = p.toFixed(3);
      children.push(word, bar, value);
    });
  }
  find("lens-detail").replaceChildren(...children);
};

const drawScale = () => {
  const canvas = find("lens-scale").querySelector("canvas");
  const context = canvas.getContext("2d");
  for (let x = 0; x < 96; x++) {
    context.fillStyle = window.glassbox.css(window.glassbox.sequential(x / 95));
    context.fillRect(x, 0, 1, 1);
  }
};

const NOTES = {
  nothing: "This network has no table of words to read the stream with, so there is no logit lens; the cells say how much each layer changes the stream.",
  other: "The logit lens needs the stack that writes; for the encoder the cells say how much each layer changes the stream.",
  words: "Among the predictions, bright cells are sure. In the first layers the lens often reads nonsense: the stream is not yet in the form that the table of words expects.",
};

const show = (value) => {
  if (!value || !value.tokens) return;
  shown = value;
  Object.assign(state, { layer: value.layer, token: value.token });
  if (!views().includes(state.view)) state.view = views()[0];
  find("lens-empty").hidden = true;
  find("lens-body").hidden = false;
  find("lens-note").textContent = value.words ? NOTES.words : value.predicts === "nothing" ? NOTES.nothing : NOTES.other;
  drawScale();
  drawGrid();
  find("lens").dataset.state = "ready";
};

watch("value", () => show(props.value));
show(props.value);
