// Arrow keys, the same everywhere.

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Tells of arrow keys on a node that can have the focus: `act(across, down)`, each -1, 0 or 1. Home and End give
 * -Infinity and Infinity across.
 * @param {HTMLElement} node @param {(across: number, down: number) => void} act
 */
export function onArrows(node, act) {
  node.addEventListener("keydown", (event) => {
    const move =
      ARROWS[event.key] ?? (event.key === "Home" ? [-Infinity, 0] : event.key === "End" ? [Infinity, 0] : null);
    if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    act(move[0], move[1]);
  });
}

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Enter and space act as a click on a node that is no button. @param {HTMLElement} node @param {() => void} act */
export function onPress(node, act) {
  node.addEventListener("click", act);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  });
}

/**
 * Cells that are pointed at and picked, by keyboard too: arrow keys move over them, Enter and space pick.
 * @param {HTMLElement} node
 * @param {object} act
 * @param {string} act.name  what it shows, for whoever does not see it
 * @param {() => [number, number]} act.size  rows and columns now
 * @param {(row: number, column: number) => void} act.over
 * @param {(row: number, column: number) => void} [act.pick]
 * @param {() => void} [act.away]  the focus has gone
 */
export function onCells(node, { name, size, over, pick = () => {}, away = () => {} }) {
  let [row, column] = [0, 0];
  node.tabIndex = 0;
  node.setAttribute("role", node instanceof HTMLCanvasElement ? "img" : "group");
  node.setAttribute("aria-label", name);
  onArrows(node, (across, down) => {
    const [rows, columns] = size();
    if (!rows || !columns) return;
    [row, column] = [clamp(row + down, 0, rows - 1), clamp(column + across, 0, columns - 1)];
    over(row, column);
  });
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    pick(row, column);
  });
  node.addEventListener("blur", away);
}
