// One run of a model with its attention weights: which head, which token looks, where it looks. No request is made after
// it arrived, except for pictures of so many patches that their weights stay on the server.
const KINDS = { encoder: "Encoder self-attention", decoder: "Decoder self-attention", cross: "Cross-attention", patches: "Attention over patches" };
const BARS = 8;

const find = (name) => element.querySelector(`.${name}`);
const state = { form: "map", view: 0, layer: null, head: null, token: null, hover: null, habit: null };
let views = [];

const unpack = async (text) => {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint16Array(await new Response(stream).arrayBuffer());
};

// Tokens in a line: all maps are here, and a small map is a head's whole one.
const withMaps = (view, weights, rollout) => {
  const size = view.rows.length * view.columns.length;
  const one = (layer, head) => weights.subarray((layer * view.heads + head) * size, (layer * view.heads + head + 1) * size);
  const means = new Map();
  const mean = (layer) => {
    if (!means.has(layer)) {
      const sum = new Float32Array(size);
      for (let head = 0; head < view.heads; head++) one(layer, head).forEach((value, i) => (sum[i] += value / view.heads));
      means.set(layer, sum);
    }
    return means.get(layer);
  };
  const summaries = rollout ? ["mean", "rollout"] : ["mean"];
  const summary = (layer, name) => (name === "mean" ? mean(layer) : rollout.subarray(layer * size, (layer + 1) * size));
  const maps = (layer, head) => (head < view.heads ? one(layer, head) : summary(layer, summaries[head - view.heads]));
  const row = (layer, head, token) => maps(layer, head).subarray(token * view.columns.length, (token + 1) * view.columns.length);
  const named = (list, index) => `${quoted(list[index])} (${index + 1})`;
  return { ...view, summaries, maps, row, named, small: { maps, rows: view.rows.length, columns: view.columns.length }, fetched: () => true };
};

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const unpacked = (packed) => ({ steps: bytesOf(packed.steps), largest: new Float32Array(bytesOf(packed.largest).buffer) });

// Tokens on a picture: a small map is where the chosen token looks. Rows come in steps of their largest weight (see
// `PackedAttention`), all at once or those of one looking token when it is chosen.
const withPatches = (view) => {
  const count = view.rows.length;
  const all = view.attention && unpacked(view.attention);
  const asked = new Map();
  const summaries = view.rollout === false ? ["mean"] : ["mean", "rollout"];
  const packedRow = (layer, which, token) => {
    const place = layer * (view.heads + summaries.length - 1) + which;
    const { steps, largest } = all || asked.get(token);
    const row = all ? place * count + token : place;
    const scale = (largest[row] * STEPS) / 255 ** 2;
    return Float32Array.from(steps.subarray(row * count, (row + 1) * count), (step) => step * step * scale);
  };
  const mean = (layer, token) => {
    const sum = new Float32Array(count);
    for (let head = 0; head < view.heads; head++) packedRow(layer, head, token).forEach((weight, i) => (sum[i] += weight / view.heads));
    return sum;
  };
  const row = (layer, head, token) => (head === view.heads ? mean(layer, token) : packedRow(layer, Math.min(head, view.heads), token));
  const maps = (layer, head) => {
    const patches = row(layer, head, state.token).subarray(1);
    const largest = patches.reduce((most, weight) => Math.max(most, weight), 1e-9);
    return patches.map((weight) => (weight / largest) * STEPS);
  };
  const fetched = (token) => Boolean(all) || asked.has(token);
  const fetchRows = async (token) => {
    const answer = await server.attention_rows({ run: view.run, token });
    if (answer.error) throw new Error(answer.error);
    asked.set(token, unpacked(answer));
  };
  const { rows, columns } = view.picture;
  return { ...view, summaries, row, named: (list, index) => list[index], small: { maps, rows, columns }, fetched, fetchRows };
};

const chip = (text, pressed, action, title = "") => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ax-chip";
  button.textContent = text;
  if (title) button.title = title;
  button.setAttribute("aria-pressed", pressed);
  button.addEventListener("click", action);
  return button;
};

