// All proposals at once: the best score of any class at every position of the feature map, and which became queries.
const proposalsPanel = ({ part, state, trace, choose }) => {
  let readout = null;

  const cell = (position, width, height) => {
    const { rows, columns } = trace().map;
    const [w, h] = [width / columns, height / rows];
    return [(position % columns) * w, Math.floor(position / columns) * h, w, h];
  };
  const largest = () => trace().map.scores.reduce((most, score) => Math.max(most, score), 1e-9);

  const paint = (context, width, height) => {
    const { map, box } = trace();
    const most = largest();
    map.scores.forEach((score, position) => {
      const [r, g, b] = window.glassbox.sequential(score / most);
      context.fillStyle = `rgba(${r},${g},${b},${0.35 + (0.45 * score) / most})`;
      context.fillRect(...cell(position, width, height));
    });
    for (const position of map.chosen) {
      const [x, y, w, h] = cell(position, width, height);
      context.beginPath();
      context.arc(x + w / 2, y + h / 2, 2.5, 0, 2 * Math.PI);
      context.fillStyle = "#ffffff";
      context.fill();
      context.lineWidth = 1;
      context.strokeStyle = "#0f172a";
      context.stroke();
    }
    const [x, y, w, h] = cell(map.chosen[state.query], width, height);
    strokeCorners(context, [x / width, y / height, (x + w) / width, (y + h) / height], width, height, { color: role("query"), thickness: 3 });
    strokeCorners(context, cornersOf(box(0, state.query)), width, height, { color: role("query"), dash: [6, 4] });
  };

  const positionAt = (x, y) => {
    const { rows, columns } = trace().map;
    const [row, column] = [Math.floor(y * rows), Math.floor(x * columns)];
    return row < 0 || column < 0 || row >= rows || column >= columns ? null : row * columns + column;
  };

  const describe = (position) => {
    const { map, labels } = trace();
    const taken = map.chosen.indexOf(position);
    const owner = taken < 0 ? "no query started here" : `query ${taken} started here`;
    return (
      `Row ${Math.floor(position / map.columns) + 1}, column ${(position % map.columns) + 1}: ` +
      `${labels[map.labels[position]]} ${map.scores[position].toFixed(2)}; ${owner}.`
    );
  };

  const hover = (x, y) => {
    const position = positionAt(x, y);
    if (readout && position !== null) readout.textContent = describe(position);
  };
  const pick = (x, y) => {
    const taken = trace().map.chosen.indexOf(positionAt(x, y));
    if (taken >= 0) choose(taken);
  };

  const scale = () => {
    const line = made("div", "map-scale");
    const ramp = made("canvas", "");
    [ramp.width, ramp.height] = [110, 9];
    const context = ramp.getContext("2d");
    for (let x = 0; x < 110; x++) {
      context.fillStyle = window.glassbox.css(window.glassbox.sequential(x / 109));
      context.fillRect(x, 0, 1, 9);
    }
    line.append(made("span", "", "0"), ramp, made("span", "", `${largest().toFixed(2)}, the highest score of any class`));
    return line;
  };

  const show = () => {
    const { map, queries } = trace();
    readout = made("p", "text", describe(map.chosen[state.query]));
    readout.setAttribute("aria-live", "polite");
    const text =
      `One proposal at each of ${map.rows} x ${map.columns} positions. Dots mark the ${queries} with the highest scores: ` +
      "there the queries start. Click a dot for its query; its proposal is dashed.";
    return [scale(), made("p", "text", text), readout];
  };

  return { paint, show, hover, pick };
};
