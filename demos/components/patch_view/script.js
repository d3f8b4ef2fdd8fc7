const view = element.querySelector(".patch-view");
const part = (name) => view.querySelector(name);
let shown = null; // the value drawn
let token = 0; // the chosen one: 0 is CLS, patch n is n + 1

const tell = sharedToken((chosen) => {
  if (chosen.run !== shown?.run) return;
  token = chosen.token;
  draw();
});
const tokens = pictureTokens(part(".picture"), { onHover: caption, onPick: (picked) => tell(shown.run, picked) });

async function receive() {
  const value = props.value?.picture ? props.value : null;
  if (!value) {
    view.dataset.state = "empty";
    return;
  }
  if (value.picture.columns !== shown?.picture.columns) token = 0;
  shown = value;
  await tokens.show(value.picture);
  view.dataset.state = "full";
  view.dataset.run = value.run;
  drawAnswers();
  draw();
}

function draw() {
  tokens.shade(null, token);
  caption(null);
}

function caption(hovered) {
  const { rows, columns } = shown.picture;
  const about = hovered || token;
  const which = about
    ? `${hovered ? "Under the pointer" : "Chosen"}: the patch in ${patchName(about, columns)}, token ${about} of ${rows * columns}.`
    : "Chosen: CLS, an extra token without pixels, from which the answer is read. Click a patch to follow it.";
  part(".left .caption").textContent = `${rows} x ${columns} patches of ${shown.side} x ${shown.side} pixels. ${which}`;
}

function bar(names, probability) {
  const row = document.createElement("div");
  row.className = "row";
  for (const text of names) {
    const name = document.createElement("span");
    name.className = "name";
    name.textContent = name.title = text;
    row.append(name);
  }
  const track = document.createElement("span");
  track.className = "track";
  const fill = document.createElement("div");
  fill.className = "fill";
  fill.style.width = `${probability * 100}%`;
  track.append(fill);
  const number = document.createElement("span");
  number.className = "number";
  number.textContent = `${(probability * 100).toPrecision(3)} %`;
  row.append(track, number);
  return row;
}

function drawAnswers() {
  const bars = (answers) => answers.map((answer) => bar([answer.label], answer.probability));
  const compared = shown.before.length > 0;
  part(".right").hidden = !shown.top.length;
  part(".answers").classList.toggle("compared", compared);
  part(".own-title").textContent = compared ? "This run" : "The answer";
  part(".own .bars").replaceChildren(...bars(shown.top));
  part(".other").hidden = !compared;
  part(".other-title").textContent = shown.title;
  part(".other .bars").replaceChildren(...bars(shown.before));
  const rows = shown.lens.map((answer, n) => bar([n ? `${n}` : "input", answer.label], answer.probability));
  part(".lens-rows").replaceChildren(...rows);
}

watch("value", receive);
receive();