const number = (weight) => (weight / STEPS).toFixed(3);
const quoted = (token) => `“${token.trim() || "space"}”`;
const SUMMARIES = { mean: "mean of heads", rollout: "rollout up to this layer" };
const headName = (view) => (state.head < view.heads ? `head ${state.head + 1}` : SUMMARIES[view.summaries[state.head - view.heads]]);

const grid = headGrid(find("hg-grid"), { onPick: (layer, head) => pick({ layer, head }) });
const map = heatMap(find("ax-map"), {
  onHover: (at) => { state.hover = at; drawReading(); },
  onPick: (at) => pick({ token: at.row, hover: at }),
});
const lines = tokenLines(find("ax-lines"), {
  onHover: (row) => { state.hover = row === null ? null : { row, column: null }; drawReading(); drawForm(); },
  onPick: (row) => pick({ token: row, hover: null }),
});
const arcs = tokenArcs(find("ax-arcs"), {
  onHover: (row) => { state.hover = row === null ? null : { row, column: null }; drawReading(); drawForm(); },
  onPick: (row) => pick({ token: row, hover: null }),
});
const rowStrip = tokenStrip(find("ax-rows-strip"), {
  onHover: (index) => { state.hover = index === null ? null : { row: index, column: null }; drawReading(); },
  onPick: (index) => pick({ token: index, hover: null }),
});
const sourceStrip = tokenStrip(find("ax-sources-strip"), {
  onHover: (index) => { state.hover = index === null ? null : { row: state.token, column: index }; drawReading(); },
  onPick: (index) => { state.hover = { row: state.token, column: index }; drawReading(); },
});

const patches = pictureTokens(find("ax-picture"), {
  onHover: (index) => { state.hover = index === null ? null : { row: state.token, column: index }; drawReading(); },
  onPick: (index) => tell(views[0].run, index),
});
const tell = sharedToken(({ run, token }) => views.length && views[0].run === run && pickPatch(token));

const pick = (change) => {
  Object.assign(state, change);
  drawHead();
};

// The last patch picked counts, whichever rows arrive first.
let wanted = null;
const pickPatch = async (token) => {
  wanted = token;
  if (!(await haveRows(views[0], token)) || wanted !== token) return;
  pick({ token, hover: null });
  grid.repaint();
};

const haveRows = async (view, token) => {
  if (view.fetched(token)) return true;
  find("ax").dataset.busy = true;
  let problem = "";
  await view.fetchRows(token).catch((error) => (problem = error.message));
  find("ax").dataset.busy = false;
  find("ax-note").hidden = !problem;
  find("ax-note").textContent = problem;
  return !problem;
};

const drawScale = () => {
  const ramp = Uint16Array.from({ length: 128 }, (_, i) => Math.round((i / 127) ** 2 * STEPS));
  paintSmall(find("hm-scale").querySelector("canvas"), ramp, 1, 128);
};

// A first sight worth having: the head with the clearest habit, and a token from the middle of the sentence.
const chooseFirst = (view) => {
  if (view.picture) {
    Object.assign(state, { layer: view.layers - 1, head: view.heads });
    return;
  }
  const habits = Object.entries(view.habits).map(([name, heads]) => [name, ...heads[0]]);
  const clearest = habits.reduce((best, one) => (best && best[3] >= one[3] ? best : one), null);
  Object.assign(state, clearest ? { habit: clearest[0], layer: clearest[1], head: clearest[2] } : { layer: 0, head: view.heads });
  state.token = Math.floor(view.rows.length / 2);
};

