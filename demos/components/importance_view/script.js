const part = (name) => element.querySelector(`.${name}`);
const made = (name, className, text) => Object.assign(document.createElement(name), { className, textContent: text ?? "" });
const named = (token, index) => `\u201c${token.trim() || "space"}\u201d (${index + 1})`;
const SIGNED = ["gradient", "left_out"];
const UNITS = { attention: "of the attention", rollout: "of the attention", gradient: "nats per doubling, to first order", left_out: "nats lost without it" };
const number = (value) => {
  if (value === null) return "\u2013";
  const text = value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(0) : String(Number(value.toPrecision(3)));
  return text.replaceAll("-", "\u2212");
};

let question = null;
let position = 0;
const strip = tokenStrip(part("im-places"), { onHover: () => undefined, onPick: choose });

function choose(index) {
  position = index;
  strip.shade(null, index);
  const words = question.predicts === "written" ? "why it writes" : question.predicts === "masked" ? "why it says" : `why after ${named(question.places[index], index)} comes`;
  part("im-what").textContent = words;
  part("im-token").replaceChildren(
    ...question.choices[index].map(([id, word, p]) => Object.assign(made("option", "", `${word.trim() || JSON.stringify(word)}  ${(100 * p).toFixed(1)} %`), { value: id })),
  );
}

function drawAnswer(answer) {
  part("im-answer").hidden = !answer;
  if (!answer) return;
  const place = question.predicts === "next" ? `after ${named(question.places[answer.position], answer.position)}` : `at place ${answer.position + 1}`;
  part("im-heading").textContent = `\u201c${answer.word.trim() || "space"}\u201d ${place}, probability ${(100 * answer.probability).toFixed(1)} %`;
  part("im-readout").textContent = "Point at a bar for its number.";
  const cells = [made("b", "", "token"), ...answer.columns.map(({ title }) => made("b", "", title))];
  const most = answer.columns.map(({ values }) => Math.max(1e-12, ...values.map((value) => Math.abs(value ?? 0))));
  answer.tokens.forEach((token, s) => {
    if (answer.columns.every(({ values }) => values[s] === null)) return;
    const name = made("span", "im-name", token.trim() || "\u2423");
    name.title = named(token, s);
    cells.push(name);
    answer.columns.forEach((column, c) => {
      const value = column.values[s];
      const cell = made("div", "im-cell");
      cell.tabIndex = 0;
      const bar = made("i", SIGNED.includes(column.name) ? (value < 0 ? "im-minus" : "im-plus") : "im-share");
      bar.style.width = `${(100 * Math.abs(value ?? 0)) / most[c]}%`;
      bar.style.visibility = value === null ? "hidden" : "visible";
      cell.append(bar, made("span", "", number(value)));
      const tell = () => {
        part("im-readout").textContent = `${named(token, s)}, ${column.title}: ${value === null ? "no answer" : `${number(value)} ${UNITS[column.name]}`}`;
      };
      for (const event of ["pointerenter", "focus", "click"]) cell.addEventListener(event, tell);
      cells.push(cell);
    });
  });
  part("im-table").replaceChildren(...cells);
  const titles = Object.fromEntries(answer.columns.map(({ name, title }) => [name, title]));
  part("im-agreement").replaceChildren(
    ...answer.agreement.map(([a, b, value]) => {
      const row = made("div", "im-pair");
      const gauge = made("div", "im-gauge");
      const fill = made("i", value < 0 ? "im-minus" : "im-share");
      const width = 50 * Math.abs(value ?? 0);
      Object.assign(fill.style, { left: `${value < 0 ? 50 - width : 50}%`, width: `${width}%` });
      gauge.append(fill);
      row.append(made("span", "", `${titles[a]} / ${titles[b]}`), gauge, made("span", "", value === null ? "\u2013" : value.toFixed(2).replace("-", "\u2212")));
      return row;
    }),
  );
  part("im-sentences").replaceChildren(...answer.sentences.map((sentence) => made("p", "", sentence)));
}

part("im-ask").addEventListener("click", () => question && trigger("ask", { position, token: Number(part("im-token").value) }));

function receive() {
  const value = props.value?.question ? props.value : null;
  const ready = value && value.question.places.length > 0;
  part("im").dataset.state = ready ? "full" : "empty";
  if (value && !ready) part("im-empty").textContent = value.question.nothing;
  if (!ready) return;
  const asked = value.answer;
  question = value.question;
  part("im-which").textContent = question.predicts === "written" ? "Which written token?" : question.predicts === "masked" ? "The prediction for which token?" : "The prediction after which token?";
  strip.show(question.places);
  choose(asked ? asked.position : question.first);
  if (asked && [...part("im-token").options].some(({ value: id }) => Number(id) === asked.token)) part("im-token").value = asked.token;
  drawAnswer(asked);
}
watch("value", () => requestAnimationFrame(receive));
receive();
