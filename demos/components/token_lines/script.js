// Two columns of tokens, who looks (left) and who is looked at (right), joined by lines as strong as the weights.
const tokenLines = (canvas, { onHover, onPick }) => {
  const LINE = 22;
  const FAINTEST = 0.02;
  let drawn = null;

  const show = ({ rows, columns, rowLabels, columnLabels, weights, row }) => {
    const width = Math.min(canvas.parentElement.clientWidth, 460);
    if (!width) return;
    const height = LINE * Math.max(rows, columns) + 4;
    const style = getComputedStyle(canvas);
    const color = (role) => style.getPropertyValue(`--gb-${role}`);
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    const [left, right] = [width * 0.3, width * 0.7];
    const y = (index) => (index + 0.5) * LINE + 2;
    const line = (i, j, weight, strength) => {
      context.globalAlpha = strength * weight;
      context.beginPath();
      context.moveTo(left + 4, y(i));
      context.lineTo(right - 4, y(j));
      context.stroke();
    };
    context.lineWidth = 1.5;
    context.strokeStyle = color("subtle");
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const weight = weights[i * columns + j] / STEPS;
        if (i !== row && weight > FAINTEST) line(i, j, weight, 0.45);
      }
    }
    context.lineWidth = 3;
    context.strokeStyle = color("query");
    for (let j = 0; j < columns; j++) line(row, j, Math.sqrt(weights[row * columns + j] / STEPS), 1);
    context.globalAlpha = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (let i = 0; i < rows; i++) {
      context.font = `${i === row ? "bold " : ""}13px ${style.fontFamily}`;
      context.fillStyle = color("query");
      context.fillText(fitText(context, rowLabels[i], left - 6), left, y(i));
    }
    context.textAlign = "left";
    context.font = `13px ${style.fontFamily}`;
    context.fillStyle = color("key");
    for (let j = 0; j < columns; j++) context.fillText(fitText(context, columnLabels[j], width - right - 6), right, y(j));
    drawn = { rows, left: (left + right) / 2 };
  };

  const place = (event) => {
    const row = Math.floor((event.offsetY - 2) / LINE);
    return drawn && event.offsetX < drawn.left && row >= 0 && row < drawn.rows ? row : null;
  };

  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && onHover(place(event)));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && onHover(null));
  canvas.addEventListener("click", (event) => {
    const row = place(event);
    if (row !== null) onPick(row);
  });
  return { show };
};
