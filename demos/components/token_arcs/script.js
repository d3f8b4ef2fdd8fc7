// Tokens in one column, arcs between them as strong as the weights: to the left where a token looks back, to the right
// where it looks ahead. For attention of a text to itself.
const tokenArcs = (canvas, { onHover, onPick }) => {
  const LINE = 22;
  const FAINTEST = 0.03;
  let count = 0;

  const show = ({ rowLabels, weights, row }) => {
    const width = Math.min(canvas.parentElement.clientWidth, 460);
    if (!width) return;
    count = rowLabels.length;
    const height = LINE * count + 4;
    const style = getComputedStyle(canvas);
    const color = (role) => style.getPropertyValue(`--gb-${role}`);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const [middle, half] = [width / 2, 46];
    const y = (index) => (index + 0.5) * LINE + 2;
    const arc = (i, j, alpha, thick) => {
      const back = j < i;
      const edge = back ? middle - half : middle + half;
      const reach = (middle - half - 6) * Math.min(1, 0.25 + Math.abs(i - j) / Math.max(8, count * 0.6));
      const bend = back ? edge - reach : edge + reach;
      context.globalAlpha = alpha;
      context.lineWidth = thick;
      context.beginPath();
      context.moveTo(edge, y(i));
      if (i === j) context.arc(middle + half + 5, y(i), 4, 0, 2 * Math.PI);
      else context.bezierCurveTo(bend, y(i), bend, y(j), edge, y(j));
      context.stroke();
    };
    context.strokeStyle = color("subtle");
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        const weight = weights[i * count + j] / STEPS;
        if (i !== row && weight > FAINTEST) arc(i, j, 0.4 * weight, 1.2);
      }
    }
    context.strokeStyle = color("query");
    for (let j = 0; j < count; j++) {
      const weight = weights[row * count + j] / STEPS;
      if (weight > 0.002) arc(row, j, Math.sqrt(weight), 1 + 3 * weight);
    }
    context.globalAlpha = 1;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (let i = 0; i < count; i++) {
      const share = Math.sqrt(weights[row * count + i] / STEPS);
      context.font = `${i === row ? "bold " : ""}13px ${style.fontFamily}`;
      context.fillStyle = i === row ? color("query") : share > 0.3 ? color("key") : color("ink");
      context.fillText(fitText(context, rowLabels[i], 2 * half - 6), middle, y(i));
    }
  };

  const place = (event) => {
    const row = Math.floor((event.offsetY - 2) / LINE);
    return row >= 0 && row < count ? row : null;
  };
  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && onHover(place(event)));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && onHover(null));
  canvas.addEventListener("click", (event) => {
    const row = place(event);
    if (row !== null) onPick(row);
  });
  return { show };
};
