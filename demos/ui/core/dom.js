// Making nodes. Text is always text: no function here reads HTML.

/**
 * An element with attributes and children: `element("button", { type: "button", onclick: act, "aria-pressed": true }, "Play")`.
 * Names with `on` add listeners; `hidden`, `disabled`, `value` and the like are set as properties; null leaves out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, any>} [attributes] @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  setAll(node, attributes);
  node.append(...present(children));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, any>} [attributes] @param {...(Node | string | null)} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  setAll(node, attributes);
  node.append(...present(children));
  return node;
}

/** @param {(Node | string | null)[]} children */
const present = (children) => /** @type {(Node | string)[]} */ (children.filter((child) => child !== null));

/** @param {any} node @param {Record<string, any>} attributes */
function setAll(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (["hidden", "disabled", "checked", "value", "tabIndex"].includes(name)) node[name] = value;
    else node.setAttribute(name, String(value));
  }
}

/** The first match of a selector, which must be there. @param {ParentNode} root @param {string} selector @returns {any} */
export function find(root, selector) {
  const node = root.querySelector(selector);
  if (!node) throw new Error(`no ${selector} in this view`);
  return node;
}

/** Gives a node its text; the same text again costs no layout, another one no new node. @param {Node} node @param {string} text */
export function say(node, text) {
  const only = node.childNodes.length === 1 ? node.firstChild : null;
  if (only?.nodeType !== 3) node.textContent = text;
  else if (only.nodeValue !== text) only.nodeValue = text;
}

/**
 * A small button that is on or off.
 * @param {string} text @param {boolean} pressed @param {(event: MouseEvent) => void} onclick @param {Record<string, any>} [more]
 */
export function chip(text, pressed, onclick, more = {}) {
  return element("button", { type: "button", class: "gb-chip", "aria-pressed": pressed, onclick, ...more }, text);
}

/** A named group of chips. @param {string} name @param {Node[]} chips */
export function chipRow(name, chips) {
  return element(
    "div",
    { class: "gb-chips", role: "group", "aria-label": name },
    element("span", { class: "gb-chips-name" }, name),
    ...chips,
  );
}

/**
 * Rebuilds nodes and gives the focus back to the one in the same place of the same named group.
 * @param {HTMLElement} root @param {() => void} rebuild
 */
export function keepFocus(root, rebuild) {
  const active = document.activeElement;
  const group = active && root.contains(active) ? active.closest("[aria-label]") : null;
  const name = group && group !== active ? group.getAttribute("aria-label") : null;
  const index = name && active ? [...focusable(group)].indexOf(active) : -1;
  rebuild();
  if (!name || !active || root.contains(active)) return;
  const again = [...root.querySelectorAll("[aria-label]")].find((node) => node.getAttribute("aria-label") === name);
  /** @type {HTMLElement | undefined} */ (again && [...focusable(again)][index])?.focus({ preventScroll: true });
}

/** @param {Element | null} root @returns {Iterable<Element>} */
const focusable = (root) => root?.querySelectorAll("button, input, select, [tabindex]") ?? [];

/** Offers a file for saving. @param {Blob | string} content a blob or an address @param {string} name */
export function save(content, name) {
  const href = typeof content === "string" ? content : URL.createObjectURL(content);
  element("a", { href, download: name }).click();
  if (typeof content !== "string") setTimeout(() => URL.revokeObjectURL(href), 10_000);
}
