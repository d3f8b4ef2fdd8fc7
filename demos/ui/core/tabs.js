// Titles of tabs and pages: arrow keys move along a strip, and the selected title is scrolled into sight.

import { onArrivals } from "./arrivals.js";
import { clamp } from "./keys.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/** @param {KeyboardEvent} event */
function onKey(event) {
  const step = STEPS[/** @type {keyof typeof STEPS} */ (event.key)];
  const tab = event.target instanceof Element ? event.target.closest('.tab-container [role="tab"]') : null;
  if (!step || !tab || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
  const tabs = /** @type {HTMLElement[]} */ ([
    .../** @type {Element} */ (tab.parentElement).querySelectorAll('[role="tab"]:not([disabled])'),
  ]);
  const next = tabs[clamp(tabs.indexOf(/** @type {HTMLElement} */ (tab)) + step, 0, tabs.length - 1)];
  event.preventDefault();
  next.focus();
  next.click();
}

/** @param {Element} tab */
function intoSight(tab) {
  const strip = tab.parentElement;
  if (!strip || strip.scrollWidth <= strip.clientWidth) return;
  const [of, within] = [tab.getBoundingClientRect(), strip.getBoundingClientRect()];
  strip.scrollLeft += of.left + of.width / 2 - (within.left + within.width / 2);
}

export function followTabs() {
  document.addEventListener("keydown", onKey);
  const selected = '.tab-container [role="tab"][aria-selected="true"]';
  new MutationObserver((changes) => {
    for (const { target } of changes)
      if (target instanceof Element && target.matches(selected)) requestAnimationFrame(() => intoSight(target));
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["aria-selected"] });
  onArrivals(selected, (tab) => requestAnimationFrame(() => intoSight(tab)));
}
