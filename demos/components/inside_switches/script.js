const part = (name) => element.querySelector(`.${name}`);
const made = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });
const named = (token, index) => `\u201c${token.trim() || "space"}\u201d (${index + 1})`;
const KINDS = { encoder: "Encoder self-attention", decoder: "Decoder self-attention", cross: "Cross-attention" };
const MODES = {
  hide: ["hide tokens", "Click a token: no other may look at it any more. Its own vector stays."],
  swap: ["swap two tokens", "Click two tokens: each is read in the other's place."],
  cut: ["cut a look", "Click the token that looks, then the one that it shall not look at; the others share what it had."],
};
const REST_MILLISECONDS = 250;

let shown = null;
let mode = "hide";
let chosen = null; // the first of two tokens to swap, or the token that looks
let timer = null;
let edits = nothing();

function nothing() {
  return { heads: new Map(), layers: new Map(), edges: [], unseen: new Set(), swap: null, positions: true };
}

const first = tokenStrip(part("is-first"), { onHover: () => undefined, onPick: pickFirst });
const second = tokenStrip(part("is-second"), { onHover: () => undefined, onPick: pickSecond });
const stackOf = (kind) => shown.stacks.find((stack) => stack.kind === kind);

function toggle(map, key, item) {
  if (!map.delete(key)) map.set(key, item);
  changed();
}

function drawGrids() {
  part("is-grids").replaceChildren(
    ...shown.stacks.map(({ kind, layers }) => {
      const box = made("div", "");
      const grid = made("div", "is-grid");
      grid.style.gridTemplateColumns = `auto repeat(${shown.heads}, minmax(0, 1fr))`;
      grid.append(made("span", "", "head"), ...Array.from({ length: shown.heads }, (_, head) => made("span", "", head + 1)));
      for (let layer = 0; layer < layers; layer++) {
        if (kind === "cross") grid.append(made("span", "", `layer ${layer + 1}`));
        else {
          const button = Object.assign(made("button", "is-layer-switch", `layer ${layer + 1}`), { type: "button" });
          button.dataset.key = `${kind},${layer}`;
          button.title = `switch off all of ${kind} layer ${layer + 1}`;
          button.setAttribute("aria-label", button.title);
          button.addEventListener("click", () => toggle(edits.layers, `${kind},${layer}`, [kind, layer]));
          grid.append(button);
        }
        for (let head = 0; head < shown.heads; head++) {
          const button = Object.assign(made("button", "is-head-switch", head + 1), { type: "button" });
          Object.assign(button.dataset, { key: `${kind},${layer},${head}`, layer: `${kind === "cross" ? "decoder" : kind},${layer}` });
          button.title = `switch off head ${head + 1} of layer ${layer + 1}`;
          button.setAttribute("aria-label", `${KINDS[kind]}: ${button.title}`);
          button.addEventListener("click", () => toggle(edits.heads, `${kind},${layer},${head}`, [kind, layer, head]));
          grid.append(button);
        }
      }
      box.append(made("p", "is-title", `${KINDS[kind]}: click what to switch off`), grid);
      return box;
    }),
  );
}

const options = (select, names) => select.replaceChildren(...names.map(([value, text]) => Object.assign(made("option", "", text), { value })));

function drawScope() {
  options(part("is-kind"), shown.stacks.map(({ kind }) => [kind, KINDS[kind]]));
  part("is-kind").value = shown.stacks.some(({ kind }) => kind === "cross") ? "cross" : shown.stacks[0].kind;
  options(part("is-head"), [["", "all"], ...Array.from({ length: shown.heads }, (_, i) => [i, i + 1])]);
  drawLayers();
}

function drawLayers() {
  options(part("is-layer"), [["", "all"], ...Array.from({ length: stackOf(part("is-kind").value).layers }, (_, i) => [i, i + 1])]);
}

function drawMode() {
  chosen = null;
  part("is-modes").replaceChildren(
    ...Object.entries(MODES).map(([name, [text]]) => {
      const button = Object.assign(made("button", "", text), { type: "button" });
      button.setAttribute("aria-pressed", name === mode);
      button.addEventListener("click", () => {
        mode = name;
        drawMode();
      });
      return button;
    }),
  );
  const cut = mode === "cut";
  part("is-scope").hidden = part("is-second").hidden = part("is-second-title").hidden = !cut;
  const stack = stackOf(part("is-kind").value);
  part("is-first-title").textContent = cut ? (stack.kind === "cross" ? "the token being written (query)" : "the token that looks (query)") : "";
  part("is-first-title").hidden = !cut;
  first.show(cut ? stack.queries : shown.tokens);
  if (cut) second.show(stack.keys);
  drawTokens();
}