const drawView = () => {
  const view = views[state.view];
  if (state.layer === null) chooseFirst(view);
  state.layer = Math.min(state.layer, view.layers - 1);
  state.head = Math.min(state.head, view.heads + view.summaries.length - 1);
  state.token = Math.min(state.token, view.rows.length - 1);
  state.hover = null;
  find("ax-kinds").replaceChildren(
    ...views.map((v, i) => chip(KINDS[v.kind], i === state.view, () => { state.view = i; drawView(); })),
  );
  find("ax-kinds").hidden = views.length < 2;
  grid.show({ layers: view.layers, heads: view.heads, summaries: view.summaries, ...view.small, paint: paintSmall });
  find("ax-overview-title").textContent = `All layers (down) and heads (across)${view.picture ? ": where the chosen token looks" : ""}`;
  find("ax-scale-top").textContent = view.picture ? "largest of each map" : "1";
  drawHabits();
  find("ax-layer").max = view.layers;
  find("ax-head").max = view.heads + view.summaries.length;
  const cross = view.kind === "cross";
  for (const name of ["ax-strip-title", "ax-rows-strip"]) find(name).hidden = Boolean(view.picture);
  find("ax-strip-title").textContent = cross
    ? "Click the French token being written; the shading below says where it looks"
    : "Hover or click a token; the shading says where it looks";
  find("ax-sources-title").hidden = !cross;
  find("ax-sources-strip").hidden = !cross;
  if (!view.picture) rowStrip.show(view.rows);
  if (cross) sourceStrip.show(view.columns);
  drawHead();
};

// One habit at a time: the heads that have it most, the strongest first.
const drawHabits = () => {
  const view = views[state.view];
  const names = Object.keys(view.habits);
  if (!names.includes(state.habit)) state.habit = names[0] || null;
  find("ax-habits-title").hidden = !names.length;
  find("ax-habits").replaceChildren(
    ...names.map((name) => chip(name, name === state.habit, () => { state.habit = name; drawHabits(); pickHead(view.habits[name][0]); })),
  );
  find("ax-standouts").replaceChildren(
    ...(state.habit ? view.habits[state.habit] : []).map((one) =>
      chip(`${one[0] + 1}.${one[1] + 1}: ${one[2].toFixed(2)}`, one[0] === state.layer && one[1] === state.head, () => pickHead(one), `layer ${one[0] + 1}, head ${one[1] + 1}`)),
  );
};

const pickHead = ([layer, head]) => pick({ layer, head });

const drawHead = () => {
  const view = views[state.view];
  grid.select(state.layer, state.head);
  drawHabits();
  find("ax-layer").value = state.layer + 1;
  find("ax-head").value = state.head + 1;
  find("ax-layer-value").textContent = state.layer + 1;
  find("ax-head-value").textContent = state.head < view.heads ? state.head + 1 : view.summaries[state.head - view.heads];
  for (const name of ["ax-map", "ax-lines", "ax-arcs"]) {
    find(name).setAttribute("aria-label", `attention weights of layer ${state.layer + 1}, ${headName(view)}`);
  }
  drawForm();
  drawReading();
};

const drawForm = () => {
  const view = views[state.view];
  const forms = view.picture ? ["picture"] : view.kind === "cross" ? ["map", "lines"] : ["map", "lines", "arcs"];
  if (!forms.includes(state.form)) state.form = forms[0];
  const asMap = state.form === "map";
  find("hm-frame").hidden = !asMap;
  find("tl-frame").hidden = state.form !== "lines";
  find("ta-frame").hidden = state.form !== "arcs";
  find("ax").dataset.form = state.form;
  find("ax-picture").hidden = state.form !== "picture";
  find("ax-forms").hidden = forms.length < 2;
  find("ax-title-form").hidden = state.form === "arcs" || state.form === "picture";
  if (state.form === "picture") return;
  find("ax-rows").textContent = `${asMap ? "rows" : "left"}: who looks`;
  find("ax-cols").textContent = `${asMap ? "columns" : "right"}: who is looked at`;
  find("ax-forms").replaceChildren(
    ...forms.map((form) => chip(form, form === state.form, () => pick({ form }))),
  );
  ({ map, lines, arcs })[state.form].show({
    rows: view.rows.length,
    columns: view.columns.length,
    rowLabels: view.rows.map((token) => token.trim() || "␣"),
    columnLabels: view.columns.map((token) => token.trim() || "␣"),
    weights: view.maps(state.layer, state.head),
    row: asMap || !state.hover ? state.token : state.hover.row,
  });
};

