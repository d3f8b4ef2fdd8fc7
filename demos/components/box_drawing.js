// Shared by box_figure and live_overlay: boxes with label and confidence on a canvas. Coordinates are shares (0..1).
const role = (name) => getComputedStyle(element).getPropertyValue(`--gb-${name}`).trim();
const currentThreshold = () => window.glassbox.detectionThreshold ?? 0.5;
const above = (candidates) => candidates.filter((candidate) => candidate.score > currentThreshold());

function fit(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.globalAlpha = 1;
  context.setLineDash([]);
  return context;
}

function rectangle(context, [left, top, right, bottom], width, height) {
  context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
}

function paintBoxes(context, candidates, width, height, faded = () => false) {
  const [ink, paper] = [role("prediction"), role("paper")];
  const size = width < 420 ? 10 : 13;
  context.font = `600 ${size}px system-ui, sans-serif`;
  context.textBaseline = "middle";
  for (const candidate of [...candidates].reverse()) {
    context.globalAlpha = faded(candidate) ? 0.25 : 1;
    for (const [color, thickness] of [[paper, 5], [ink, 2.5]]) {
      context.strokeStyle = color;
      context.lineWidth = thickness;
      rectangle(context, candidate.box, width, height);
    }
    const id = candidate.id == null ? "" : `#${candidate.id} `;
    const text = `${id}${candidate.label} ${candidate.score.toFixed(2)}`;
    const room = context.measureText(text).width + size * 0.8;
    const x = Math.max(0, Math.min(candidate.box[0] * width, width - room));
    const y = Math.max(0, candidate.box[1] * height - size * 1.5);
    context.fillStyle = ink;
    context.fillRect(x, y, room, size * 1.5);
    context.fillStyle = paper;
    context.fillText(text, x + size * 0.4, y + size * 0.8);
  }
  context.globalAlpha = 1;
}
