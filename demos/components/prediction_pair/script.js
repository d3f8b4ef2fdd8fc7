const part = (name) => element.querySelector(`.${name}`);
const made = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });
const quoted = (token) => `\u201c${token.trim() || "space"}\u201d`;
const named = (token, index) => `${quoted(token)} (${index + 1})`;
const bitsOf = (bits) => (bits > 0 && bits < 0.0005 ? "less than 0.001 bits" : `${bits.toFixed(3)} bits`);
const percent = (share) => (share >= 0.9995 ? "100 %" : share >= 0.001 || share === 0 ? `${(100 * share).toFixed(1)} %` : "< 0.1 %");
const STACKS = { encoder: "Vectors after the last encoder layer", decoder: "Vectors after the last decoder layer" };
const SIGHT = { "\n": "\u23ce", " ": "\u2423" };
const CHOICES = { own: "the token that looks", last: "the last one", most: "changed most" };
part("pp-empty").textContent = props.empty;

let shown = null;
let choice = null; // a position, or one of CHOICES
let picked = false; // whether the visitor chose it

const at = () => ({ own: shown.own, last: shown.places.length - 1, most: shown.most })[choice] ?? choice;
const available = () => ({ own: shown.own !== null, last: true, most: shown.bits.some((bits) => bits > 0) });
const strip = tokenStrip(part("pp-places"), { onHover: () => undefined, onPick: pick });

function pick(index) {
  choice = index;
  picked = true;
  drawPrediction();
  trigger("pick", { position: at() });
}

function receive() {
  const value = props.value?.stacks ? props.value : null;
  part("pp").dataset.state = value ? "full" : "empty";
  if (!value) {
    picked = false;
    return;
  }
  const same = shown && shown.places.join("\u0000") === value.places.join("\u0000");
  shown = value;
  if (!same) picked = false;
  if (!picked || available()[choice] === false) choice = available().own ? "own" : available().most ? "most" : "last";
  part("pp-changes").textContent = shown.changes.length ? `Changed: ${shown.changes.join("; ")}.` : "Nothing is changed yet: before and after are the same.";
  const predicts = shown.rows.length > 0;
  part("pp-predicted").hidden = part("pp-where").hidden = !predicts;
  part("pp-sentence").hidden = predicts;
  if (predicts) {
    strip.show(shown.places);
    drawPrediction();
    const mean = shown.bits.reduce((a, b) => a + b, 0) / shown.bits.length;
    part("pp-total").textContent = `Mean change over ${shown.bits.length} predictions: ${bitsOf(mean)}; most ${bitsOf(shown.bits[shown.most])}, at ${named(shown.places[shown.most], shown.most)}.`;
  } else {
    part("pp-cosine").textContent = `This network predicts no word; it makes one vector of the sentence, the mean over its tokens. Cosine between before and after: ${shown.cosine.toFixed(4)} (1: nothing changed).`;
  }
  drawStacks();
}

function drawPrediction() {
  const t = at();
  const offered = available();
  part("pp-choices").replaceChildren(
    ...Object.entries(CHOICES).filter(([name]) => offered[name]).map(([name, text]) => {
      const button = Object.assign(made("button", "", text), { type: "button" });
      button.setAttribute("aria-pressed", name === choice);
      button.addEventListener("click", () => pick(name));
      return button;
    }),
  );
  const most = Math.max(...shown.bits, 1e-9);
  strip.shade((index) => Math.min(1, shown.bits[index] / Math.max(most, 0.05)), t);
  const place = { written: "Written as", masked: "In place of", next: "After" }[shown.predicts];
  part("pp-predicted").querySelector(".pp-title").textContent = `${place} ${named(shown.places[t], t)}`;
  const top = Math.max(...shown.rows[t].flatMap(([, p, q]) => [p, q]));
  part("pp-rows").replaceChildren(
    ...shown.rows[t].map(([token, p, q]) => {
      const row = made("div", "pp-row");
      const bars = made("div", "pp-bars");
      for (const [share, className] of [[p, "pp-solid"], [q, "pp-dashed"]]) {
        const bar = made("i", className);
        bar.style.width = `${(100 * share) / top}%`;
        bars.append(bar);
      }
      row.append(made("b", "", token.replace(/^[\n ]$/, (c) => SIGHT[c]).trim() || "\u2423"), bars, made("span", "", `${percent(p)} \u2192 ${percent(q)}`));
      return row;
    }),
  );
  const first = (k) => shown.rows[t].reduce((best, row) => (row[k] > best[k] ? row : best))[0];
  const [before, after] = [first(1), first(2)];
  part("pp-readout").textContent =
    shown.bits[t] === 0 ? "This prediction is the same." :
    `${before === after ? `Still ${quoted(after)}` : `${quoted(before)} became ${quoted(after)}`}; this prediction changed by ${bitsOf(shown.bits[t])}.`;
}

function drawStacks() {
  part("pp-stacks").replaceChildren(
    ...shown.stacks.map(({ kind, tokens, share, moved }) => {
      const box = made("div", "");
      const most = share.indexOf(Math.max(...share));
      const title = made("p", "pp-title", `${STACKS[kind]} `);
      const readout = made("span", "pp-quiet");
      const tell = (index) => {
        const which = index ?? most;
        readout.textContent = share[most] === 0 ? "none moved" : `${index === null ? "most moved: " : ""}${named(tokens[which], which)}, by ${Number(moved[which].toPrecision(3))}, ${(100 * share[which]).toFixed(0)} % of its length`;
      };
      title.append(readout);
      const line = made("div", "ts-strip");
      line.setAttribute("role", "group");
      line.setAttribute("aria-label", `${STACKS[kind]}: how far each moved`);
      const tokens_ = tokenStrip(line, { onHover: tell, onPick: tell });
      tokens_.show(tokens);
      tokens_.shade((index) => Math.min(1, share[index]), null);
      tell(null);
      box.append(title, line);
      return box;
    }),
  );
}
watch("value", () => requestAnimationFrame(receive));
receive();
