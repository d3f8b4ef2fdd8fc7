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
