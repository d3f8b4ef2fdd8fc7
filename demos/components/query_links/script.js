// Whom a query attends to: lines to the other queries' boxes, as wide as their weight.
const linksPanel = ({ state, trace, change, choose, redraw }) => {
  const MOST_LINKS = 8;
  const asked = new Map();
  let problem = "";

  const fetchRows = async (run, query) => {
    const key = `${run} ${query}`;
    if (asked.has(key)) return;
    asked.set(key, null);
    const answer = await server.query_rows({ run, query }).catch(() => ({ error: "The server could not be reached." }));
    problem = answer.error || "";
    if (answer.error) asked.delete(key);
    else asked.set(key, floatsOf(answer.weights));
    redraw();
  };

  // The weights of the chosen layer and head (or the mean of the heads); null while they are on their way.
  const weights = () => {
    const { run, queries, selfHeads } = trace();
    const rows = asked.get(`${run} ${state.query}`);
    if (!rows) return null;
    const one = (head) => rows.subarray((state.layer * selfHeads + head) * queries, (state.layer * selfHeads + head + 1) * queries);
    if (state.head !== null) return one(state.head);
    const mean = new Float32Array(queries);
    for (let head = 0; head < selfHeads; head++) one(head).forEach((weight, i) => (mean[i] += weight / selfHeads));
    return mean;
  };

  const strongest = (row) => [...row.keys()].filter((query) => query !== state.query).sort((a, b) => row[b] - row[a]).slice(0, MOST_LINKS);

  const together = (row) => strongest(row).reduce((sum, query) => sum + row[query], 0).toFixed(2);

  const paint = (context, width, height) => {
    const { box } = trace();
    const row = weights();
    const place = (query) => {
      const [x, y] = box(state.layer + 2, query);
      return [x * width, y * height];
    };
    if (row) {
      const others = strongest(row);
      const largest = row[others[0]] || 1;
      for (const query of [...others].reverse()) {
        const share = row[query] / largest;
        strokeCorners(context, cornersOf(box(state.layer + 2, query)), width, height, { color: role("key"), thickness: 1.5, alpha: 0.35 + 0.6 * share });
        for (const [ink, more] of [[role("paper"), 2], [role("key"), 0]]) {
          context.beginPath();
          context.moveTo(...place(state.query));
          context.lineTo(...place(query));
          context.lineWidth = 1 + 5 * share + more;
          context.strokeStyle = ink;
          context.globalAlpha = 0.35 + 0.6 * share;
          context.stroke();
          context.globalAlpha = 1;
        }
      }
      const written = [];
      for (const query of others.slice(0, 4)) {
        const [x, y] = place(query);
        if (written.some(([u, v]) => Math.abs(u - x) < 46 && Math.abs(v - y) < 20)) continue;
        written.push([x, y]);
        writeOn(context, row[query].toFixed(3), x + 4, y - 9, role("key"));
      }
    }
    strokeCorners(context, cornersOf(box(state.layer + 2, state.query)), width, height, { color: role("query"), thickness: 3.5 });
  };

  const name = (query) => {
    const scores = trace().scores(state.layer + 2, query);
    const best = scores.indexOf(Math.max(...scores));
    return `query ${query}, ${trace().labels[best]} ${scores[best].toFixed(2)}`;
  };

  const show = () => {
    const { run, layers, selfHeads } = trace();
    const row = weights();
    if (!row && !problem) fetchRows(run, state.query);
    const text = row
      ? `Self-attention of layer ${state.layer + 1}, ${state.head === null ? "mean of the heads" : `head ${state.head + 1}`}: query ` +
        `${state.query} (blue) takes ${row[state.query].toFixed(2)} from itself and ${together(row)} from these ${MOST_LINKS}; the rest is spread over all others. Boxes are those after this layer.`
      : problem || "…";
    problem = "";
    const others = made("div", "links");
    others.setAttribute("role", "group");
    others.setAttribute("aria-label", "queries it takes most from");
    if (row) others.append(...strongest(row).map((query) => chip(`${row[query].toFixed(3)} ${name(query)}`, false, () => choose(query))));
    return [
      chipRow("layer", [...Array(layers).keys()].map((layer) => chip(layer + 1, layer === state.layer, () => change({ layer })))),
      chipRow("head", [
        chip("mean", state.head === null, () => change({ head: null })),
        ...[...Array(selfHeads).keys()].map((head) => chip(head + 1, head === state.head, () => change({ head }))),
      ]),
      made("p", "text", text),
      others,
    ];
  };

  return { paint, show };
};
