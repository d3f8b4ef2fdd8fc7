const find = (name) => element.querySelector(`.${name}`);
const [COLUMN, ROW, WIDTH, HEIGHT] = [140, 32, 114, 26];
const signed = (value) => value.toFixed(2).replace("-", "\u2212");

const place = (node) => ({ x: (node.step - 1) * COLUMN + 4, y: node.rank * ROW + 4 });

const edge = (from, to, node) => {
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  path.setAttribute("d", `M${x1} ${y1} C${x1 + 14} ${y1} ${x2 - 14} ${y2} ${x2} ${y2}`);
  path.dataset.fate = node.fate;
  path.dataset.best = node.best;
  return path;
};

const textTo = (nodes, index) => {
  const words = [];
  for (let at = index; at !== null; at = nodes[at].parent) words.unshift(nodes[at].word);
  return words.join("").trim();
};

const draw = ({ nodes, beginning, width }) => {
  const plane = find("bt-plane");
  const svg = plane.querySelector("svg");
  const tell = (index) => {
    const node = nodes[index];
    find("bt-readout").textContent =
      `${textTo(nodes, index)}: log probability ${signed(node.total)}, of which ${signed(node.log)} for the last token. Click to go on from there.`;
  };
  const buttons = nodes.map((node, index) => {
    const button = document.createElement("button");
    const { x, y } = place(node);
    button.type = "button";
    button.className = "bt-node";
    button.dataset.fate = node.fate;
    button.dataset.best = node.best;
    button.style.left = `${x}px`;
    button.style.top = `${y}px`;
    const word = document.createElement("span");
    word.textContent = node.word.trim() || "\u2423";
    word.lang = "fr";
    const total = document.createElement("i");
    total.textContent = signed(node.total);
    button.append(word, total);
    button.title = `${textTo(nodes, index)} (${signed(node.total)}, ${node.fate})`;
    button.addEventListener("pointerenter", () => tell(index));
    button.addEventListener("focus", () => tell(index));
    button.addEventListener("click", () => trigger("adopt", { node: index }));
    return button;
  });
  plane.style.width = `${Math.max(...nodes.map((n) => n.step)) * COLUMN}px`;
  plane.style.height = `${(1 + Math.max(...nodes.map((n) => n.rank))) * ROW + 6}px`;
  const order = [...nodes].sort((a, b) => a.best - b.best || (b.fate === "dropped") - (a.fate === "dropped"));
  svg.replaceChildren(...order.filter((n) => n.parent !== null).map((n) => edge(place(nodes[n.parent]), place(n), n)));
  plane.replaceChildren(svg, ...buttons);
  const after = beginning ? `after “${beginning}”` : "from the beginning";
  find("bt-title").textContent =
    `Beam of width ${width}, searched ${after}. Each column is one token; the number is the log probability up to there.`;
  find("bt-readout").textContent = "";
};

const receive = () => {
  const value = props.value?.nodes?.length ? props.value : null;
  find("bt").dataset.state = value ? "full" : "empty";
  if (value) draw(value);
};
watch("value", () => receive());
receive();
