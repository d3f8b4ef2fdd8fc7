// Tells of elements that come onto the page, before they are painted, so that nothing has to look for them by the clock.

/** @type {[selector: string, act: (node: HTMLElement) => void][]} */
const wishes = [];
/** @type {Set<Element>} */
let arrived = new Set();

/** Acts on every element that matches, those that are there and those that come. @param {string} selector @param {(node: HTMLElement) => void} act */
export function onArrivals(selector, act) {
  if (!wishes.length) new MutationObserver(note).observe(document.body, { childList: true, subtree: true });
  wishes.push([selector, act]);
  for (const node of document.querySelectorAll(selector)) act(/** @type {HTMLElement} */ (node));
}

/** @param {MutationRecord[]} changes */
function note(changes) {
  if (!arrived.size) requestAnimationFrame(tell);
  for (const { addedNodes } of changes) for (const node of addedNodes) if (node instanceof Element) arrived.add(node);
}

function tell() {
  const nodes = arrived;
  arrived = new Set();
  for (const [selector, act] of wishes) for (const node of found(nodes, selector)) act(node);
}

/** Each element once that matches among these and what is in them. @param {Set<Element>} nodes @param {string} selector */
export function found(nodes, selector) {
  /** @type {Set<HTMLElement>} */
  const all = new Set();
  for (const node of nodes) {
    if (!node.isConnected) continue;
    if (node.matches(selector)) all.add(/** @type {HTMLElement} */ (node));
    for (const inner of node.querySelectorAll(selector)) all.add(/** @type {HTMLElement} */ (inner));
  }
  return all;
}
