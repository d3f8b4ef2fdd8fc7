// The way back to the course: the opening page, the lesson of the open tab, one that was left, one of a teacher's own.

import { element, find } from "../core/dom.js";
import { bookmark } from "../core/lessons.js";
import { follow, share } from "../core/shared.js";

const MAX_BYTES = 200_000;

export const template = `<nav class="course-bar" aria-label="Course"></nav>`;

export default class CourseBar {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root }) {
    this.bar = find(root, ".course-bar");
    follow("lesson-left", root, () => this.draw());
    this.draw();
  }

  show() {}

  draw() {
    const kept = bookmark();
    const file = element("input", {
      type: "file",
      accept: ".json,application/json",
      hidden: true,
      "aria-label": "Lesson file",
    });
    file.addEventListener("change", () => this.load(file));
    this.bar.replaceChildren(
      action("Opening page", () => share("entrance", {})),
      action("Lesson of this tab", () => share("lesson-wanted", { tab: openTabName() })),
      ...(kept ? [action(`Resume at step ${kept.step + 1}`, () => share("lesson-wanted", { resume: true }))] : []),
      action("Class", () => share("class-door", {})),
      action("Words", () => share("glossary", { all: true })),
      action("Load a lesson …", () => file.click()),
      file,
    );
  }

  /** @param {HTMLInputElement} input */
  async load(input) {
    const file = input.files?.[0];
    input.value = "";
    if (!file) return;
    const text = file.size > MAX_BYTES ? " ".repeat(MAX_BYTES) : await file.text(); // too long: the server says so
    share("lesson-wanted", { text });
  }
}

/** The slug of the tab that is open. */
function openTabName() {
  const panel = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('[id^="tab-"][role="tabpanel"]')]).find(
    (node) => node.offsetParent !== null,
  );
  return (panel?.id ?? "tab-sequences").replace("tab-", "");
}

/** @param {string} text @param {() => void} act */
const action = (text, act) => element("button", { type: "button", onclick: act }, text);
