// What a visitor chooses once for all pages: large type, signs without colour, language. Kept in this browser only; the
// head of the page (demos/page_head.py) sets them before anything is drawn.

/** @param {string} name @param {string} value an empty one is forgotten */
function keep(name, value) {
  try {
    if (value) localStorage.setItem(`glassbox-${name}`, value);
    else localStorage.removeItem(`glassbox-${name}`);
  } catch {
    // a browser that keeps nothing: the choice lasts as long as the page
  }
}

/** @param {HTMLInputElement} box */
function switched(box) {
  const [name, value] = [box.name, box.checked ? box.value : ""];
  if (value) document.documentElement.dataset[name] = value;
  else delete document.documentElement.dataset[name];
  keep(name, value);
  document.body.classList.toggle("gb-redrawn"); // canvases are drawn anew, as when the page turns dark
}

/** @param {Event} event */
function onChange({ target }) {
  if (!(target instanceof HTMLElement) || !target.closest(".gb-display")) return;
  if (target instanceof HTMLInputElement) switched(target);
  if (target instanceof HTMLSelectElement) {
    keep("language", target.value);
    location.reload();
  }
}

/** Shows the choices in the page's controls, which Gradio may draw at any time. */
function showChoices() {
  for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll(".gb-display input")))
    box.checked = document.documentElement.dataset[box.name] === box.value;
  for (const list of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll(".gb-display select")))
    list.value = document.documentElement.lang;
}

/** The first stop of the keyboard: over titles and settings to the page. @param {MouseEvent} event */
function onSkip(event) {
  if (!(event.target instanceof Element) || !event.target.closest(".gb-skip")) return;
  event.preventDefault();
  const panels = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[role="tabpanel"]')]);
  const page = panels.filter((panel) => panel.offsetParent).at(-1);
  if (!page) return;
  page.tabIndex = -1;
  page.focus();
}

export function followDisplay() {
  document.addEventListener("change", onChange);
  document.addEventListener("click", onSkip);
  document.addEventListener("toggle", showChoices, true);
}
