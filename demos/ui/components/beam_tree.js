// The tree of a beam search: a column a step, the likeliest beginnings on top, what was dropped below them.

import { element, find, svg } from "../core/dom.js";
import { fixed } from "../core/format.js";
import { readable } from "../pieces/token_strip.js";

/** @typedef {import("../types.js").TreeView} Tree */
/** @typedef {import("../types.js").TreeNode} TreeNode */

const [COLUMN, ROW, WIDTH, HEIGHT] = [140, 32, 114, 26];

export const template = `
<div class="gb-panel bt" data-state="empty">
  <p class="gb-empty">No search yet.</p>
  <div class="bt-body">
    <p class="bt-title"></p>
    <p class="bt-legend"><span class="kept">kept</span><span class="dropped">dropped</span><span class="ended">whole translation</span><span class="best">the winner</span></p>
    <div class="bt-scroll" tabindex="0" role="group" aria-label="Tree of the beam search, one column a token">
      <div class="bt-plane"></div>
    </div>
    <p class="gb-caption bt-readout" aria-live="polite"></p>
  </div>
</div>`;

/** What is written at a node. @param {Pick<TreeNode, "parent" | "word">[]} nodes @param {number} index */
export function textTo(nodes, index) {
  /** @type {string[]} */
  const words = [];
  for (let at = /** @type {number | null} */ (index); at !== null; at = nodes[at].parent) words.unshift(nodes[at].word);
  return words.join("").trim();
}

/** @param {TreeNode} node */
const place = (node) => ({ x: (node.step - 1) * COLUMN + 4, y: node.rank * ROW + 4 });

/** @param {TreeNode} parent @param {TreeNode} node */
function edge(parent, node) {
  const [from, to] = [place(parent), place(node)];
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  const d = `M${x1} ${y1} C${x1 + 14} ${y1} ${x2 - 14} ${y2} ${x2} ${y2}`;
  return svg("path", { d, data: { fate: node.fate, best: node.best } });
}

/** Which lines are drawn first: those of what was dropped below, those of the winner on top. @param {TreeNode} node */
const height = ({ best, fate }) => (best ? 2 : fate === "dropped" ? 0 : 1);

export default class BeamTree {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.root = root;
    this.emit = emit;
  }

  /** @param {Tree | null} value */
  show(value) {
    find(this.root, ".bt").dataset.state = value?.nodes.length ? "full" : "empty";
    if (!value?.nodes.length) return;
    const { nodes, beginning, width } = value;
    const edges = nodes
      .filter((node) => node.parent !== null)
      .sort((one, other) => height(one) - height(other))
      .map((node) => edge(nodes[/** @type {number} */ (node.parent)], node));
    const plane = find(this.root, ".bt-plane");
    plane.style.width = `${Math.max(...nodes.map(({ step }) => step)) * COLUMN}px`;
    plane.style.height = `${(1 + Math.max(...nodes.map(({ rank }) => rank))) * ROW + 6}px`;
    plane.replaceChildren(
      svg("svg", { "aria-hidden": "true" }, ...edges),
      ...nodes.map((node, index) => this.#button(nodes, node, index)),
    );
    const after = beginning ? `after “${beginning}”` : "from the beginning";
    find(this.root, ".bt-title").textContent =
      `Beam of width ${width}, searched ${after}. Each column is one token; the number is the log probability up to there.`;
    find(this.root, ".bt-readout").textContent = "";
  }

  /** @param {TreeNode[]} nodes @param {TreeNode} node @param {number} index */
  #button(nodes, node, index) {
    const { x, y } = place(node);
    const tell = () => {
      find(this.root, ".bt-readout").textContent =
        `${textTo(nodes, index)}: log probability ${fixed(node.total, 2)}, of which ${fixed(node.log, 2)} for the last token. Click to go on from there.`;
    };
    return element(
      "button",
      {
        type: "button",
        class: "bt-node",
        title: `${textTo(nodes, index)} (${fixed(node.total, 2)}, ${node.fate})`,
        data: { fate: node.fate, best: node.best },
        style: { left: `${x}px`, top: `${y}px` },
        onpointerenter: tell,
        onfocus: tell,
        onclick: () => this.emit.adopt({ node: index }),
      },
      element("span", { lang: "fr" }, readable(node.word)),
      element("i", {}, fixed(node.total, 2)),
    );
  }
}