const drawReading = () => {
  const view = views[state.view];
  const row = state.hover ? state.hover.row : state.token;
  const weights = view.row(state.layer, state.head, row);
  const share = (index) => weights[index] / STEPS;
  const cross = view.kind === "cross";
  if (view.picture) patches.shade(share, state.token);
  else rowStrip.shade(cross ? null : share, state.token);
  if (cross) sourceStrip.shade(share, null);
  const order = [...weights.keys()].sort((a, b) => weights[b] - weights[a]);
  const column = state.hover && state.hover.column !== null ? state.hover.column : order[0];
  const who = `${cross ? "writing " : ""}${view.named(view.rows, row)}`;
  const most = state.hover && state.hover.column !== null ? "" : "most, ";
  find("ax-readout").textContent =
    `Layer ${state.layer + 1}, ${headName(view)}: ${who} takes ${most}${number(weights[column])} of its attention from ` +
    `${view.named(view.columns, column)}.`;
  drawBars(view, weights, order, `${who} takes from`);
};

const drawBars = (view, weights, order, heading) => {
  const title = document.createElement("div");
  title.className = "ax-bars-title";
  title.textContent = heading;
  const children = [title];
  const line = (name, weight) => {
    const label = document.createElement("span");
    label.className = "ax-bar-name";
    label.textContent = name;
    const bar = document.createElement("span");
    bar.className = "ax-bar";
    bar.style.width = `${(100 * weight) / STEPS}%`;
    const value = document.createElement("span");
    value.textContent = number(weight);
    children.push(label, bar, value);
  };
  order.slice(0, BARS).forEach((index) => line(view.picture ? view.columns[index] : `${view.columns[index].trim() || "space"} (${index + 1})`, weights[index]));
  const rest = order.slice(BARS).reduce((sum, index) => sum + weights[index], 0);
  if (order.length > BARS) line(`${order.length - BARS} others`, rest);
  find("ax-bars").replaceChildren(...children);
};

const show = async (value) => {
  if (!value || !value.views) {
    if (!views.length || views[0].picture) showNothing();
    return;
  }
  const ready = await Promise.all(
    value.views.map(async (view) => (view.picture ? withPatches(view) : withMaps(view, await unpack(view.weights), view.rollout && (await unpack(view.rollout))))),
  );
  if (ready[0].picture) {
    if (ready[0].token !== undefined) state.token = ready[0].token;
    else if (ready[0].picture.columns !== views[0]?.picture.columns) state.token = 0;
    await patches.show(ready[0].picture);
    if (!(await haveRows(ready[0], state.token))) return;
  }
  views = ready;
  state.view = Math.min(state.view, views.length - 1);
  find("ax-empty").hidden = true;
  find("ax-body").hidden = false;
  find("ax-translation").hidden = value.translation === null;
  find("ax-translation").querySelector("b").textContent = value.translation || "";
  find("ax-note").hidden = !value.note;
  find("ax-note").textContent = value.note;
  drawScale();
  drawView();
  find("ax").dataset.state = "ready";
  if (views[0].run) find("ax").dataset.run = views[0].run;
};

const showNothing = () => {
  views = [];
  find("ax").dataset.state = "empty";
  find("ax-empty").hidden = !props.empty;
  find("ax-body").hidden = true;
};

find("ax-empty").textContent = props.empty;
find("ax-heading").textContent = props.title;
find("ax-heading").hidden = !props.title;
find("ax-layer").addEventListener("input", (event) => pick({ layer: Number(event.target.value) - 1 }));
find("ax-head").addEventListener("input", (event) => pick({ head: Number(event.target.value) - 1 }));
new ResizeObserver(() => views.length && drawForm()).observe(find("ax-detail"));
new MutationObserver(() => views.length && drawForm()).observe(document.body, { attributes: true, attributeFilter: ["class"] });
watch("value", () => show(props.value));
show(props.value);
