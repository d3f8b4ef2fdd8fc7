// What a visitor chooses once for all pages: large type, signs without colour, language. Kept in this browser only; the
// head of the page (demos/page_head.py) sets them before anything is drawn.

import { find } from "../core/dom.js";

export const template = `
<a class="gb-skip" href="#">To the page</a>
<details class="gb-display">
  <summary>Display</summary>
  <label><input type="checkbox" name="type" value="large"> <span>Large type</span></label>
  <label><input type="checkbox" name="signs" value="shade"> <span>Signs without colour</span></label>
  <label><span>Language</span>
    <select><option value="en" lang="en">English</option><option value="ko" lang="ko">한국어</option>
      <option value="de" lang="de">Deutsch</option></select></label>
</details>`;

/** @param {string} name @param {string} value an empty one is forgotten */
function keep(name, value) {
  try {
    if (value) localStorage.setItem(`glassbox-${name}`, value);
    else localStorage.removeItem(`glassbox-${name}`);
  } catch {
    // a browser that keeps nothing: the choice lasts as long as the page
  }
}

/** The first stop of the keyboard: over titles and settings to the page. @param {Event} event */
function skip(event) {
  event.preventDefault();
  const panels = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[role="tabpanel"]')]);
  const page = panels.filter((panel) => panel.offsetParent).at(-1);
  if (!page) return;
  page.tabIndex = -1;
  page.focus();
}

/** @param {HTMLInputElement} box */
function change(box) {
  const value = box.checked ? box.value : "";
  if (value) document.documentElement.dataset[box.name] = value;
  else delete document.documentElement.dataset[box.name];
  keep(box.name, value);
  document.body.classList.toggle("gb-drawn-anew"); // canvases are drawn anew, as when the page turns dark
}

export default class Display {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    find(root, ".gb-skip").addEventListener("click", skip);
    const list = find(root, "select");
    list.value = document.documentElement.lang;
    list.addEventListener("change", () => {
      keep("language", list.value);
      location.reload();
    });
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("input"))) {
      box.checked = document.documentElement.dataset[box.name] === box.value;
      box.addEventListener("change", () => change(box));
    }
  }

  show() {}
}
