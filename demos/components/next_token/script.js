// p(i) = exp(logit_i / temperature) / sum; then only the top k, then only those that reach top-p; then normalised again.
const BARS = 20;
const find = (name) => element.querySelector(`.${name}`);
const plain = (word) => (word.trim() === "" ? "␣" : word.trim());
let shown = null;
let drawn = null;

const settings = () => ({
  temperature: Number(find("nt-temperature").value),
  k: Number(find("nt-topk").value),
  p: Number(find("nt-topp").value),
});

// The log-partition over the whole vocabulary comes for each setting of the slider, so that every probability is exact.
const chances = () => {
  const { temperature, k, p } = settings();
  const powers = shown.logits.map((logit) => Math.exp(logit / temperature));
  const slider = find("nt-temperature");
  const total = Math.exp(shown.partitions[Math.round((temperature - slider.min) / slider.step)]);
  const plainShares = powers.map((power) => power / total);
  const limit = k >= Number(find("nt-topk").max) ? shown.logits.length : k;
  let reached = 0;
  const kept = plainShares.map((share, i) => {
    const inside = i < limit && (p >= 1 || reached < p);
    reached += share;
    return inside;
  });
  const sum = plainShares.reduce((a, share, i) => a + (kept[i] ? share : 0), 0);
  const cut = kept.some((inside) => !inside) || p < 1;
  return plainShares.map((share, i) => ({ share: kept[i] ? (cut ? share / sum : share) : 0, kept: kept[i] }));
};

const draw = () => {
  const { temperature, k, p } = settings();
  find("nt-t").textContent = temperature.toFixed(2);
  find("nt-k").textContent = k >= Number(find("nt-topk").max) ? "off" : k;
  find("nt-p").textContent = p >= 1 ? "off" : p.toFixed(2);
  const all = chances();
  find("nt-bars").replaceChildren(...shown.words.slice(0, BARS).map((word, i) => {
    const row = document.createElement("button");
    row.type = "button";
    row.className = `nt-row${all[i].kept ? "" : " out"}`;
    row.disabled = !shown.writable;
    row.setAttribute("aria-pressed", i === drawn);
    row.title = shown.writable ? `write “${word}” and go on` : "";
    const [name, logit, bar, share] = ["nt-word", "nt-logit", "nt-bar", "nt-share"].map((className) => {
      const node = document.createElement("span");
      node.className = className;
      return node;
    });
    name.textContent = plain(word);
    logit.textContent = shown.logits[i].toFixed(2);
    bar.style.width = `${100 * all[i].share}%`;
    share.textContent = all[i].share.toFixed(3);
    row.append(name, logit, bar, share);
    row.addEventListener("click", () => take(i));
    return row;
  }));
  find("nt-note").textContent =
    `Token, logit less the highest, probability among all tokens; drawn is among the ${shown.words.length} likeliest.` + (shown.writable ? " Click a token to write it and go on." : "");
};

const take = (index) => {
  drawn = index;
  draw();
  trigger("take", { word: shown.words[index] });
};

const drawOne = () => {
  const all = chances();
  let left = Math.random() * all.reduce((sum, one) => sum + one.share, 0);
  const index = all.findIndex((one) => (left -= one.share) <= 0 && one.kept);
  const picked = index < 0 ? 0 : index;
  if (shown.writable) take(picked);
  else { drawn = picked; draw(); }
};

const show = (value) => {
  if (!value || !value.words) {
    find("nt-empty").hidden = false;
    find("nt-body").hidden = true;
    find("nt").dataset.state = "empty";
    return;
  }
  shown = value;
  drawn = null;
  find("nt-empty").hidden = true;
  find("nt-body").hidden = false;
  find("nt-title").textContent = value.after;
  draw();
  find("nt").dataset.state = "ready";
};

for (const name of ["nt-temperature", "nt-topk", "nt-topp"]) find(name).addEventListener("input", draw);
find("nt-draw").addEventListener("click", drawOne);
watch("value", () => show(props.value));
show(props.value);
