const part = (name) => element.querySelector(`.${name}`);
const lines = lineChart(part("lc-frame"), part("lc-legend"));
part("ch-empty").textContent = props.empty;

function receive() {
  const value = props.value?.series ? props.value : null;
  part("ch").dataset.state = value ? "full" : "empty";
  if (!value) return;
  part("ch-title").textContent = value.y;
  lines.show({ ...value, format: value.unit ? (v) => `${Number(v.toPrecision(3))} ${value.unit}` : undefined });
}
watch("value", () => requestAnimationFrame(receive));
receive();
