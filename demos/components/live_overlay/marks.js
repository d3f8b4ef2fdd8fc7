// The counting line and the zone: places as shares of the picture, moved by handles that mouse, finger and keys reach.
const MARKS = {
  line: { name: "Line", points: [[0.1, 0.5], [0.9, 0.5]] },
  zone: { name: "Zone", points: [[0.55, 0.15], [0.95, 0.15], [0.95, 0.85], [0.55, 0.85]] },
};
const KEYS = { ArrowLeft: [-0.02, 0], ArrowRight: [0.02, 0], ArrowUp: [0, -0.02], ArrowDown: [0, 0.02] };
const TRACE_POINTS = 40;
const TRACE_MS = 1500;

function addHandles(screen, kind, points, moved) {
  return points.map((point, index) => {
    const handle = document.createElement("button");
    const place = (x, y) => {
      [point[0], point[1]] = [x, y].map((share) => Math.min(1, Math.max(0, share)));
      [handle.style.left, handle.style.top] = point.map((share) => `${share * 100}%`);
    };
    handle.type = "button";
    handle.className = "handle";
    handle.setAttribute("aria-label", `${MARKS[kind].name}, point ${index + 1}`);
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (!handle.hasPointerCapture(event.pointerId)) return;
      const frame = screen.getBoundingClientRect();
      place((event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height);
      moved(false);
    });
    handle.addEventListener("pointerup", () => moved(true));
    handle.addEventListener("keydown", (event) => {
      if (!KEYS[event.key]) return;
      event.preventDefault();
      place(point[0] + KEYS[event.key][0], point[1] + KEYS[event.key][1]);
      moved(true);
    });
    place(...point);
    screen.append(handle);
    return handle;
  });
}

function paintMarks(context, { line, zone }, width, height) {
  context.strokeStyle = context.fillStyle = role("key");
  context.lineWidth = 3;
  if (zone) {
    context.beginPath();
    zone.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](x * width, y * height));
    context.closePath();
    context.stroke();
    context.globalAlpha = 0.12;
    context.fill();
    context.globalAlpha = 1;
  }
  if (!line) return;
  const [from, to] = line.map(([x, y]) => [x * width, y * height]);
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
  const inwards = [(to[1] - from[1]) / length, (from[0] - to[0]) / length]; // to the left, looking along the line
  const [x, y] = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
  context.beginPath();
  context.moveTo(x + 16 * inwards[0], y + 16 * inwards[1]);
  context.lineTo(x + 7 * inwards[1], y - 7 * inwards[0]);
  context.lineTo(x - 7 * inwards[1], y + 7 * inwards[0]);
  context.fill();
  const label = [x + 28 * inwards[0], y + 28 * inwards[1]];
  context.fillRect(label[0] - 11, label[1] - 9, 22, 18);
  context.fillStyle = role("paper");
  context.font = "600 12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("in", ...label);
  context.textAlign = "start";
}

function extendTraces(traces, boxes, now) {
  for (const { id, box } of boxes) {
    if (id == null) continue;
    const trace = traces.get(id) || { points: [] };
    trace.points.push([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]);
    traces.set(id, { points: trace.points.slice(-TRACE_POINTS), seen: now });
  }
  for (const [id, { seen }] of traces) if (now - seen > TRACE_MS) traces.delete(id);
}

function paintTraces(context, traces, boxes, width, height) {
  context.strokeStyle = role("query");
  context.lineWidth = 2.5;
  for (const { id } of boxes) {
    const points = traces.get(id)?.points || [];
    context.beginPath();
    points.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](x * width, y * height));
    context.stroke();
  }
}
