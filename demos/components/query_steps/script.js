// A query's way: proposal, reference box, and the box and scores after each decoder layer, with the arithmetic.
const MOST_BARS = 30;
const STEP_MS = 700;

function classBars(trace, stage, query) {
  const scores = trace.scores(stage, query);
  const box = made("div", "");
  if (!scores) {
    box.append(made("p", "text", "A reference box is only a place: it has no scores of its own."));
    return box;
  }
  const order = [...scores.keys()];
  const best = order.reduce((a, b) => (scores[b] > scores[a] ? b : a));
  const listed = order.length > MOST_BARS ? order.sort((a, b) => scores[b] - scores[a]).slice(0, MOST_BARS) : order;
  const many = listed.length < scores.length ? ` (the ${MOST_BARS} highest of ${scores.length})` : "";
  box.append(made("p", "bars-name", `Score of every class after ${trace.stages[stage]}${many}; each is asked for on its own, they need not sum to 1`));
  const bars = made("div", "bars");
  for (const label of listed) {
    const line = made("div", label === best ? "best" : "");
    const [track, fill] = [made("span", "track"), made("div", "fill")];
    fill.style.width = `${100 * scores[label]}%`;
    track.append(fill);
    line.append(made("span", "name", trace.labels[label]), track, made("span", "value", scores[label].toFixed(2)));
    bars.append(line);
  }
  box.append(bars);
  return box;
}

const stepsPanel = ({ state, trace, change }) => {
  let playing = null;

  const stop = () => {
    clearInterval(playing);
    playing = null;
  };

  const play = () => {
    if (playing) {
      stop();
      return change({});
    }
    playing = setInterval(() => {
      if (state.view !== "layer by layer" || state.stage >= trace().stages.length - 1) stop();
      else return change({ stage: state.stage + 1 });
      change({});
    }, STEP_MS);
    change({ stage: 0 });
  };

  const paint = (context, width, height) => {
    const { stages, box } = trace();
    for (let before = 0; before < state.stage; before++) {
      strokeCorners(context, cornersOf(box(before, state.query)), width, height, { color: role("query"), dash: [5, 4], thickness: 1.5, alpha: 0.75 });
    }
    const corners = cornersOf(box(state.stage, state.query));
    const color = role(state.stage < 2 ? "query" : "prediction");
    strokeCorners(context, corners, width, height, { color, thickness: 3.5 });
    writeOn(context, `${stages[state.stage]}${said()}`, corners[0] * width, corners[1] * height - 20, color);
  };

  const said = () => {
    const scores = trace().scores(state.stage, state.query);
    if (!scores) return "";
    const best = scores.indexOf(Math.max(...scores));
    return `: ${trace().labels[best]} ${scores[best].toFixed(2)}`;
  };

  // x and y move by shares of the box, width and height by a factor.
  const decode = () => {
    const { stages, box, move, width, height } = trace();
    if (state.stage === 0) return [];
    const base = state.stage === 1 ? 0 : 1;
    const [from, delta, result] = [box(base, state.query), move(state.stage, state.query), box(state.stage, state.query)];
    const number = (value) => value.toFixed(4).replace("-", "−");
    const signed = (value) => (value < 0 ? `− ${number(-value)}` : `+ ${number(value)}`);
    const table = made("table", "decode");
    const head = document.createElement("tr");
    head.append(...["", stages[base], "moved by the delta", "box", "in pixels"].map((name) => made("th", "", name)));
    table.append(head);
    ["x", "y", "width", "height"].forEach((name, i) => {
      const how = i < 2 ? `${signed(delta[i])} × ${number(from[i + 2])}` : `× e^${number(delta[i])}`;
      const line = document.createElement("tr");
      line.append(
        made("th", "", name),
        made("td", "from", number(from[i])),
        made("td", "", how),
        made("td", "result", `= ${number(result[i])}`),
        made("td", "", (result[i] * (i % 2 ? height : width)).toFixed(1)),
      );
      table.append(line);
    });
    const frame = made("div", "scroll");
    frame.append(table);
    return [frame];
  };

  const story = () => {
    const { stages, map, queries } = trace();
    const place = map.chosen[state.query];
    if (state.stage === 0) {
      return (
        `The proposal: predicted at row ${Math.floor(place / map.columns) + 1}, column ${(place % map.columns) + 1} of the ` +
        `${map.rows} x ${map.columns} feature map. By its best score it is number ${state.query + 1} of ` +
        `${map.scores.length}; the first ${queries} become the queries' starts, in this order.`
      );
    }
    if (state.stage === 1) {
      return (
        `The reference box: the proposal, moved a little by four numbers that query ${state.query} has learned and adds ` +
        "to every picture's proposal. It stays the same in all decoder layers."
      );
    }
    return `After ${stages[state.stage]}: the box is the reference moved by four numbers that the box head reads off the query.`;
  };

  const show = () => {
    const { stages } = trace();
    const chips = stages.map((name, stage) => chip(name, stage === state.stage, () => { stop(); change({ stage }); }));
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) chips.push(chip(playing ? "stop" : "play", false, play));
    const columns = made("div", "steps-columns");
    const left = made("div", "");
    left.append(made("p", "text", story()), ...decode());
    columns.append(left, classBars(trace(), state.stage, state.query));
    return [chipRow("stage", chips), columns];
  };

  return { paint, show };
};
