// Small maps of all layers and heads, one button each; picking one tells `onPick(layer, head)`.
// head = heads (one more than there are) stands for the mean of all heads of the layer.
const headGrid = (element, { onPick }) => {
  let cells = new Map();

  const label = (text) => {
    const span = document.createElement("span");
    span.className = "hg-label";
    span.textContent = text;
    return span;
  };

  const cell = (layer, head, isMean) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "hg-cell";
    button.title = `layer ${layer + 1}, ${isMean ? "mean of heads" : `head ${head + 1}`}`;
    button.setAttribute("aria-label", button.title);
    button.append(document.createElement("canvas"));
    button.addEventListener("click", () => onPick(layer, head));
    return button;
  };

  // maps(layer, head) gives the weights, rows x columns; paint(canvas, weights, rows, columns) draws them.
  const show = ({ layers, heads, rows, columns, maps, paint }) => {
    cells = new Map();
    element.style.gridTemplateColumns = `auto repeat(${heads + 1}, minmax(0, 1fr))`;
    const children = [label("")];
    for (let head = 0; head <= heads; head++) children.push(label(head < heads ? head + 1 : "mean"));
    for (let layer = 0; layer < layers; layer++) {
      children.push(label(layer + 1));
      for (let head = 0; head <= heads; head++) {
        const button = cell(layer, head, head === heads);
        paint(button.firstChild, maps(layer, head), rows, columns);
        cells.set(`${layer},${head}`, button);
        children.push(button);
      }
    }
    element.replaceChildren(...children);
  };

  const select = (layer, head) => {
    for (const [key, button] of cells) button.setAttribute("aria-pressed", key === `${layer},${head}`);
  };

  return { show, select };
};
