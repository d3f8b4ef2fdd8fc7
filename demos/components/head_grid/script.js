// Small maps of all layers and heads, one button each; picking one tells `onPick(layer, head)`.
// Columns after the heads are summaries of the layer, such as their mean: head = heads, heads + 1 and so on.
const headGrid = (element, { onPick }) => {
  let cells = new Map();
  let drawn = null;

  const label = (text) => {
    const span = document.createElement("span");
    span.className = "hg-label";
    span.textContent = text;
    return span;
  };

  const cell = (layer, head, name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "hg-cell";
    button.title = `layer ${layer + 1}, ${name}`;
    button.setAttribute("aria-label", button.title);
    button.append(document.createElement("canvas"));
    button.addEventListener("click", () => onPick(layer, head));
    return button;
  };

  const paintCell = (button, layer, head) => drawn.paint(button.firstChild, drawn.maps(layer, head), drawn.rows, drawn.columns);

  // maps(layer, head) gives the weights, rows x columns; paint(canvas, weights, rows, columns) draws them.
  const show = (what) => {
    drawn = what;
    const { layers, heads, summaries } = what;
    cells = new Map();
    const names = [...Array(heads).keys()].map((head) => `head ${head + 1}`).concat(summaries);
    element.style.gridTemplateColumns = `auto repeat(${names.length}, minmax(0, 1fr))`;
    const children = [label(""), ...names.map((name, head) => label(head < heads ? head + 1 : name))];
    for (let layer = 0; layer < layers; layer++) {
      children.push(label(layer + 1));
      for (const [head, name] of names.entries()) {
        const button = cell(layer, head, name);
        paintCell(button, layer, head);
        cells.set(`${layer},${head}`, button);
        children.push(button);
      }
    }
    element.replaceChildren(...children);
  };

  const select = (layer, head) => {
    for (const [key, button] of cells) button.setAttribute("aria-pressed", key === `${layer},${head}`);
  };

  // The same grid once more, where `maps` has come to give others.
  const repaint = () => {
    for (const [key, button] of cells) paintCell(button, ...key.split(",").map(Number));
  };

  return { show, select, repaint };
};