function drawTokens() {
  part("is-hint").textContent = chosen === null ? MODES[mode][1] : mode === "swap" ? "Now click the token to swap it with." : "Now click the token that it shall not look at.";
  first.shade(null, chosen);
  second.shade(null, null);
  const mark = (strip, names) => [...part(strip).children].forEach((button, index) => {
    const swapped = names && edits.swap?.includes(index);
    button.dataset.mark = names && edits.unseen.has(index) ? "unseen" : swapped ? "swapped" : "";
  });
  mark("is-first", mode !== "cut" || part("is-kind").value === "encoder" || shown.stacks.length === 1);
  mark("is-second", part("is-kind").value !== "decoder" || shown.stacks.length === 1);
}

function pickFirst(index) {
  if (mode === "hide") {
    if (!edits.unseen.delete(index)) edits.unseen.add(index);
    changed();
    return;
  }
  if (mode === "swap" && chosen !== null) {
    edits.swap = chosen === index ? null : [chosen, index];
    chosen = null;
    changed();
    return;
  }
  chosen = index;
  drawTokens();
}

function pickSecond(index) {
  if (chosen === null) {
    part("is-hint").textContent = "First click the token that looks.";
    return;
  }
  const value = (name) => (part(name).value === "" ? null : Number(part(name).value));
  const edge = [part("is-kind").value, chosen, index, value("is-layer"), value("is-head")];
  if (!edits.edges.some((other) => String(other) === String(edge))) edits.edges.push(edge);
  changed();
}

function drawList() {
  const items = [];
  const add = (text, undo) => {
    const button = Object.assign(made("button", "", `${text} \u2715`), { type: "button", title: "undo this" });
    button.addEventListener("click", () => {
      undo();
      changed();
    });
    items.push(button);
  };
  const where = (kind) => (shown.stacks.length > 1 ? `${kind} ` : "");
  edits.layers.forEach(([kind, layer], key) => add(`${where(kind)}layer ${layer + 1} off`, () => edits.layers.delete(key)));
  edits.heads.forEach(([kind, layer, head], key) => add(`${where(kind)}layer ${layer + 1}, head ${head + 1} off`, () => edits.heads.delete(key)));
  edits.edges.forEach((edge, number) => {
    const [kind, query, key, layer, head] = edge;
    const stack = stackOf(kind);
    const scope = [layer === null ? "" : `layer ${layer + 1}`, head === null ? "" : `head ${head + 1}`].filter(Boolean).join(", ");
    add(`${where(kind)}${named(stack.queries[query], query)} does not look at ${named(stack.keys[key], key)}${scope ? ` in ${scope}` : ""}`, () => edits.edges.splice(number, 1));
  });
  edits.unseen.forEach((index) => add(`${named(shown.tokens[index], index)} hidden`, () => edits.unseen.delete(index)));
  if (edits.swap) add(`${edits.swap.map((index) => named(shown.tokens[index], index)).join(" and ")} swapped`, () => { edits.swap = null; });
  if (!edits.positions) add("no positions", () => { edits.positions = true; });
  part("is-list").replaceChildren(...items);
  part("is-undo").disabled = !items.length;
}

function draw() {
  element.querySelectorAll(".is-head-switch").forEach((button) => {
    button.setAttribute("aria-pressed", edits.heads.has(button.dataset.key));
    button.classList.toggle("passed", edits.layers.has(button.dataset.layer));
  });
  element.querySelectorAll(".is-layer-switch").forEach((button) => button.setAttribute("aria-pressed", edits.layers.has(button.dataset.key)));
  part("is-positions").checked = edits.positions;
  drawTokens();
  drawList();
}

function changed() {
  draw();
  clearTimeout(timer);
  timer = setTimeout(() => {
    trigger("rework", {
      heads_off: [...edits.heads.values()],
      layers_off: [...edits.layers.values()],
      edges_off: edits.edges,
      unseen: [...edits.unseen],
      swap: edits.swap,
      positions: edits.positions,
    });
  }, REST_MILLISECONDS);
}

part("is-kind").addEventListener("change", () => {
  drawLayers();
  drawMode();
});
part("is-positions").addEventListener("change", (event) => {
  edits.positions = event.target.checked;
  changed();
});
part("is-undo").addEventListener("click", () => {
  edits = nothing();
  chosen = null;
  changed();
});

function receive() {
  const value = props.value?.stacks ? props.value : null;
  part("is").dataset.state = value ? "full" : "empty";
  if (!value) return;
  clearTimeout(timer);
  shown = value;
  edits = nothing();
  part("is-note").hidden = !value.note;
  part("is-note").textContent = value.note;
  part("is-positions").closest("label").hidden = !value.places;
  drawGrids();
  drawScope();
  drawMode();
  draw();
}
watch("value", () => requestAnimationFrame(receive));
receive();
