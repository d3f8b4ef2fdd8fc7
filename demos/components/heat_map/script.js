// One map of weights, rows x columns, with its labels where there is room for them.
// Weights are whole steps in 0..65535; colour grows with the square root of the weight.
const STEPS = 65535;

const heatColors = (() => {
  let table = null;
  return () => {
    if (!table) {
      table = new Uint32Array(257);
      for (let i = 0; i <= 256; i++) {
        const [r, g, b] = window.glassbox.sequential(i / 256);
        table[i] = (255 << 24) | (b << 16) | (g << 8) | r;
      }
    }
    return table;
  };
})();

const heatImage = (weights, rows, columns) => {
  const table = heatColors();
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = table[Math.round(256 * Math.sqrt(weights[i] / STEPS))];
  return image;
};

const paintSmall = (canvas, weights, rows, columns) => {
  canvas.width = columns;
  canvas.height = rows;
  canvas.getContext("2d").putImageData(heatImage(weights, rows, columns), 0, 0);
  canvas.style.imageRendering = Math.max(rows, columns) > 40 ? "auto" : "pixelated";
};

const fitText = (context, text, width) => {
  let short = text;
  while (short.length > 1 && context.measureText(short).width > width) short = `${short.slice(0, -2)}…`;
  return short;
};

const heatMap = (canvas, { onHover, onPick }) => {
  const MIN_LABEL = 10;
  const MAX_SIDE = 620;
  const off = document.createElement("canvas");
  let drawn = null;

  const show = (map) => {
    const { rows, columns, rowLabels, columnLabels, weights, row, column = null } = map;
    const width = canvas.parentElement.clientWidth;
    if (!width) return;
    const wide = Math.min(width, MAX_SIDE);
    const guess = Math.min((wide - 84 - 24) / columns, 46);
    const left = guess >= MIN_LABEL ? 84 : 2;
    const size = left > 2 ? guess : Math.min((wide - 4) / columns, 46);
    const rowSize = Math.min(size, 46);
    const top = left > 2 ? 74 : 2;
    const style = getComputedStyle(canvas);
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [left + size * columns + (left > 2 ? 24 : 2), top + rowSize * rows + 2];
    canvas.width = Math.round(w * ratio);
    canvas.height = Math.round(h * ratio);
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    off.width = columns;
    off.height = rows;
    off.getContext("2d").putImageData(heatImage(weights, rows, columns), 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(off, left, top, size * columns, rowSize * rows);
    if (left > 2) {
      context.font = `${Math.min(13, Math.max(9, size - 2))}px ${style.fontFamily}`;
      context.fillStyle = style.getPropertyValue("--gb-query");
      context.textAlign = "right";
      context.textBaseline = "middle";
      for (let i = 0; i < rows; i++) context.fillText(fitText(context, rowLabels[i], left - 8), left - 5, top + (i + 0.5) * rowSize);
      context.fillStyle = style.getPropertyValue("--gb-key");
      context.textAlign = "left";
      for (let j = 0; j < columns; j++) {
        context.save();
        context.translate(left + (j + 0.5) * size, top - 5);
        context.rotate(-Math.PI / 3);
        context.fillText(fitText(context, columnLabels[j], top - 4), 0, 0);
        context.restore();
      }
    }
    if (row !== null) {
      context.strokeStyle = style.getPropertyValue("--gb-query");
      context.lineWidth = 2;
      context.strokeRect(left - 1, top + row * rowSize - 1, size * columns + 2, rowSize + 2);
    }
    if (column !== null) {
      context.strokeStyle = style.getPropertyValue("--gb-key");
      context.lineWidth = 2;
      context.strokeRect(left + column * size - 1, top - 1, size + 2, rowSize * rows + 2);
    }
    drawn = { left, top, size, rowSize, rows, columns };
  };

  const place = (event) => {
    if (!drawn) return null;
    const column = Math.floor((event.offsetX - drawn.left) / drawn.size);
    const row = Math.floor((event.offsetY - drawn.top) / drawn.rowSize);
    if (row < 0 || row >= drawn.rows || column >= drawn.columns) return null;
    return { row, column: Math.max(0, column) };
  };

  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && onHover(place(event)));
  canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && onHover(null));
  canvas.addEventListener("click", (event) => {
    const at = place(event);
    if (at) onPick(at);
  });
  return { show };
};
