// Lines over one axis: `show({ series: [{ name, color, dash, points: [[x, y], ...] }], x, y, log, logx, dots, low, high,
// marks, format })`. `logx` makes the axis of x logarithmic (x > 0), `dots` shows every point of an undotted line.
// Colours are names of roles (`memory`, `key` ...); every line also has its own dash, so that nobody depends on hue.
// `low` and `high` fix the range (as powers of ten where `log`): values outside are drawn at its edge. `marks` are
// vertical lines with a word, [[x, text], ...]. The legend shows the values under the pointer, else the last ones.
// `cloud`: dots that belong to no line, [[x, y, name], ...]; the one nearest to the pointer, or reached by arrow keys, is
// named in the legend; `cloudNote` stands there before.
const lineChart = (frame, legend) => {
  const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [240, 46, 12, 10, 36];
  const PIXELS_PER_TICK = 70;
  const svgTag = "http://www.w3.org/2000/svg";
  const tag = (name, attributes, text) => {
    const node = document.createElementNS(svgTag, name);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    if (text !== undefined) node.textContent = text;
    return node;
  };
  let chart = null;
  let pointerX = null;
  let named = null; // index of a dot of the cloud
  let locate = null; // place of a dot in the drawing
  let width = 640; // of the drawing, in the units of CSS, so that letters keep their size on a phone

  const short = (value) => {
    if (value !== 0 && (Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3)) return value.toExponential(0).replace("e+", "e").replace("-", "\u2212");
    return String(Number(value.toPrecision(3))).replace("-", "\u2212");
  };
  const ticks = (low, high, count) => {
    const raw = (high - low) / count || 1;
    const unit = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= 0.75 * raw);
    const first = Math.ceil(low / step) * step;
    return Array.from({ length: Math.floor((high - first) / step + 1e-6) + 1 }, (_, i) => Number((first + i * step).toPrecision(12)));
  };
  const powers = (low, high) => {
    const step = Math.max(1, Math.ceil((high - low) / 5));
    const first = Math.ceil(low / step) * step;
    return Array.from({ length: Math.max(0, Math.floor((high - first) / step) + 1) }, (_, i) => 10 ** (first + i * step));
  };
  const doublings = (low, high, count) => {
    const [first, last] = [Math.ceil(Math.log2(low) - 1e-6), Math.floor(Math.log2(high) + 1e-6)];
    const step = Math.max(1, Math.ceil((last - first) / count));
    return Array.from({ length: Math.max(0, Math.floor((last - first) / step) + 1) }, (_, i) => 2 ** (first + i * step));
  };
  const along = (x) => (chart.logx ? Math.log2(x) : x);
  const place = (value) => (chart.log ? Math.log10(Math.max(value, 1e-12)) : value);

  const ranges = () => {
    const points = [...chart.series.flatMap((s) => s.points), ...(chart.cloud || [])].filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => place(y));
    const [low, high] = [chart.low ?? Math.min(...ys), chart.high ?? Math.max(...ys)];
    return { points, xLow: Math.min(...xs), xHigh: Math.max(...xs), yLow: low, yHigh: high === low ? low + 1 : high };
  };

  const draw = () => {
    const { points, xLow, xHigh, yLow, yHigh } = ranges();
    if (!points.length) return frame.replaceChildren();
    const span = along(xHigh) - along(xLow);
    const px = (x) => LEFT + ((along(x) - along(xLow)) / (span || 1)) * (width - LEFT - RIGHT);
    const height = (y) => Math.min(1, Math.max(0, (place(y) - yLow) / (yHigh - yLow)));
    const py = (y) => HEIGHT - BOTTOM - height(y) * (HEIGHT - TOP - BOTTOM);
    const svg = tag("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": `${chart.y} over ${chart.x}` });
    const levels = chart.log ? powers(yLow, yHigh) : ticks(yLow, yHigh, 4);
    levels.forEach((value) => {
      svg.append(tag("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: py(value), y2: py(value) }));
      svg.append(tag("text", { class: "axis", x: LEFT - 6, y: py(value) + 4, "text-anchor": "end" }, short(value)));
    });
    const room = Math.min(6, Math.max(4, Math.floor(width / PIXELS_PER_TICK)));
    (chart.logx ? doublings(xLow, xHigh, room) : ticks(xLow, xHigh, room)).forEach((value) => {
      svg.append(tag("text", { class: "axis", x: px(value), y: HEIGHT - BOTTOM + 15, "text-anchor": "middle" }, chart.logx ? value : short(value)));
    });
    svg.append(tag("text", { class: "axis", x: width - RIGHT, y: HEIGHT - 4, "text-anchor": "end" }, chart.x));
    svg.append(...(chart.marks || []).flatMap(([x, text], i) => drawMark(px(x), text, i)));
    chart.series.forEach(({ color, dash, points: own }) => {
      const path = own.filter(([, y]) => Number.isFinite(y)).map(([x, y]) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`).join(" ");
      const style = { stroke: `var(--gb-${color})`, "stroke-dasharray": dash || "none" };
      svg.append(tag("polyline", { class: "line", points: path, ...style }));
      const dots = own.length === 1 || (chart.dots && own.length < 30) ? own : [];
      svg.append(...dots.map(([x, y]) => tag("circle", { cx: px(x), cy: py(y), r: 3, fill: `var(--gb-${color})` })));
    });
    locate = ([x, y]) => [px(x), py(y)];
    svg.append(...(chart.cloud || []).map(drawDot));
    const share = ((pointerX ?? 0) * width - LEFT) / (width - LEFT - RIGHT);
    const at = pointerX === null ? null : chart.logx ? xLow * 2 ** (share * span) : xLow + share * span;
    const inside = at !== null && at >= xLow && at <= xHigh;
    if (inside) svg.append(tag("line", { class: "cursor", x1: px(at), x2: px(at), y1: TOP, y2: HEIGHT - BOTTOM }));
    frame.replaceChildren(svg);
    drawLegend(inside ? at : null);
  };

  const drawDot = (dot, index) => {
    const [cx, cy] = locate(dot);
    return tag("circle", { class: index === named ? "dot named" : "dot", cx, cy, r: index === named ? 5 : 3 });
  };

  const nearestDot = (event, box) => {
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const far = (chart.cloud || []).map((dot) => Math.hypot(locate(dot)[0] - x, locate(dot)[1] - y));
    return far.length ? far.indexOf(Math.min(...far)) : null;
  };

  const drawMark = (x, text, index) => {
    const right = x > width - 130;
    const label = { class: "mark-text", x: x + (right ? -4 : 4), y: TOP + 12 + 14 * (index % 4), "text-anchor": right ? "end" : "start" };
    return [tag("line", { class: "mark", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }), tag("text", label, text)];
  };

  const drawLegend = (at) => {
    const dot = chart.cloud?.[named];
    const about = chart.cloud ? [document.createElement("b")] : [];
    about.forEach((node) => (node.textContent = dot ? `${dot[2]}: ${(chart.format || short)(dot[1])}` : chart.cloudNote));
    legend.replaceChildren(
      ...about,
      ...chart.series.map(({ name, color, dash, points }) => {
        const entry = document.createElement("span");
        const sample = tag("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" });
        sample.append(tag("line", { x1: 0, x2: 26, y1: 4, y2: 4, stroke: `var(--gb-${color})`, "stroke-width": 2.5, "stroke-dasharray": dash || "none" }));
        const nearest = points.reduce((best, p) => (at === null || !best || Math.abs(p[0] - at) <= Math.abs(best[0] - at) ? p : best), null);
        const value = nearest ? `${name}: ${(chart.format || short)(nearest[1])}` : name;
        entry.append(sample, document.createTextNode(value));
        entry.title = nearest ? `${chart.x} ${short(nearest[0])}` : "";
        return entry;
      }),
    );
  };

  frame.addEventListener("pointermove", (event) => {
    const box = frame.getBoundingClientRect();
    pointerX = (event.clientX - box.left) / box.width;
    if (chart) {
      named = nearestDot(event, box);
      draw();
    }
  });
  frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !chart?.cloud) return;
    event.preventDefault();
    named = named === null ? 0 : Math.min(chart.cloud.length - 1, Math.max(0, named + step));
    draw();
  });
  frame.addEventListener("pointerleave", () => {
    [pointerX, named] = [null, null];
    if (chart) draw();
  });
  new ResizeObserver(() => {
    if (!frame.clientWidth || frame.clientWidth === width) return;
    width = frame.clientWidth;
    if (chart) draw();
  }).observe(frame);
  return {
    show: (value) => {
      chart = value;
      named = null;
      if (value.cloud) frame.tabIndex = 0;
      draw();
    },
  };
};
