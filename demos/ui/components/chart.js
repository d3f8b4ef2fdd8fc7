// Lines over one axis. Value: a Chart of core/chart.js; `unit` is written behind the values of the legend.

import { LineChart } from "../core/chart.js";
import { find } from "../core/dom.js";

export const template = `
<div class="gb-panel ch" data-state="empty">
  <p class="gb-empty"></p>
  <div class="ch-title"></div>
  <div class="ch-legend"></div>
  <div class="ch-frame"></div>
</div>`;

export default class ChartView {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props }) {
    this.root = root;
    this.lines = new LineChart(find(root, ".ch-frame"), find(root, ".ch-legend"));
    find(root, ".gb-empty").textContent = props.empty;
  }

  /** @param {import("../core/chart.js").Chart & { unit?: string } | null} value */
  show(value) {
    find(this.root, ".ch").dataset.state = value ? "full" : "empty";
    if (!value) return;
    find(this.root, ".ch-title").textContent = value.y;
    const { unit } = value;
    this.lines.show({ ...value, format: unit ? (y) => `${Number(y.toPrecision(3))} ${unit}` : undefined });
  }
}
