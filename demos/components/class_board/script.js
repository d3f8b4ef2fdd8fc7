const root = element.querySelector(".class-board");
const part = (name) => root.querySelector(name);
const [loss, accuracy] = [...root.querySelectorAll(".cb-charts section")].map((section) => lineChart(section.querySelector(".lc-frame"), section.querySelector(".lc-legend")));
let value = null;
let run = "";
let ended = ""; // the run whose verdicts were drawn last
let follow = true;

function receive() {
  value = props.value?.reports?.length ? props.value : null;
  root.dataset.state = value ? "full" : "empty";
  if (!value) return;
  if (value.run !== run) [run, follow] = [value.run, true];
  const points = (name, scale = 1) => value.reports.map((report) => [report.step, report[name] * scale]);
  const marks = value.unfrozen === null ? [] : [[value.unfrozen, "blocks learn too"]];
  loss.show({ series: [{ name: "pictures learned from", color: "memory", dash: "", points: points("loss") }], x: "steps", y: "loss", low: 0, marks });
  accuracy.show({
    series: [
      { name: "learned from", color: "memory", dash: "", points: points("accuracy", 100) },
      { name: "held out", color: "prediction", dash: "7 3", points: points("heldOut", 100) },
    ],
    ...{ x: "steps", y: "accuracy", low: 0, high: 100, marks, format: (share) => `${share.toFixed(0)} %` },
  });
  const slider = part(".cb-slide input");
  slider.max = value.reports.length - 1;
  if (follow) slider.value = slider.max;
  confusion();
  verdicts();
}

function cell(tag, text, properties = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...properties });
}

function confusion() {
  const slider = part(".cb-slide input");
  const report = value.reports[Number(slider.value)];
  const total = report.confusion.flat().reduce((a, b) => a + b, 0);
  const right = report.confusion.reduce((sum, row, i) => sum + row[i], 0);
  part(".cb-when").textContent = `step ${report.step}: ${right} of ${total} right (${((100 * right) / total).toFixed(0)} %)`;
  const head = document.createElement("tr");
  head.append(cell("th", ""), ...value.labels.map((label) => cell("th", label, { title: label, scope: "col" })));
  const rows = report.confusion.map((counts, i) => {
    const sum = counts.reduce((a, b) => a + b, 0);
    const row = document.createElement("tr");
    row.append(
      cell("th", value.labels[i], { title: value.labels[i], scope: "row" }),
      ...counts.map((count, j) => {
        const td = cell("td", count || "", { className: !count ? "" : i === j ? "is-right" : "is-wrong" });
        td.title = `${count} of ${sum} pictures of ${value.labels[i]} taken for ${value.labels[j]}`;
        td.style.setProperty("--share", sum ? count / sum : 0);
        return td;
      }),
    );
    return row;
  });
  part("table").replaceChildren(head, ...rows);
  part(".cb-confusion .cb-note").textContent = report.phase === "head" ? value.protocol : value.blocksProtocol;
}

function verdict(name, [label, probability], truth) {
  const shown = cell("dd", `${label} ${(100 * probability).toFixed(0)} %`, { title: label });
  if (truth !== null) shown.className = label === truth ? "is-right" : "is-wrong";
  if (truth !== null) shown.append(label === truth ? " ✓" : " ✗");
  return [cell("dt", name), shown];
}

function verdicts() {
  part(".cb-verdicts").hidden = !value.verdicts;
  if (!value.verdicts) return;
  if (ended !== value.run) root.dataset.ended = Number(root.dataset.ended || 0) + 1;
  ended = value.run;
  const cards = value.verdicts.map(({ picture, truth, before, head, blocks }) => {
    const facts = document.createElement("dl");
    facts.append(cell("dt", "it is"), cell("dd", truth, { title: truth }));
    if (before) facts.append(...verdict("before", before, null));
    facts.append(...verdict(blocks ? "head" : "after", head, truth));
    if (blocks) facts.append(...verdict("blocks", blocks, truth));
    const card = cell("div", "", { className: "cb-card" });
    card.append(Object.assign(document.createElement("img"), { src: picture, alt: `a picture of ${truth}` }), facts);
    return card;
  });
  part(".cb-cards").replaceChildren(...cards);
  part(".cb-more").textContent = value.more;
}

part(".cb-slide input").addEventListener("input", ({ target }) => {
  follow = Number(target.value) === Number(target.max);
  confusion();
});
watch("value", () => requestAnimationFrame(receive));
receive();
