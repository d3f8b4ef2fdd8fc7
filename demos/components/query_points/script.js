// Where a query reads the feature map: the sampling points of every head in one decoder layer, larger where they weigh more.
const pointsPanel = ({ state, trace, change }) => {
  const each = (draw) => {
    const { points, heads, pointsOfHead } = trace();
    const numbers = points(state.layer, state.query);
    for (let head = 0; head < heads; head++) {
      for (let point = 0; point < pointsOfHead; point++) {
        const start = (head * pointsOfHead + point) * 3;
        draw(head, numbers[start], numbers[start + 1], numbers[start + 2]);
      }
    }
  };

  const paint = (context, width, height) => {
    const { box, stages } = trace();
    const ink = role("query");
    strokeCorners(context, cornersOf(box(state.layer + 2, state.query)), width, height, { color: role("prediction") });
    strokeCorners(context, cornersOf(box(1, state.query)), width, height, { color: ink, dash: [6, 4] });
    each((head, x, y, weight) => {
      const alone = state.head !== null;
      if (alone && head !== state.head) return;
      context.beginPath();
      context.arc(x * width, y * height, (alone ? 4 : 2.5) + 6 * weight, 0, 2 * Math.PI);
      context.globalAlpha = 0.3 + 0.7 * weight;
      context.fillStyle = ink;
      context.fill();
      context.globalAlpha = 1;
      context.lineWidth = 1.5;
      context.strokeStyle = role("paper");
      context.stroke();
      if (alone) writeOn(context, weight.toFixed(2), x * width + 8, y * height - 9, ink);
    });
    writeOn(context, stages[state.layer + 2], 4, 4, ink);
  };

  const show = () => {
    const { layers, heads, pointsOfHead } = trace();
    let outside = 0;
    each((_, x, y) => (outside += x < 0 || x > 1 || y < 0 || y > 1));
    const text =
      `In layer ${state.layer + 1} query ${state.query} reads the feature map at ${heads * pointsOfHead} points, ` +
      `${pointsOfHead} for each of ${heads} heads, placed around its reference box (dashed). The weights of a head sum ` +
      `to 1. ${outside ? `${outside} of the points lie outside of the picture and read zeros.` : "All of them lie inside the picture."} ` +
      "The solid box is the answer after this layer.";
    return [
      chipRow("layer", [...Array(layers).keys()].map((layer) => chip(layer + 1, layer === state.layer, () => change({ layer })))),
      chipRow("head", [
        chip("all", state.head === null, () => change({ head: null })),
        ...[...Array(heads).keys()].map((head) => chip(head + 1, head === state.head, () => change({ head }))),
      ]),
      made("p", "text", text),
    ];
  };

  return { paint, show };
};
