const find = (name) => element.querySelector(`.${name}`);
const READ = find("walk-read").textContent;

const unpack = (text) => new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

const make = (tag, name, text = "") => {
  const node = document.createElement(tag);
  node.className = name;
  node.textContent = text;
  return node;
};

const strip = (name, values) => {
  const canvas = make("canvas", "walk-strip");
  canvas.width = values.length;
  canvas.height = 1;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${values.length} numbers of ${name}`);
  const limit = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9);
  const image = new ImageData(values.length, 1);
  values.forEach((value, i) => image.data.set([...window.glassbox.diverging(value / limit), 255], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.addEventListener("pointermove", (event) => {
    const i = Math.min(values.length - 1, Math.max(0, Math.floor((event.offsetX / canvas.clientWidth) * values.length)));
    find("walk-read").textContent = `${name}, number ${i + 1} of ${values.length}: ${values[i].toFixed(3)} (the largest is ${limit.toFixed(3)} from zero)`;
  });
  canvas.addEventListener("pointerleave", () => { find("walk-read").textContent = READ; });
  return canvas;
};

const KINDS = { encoder: "head", decoder: "head", cross: "cross head" };

const heads = (all) => all.map((one, i) => {
  const chip = document.createElement("span");
  const [place, word, weight] = one;
  chip.append(`${i + 1}: `, make("b", "", word), ` (${place + 1}) ${weight.toFixed(2)}`);
  chip.title = `head ${i + 1} takes most, ${weight.toFixed(3)}, from ${word} (${place + 1})`;
  return chip;
});

const show = (value) => {
  if (!value || !value.stations) return;
  find("walk-empty").hidden = true;
  find("walk-body").hidden = false;
  find("walk-title").textContent = value.title;
  const of = { "heads, side by side": "encoder decoder", "cross-attention": "cross" };
  find("walk-stations").replaceChildren(...value.stations.map((station) => {
    const values = unpack(station.values);
    const row = make("div", `walk-station ${station.stream ? "stream" : "branch"}`);
    row.append(
      make("span", "walk-name", station.name),
      strip(station.name, values),
      make("span", "walk-facts", `${values.length.toLocaleString("en")} numbers, size ${Number(station.size.toPrecision(3))}`),
      make("p", "walk-meaning", station.meaning),
    );
    const looks = value.heads.filter((group) => (of[station.name] || "").split(" ").includes(group.kind));
    looks.forEach((group) => {
      const line = make("div", "walk-heads");
      line.append(`${KINDS[group.kind]} looks most at`, ...heads(group.best));
      row.append(line);
    });
    return row;
  }));
  find("walk").dataset.state = "ready";
};

watch("value", () => show(props.value));
show(props.value);
