// Stands for a page and shows nothing. When the page is first looked at, it puts what the address says into the controls,
// then asks the server for the first view. The page's panel has `data-opened` when that is there.

import { enter, settle } from "../core/address.js";

export const template = "";

const CONTROLS = "button, input, textarea, select, label, canvas, [role=option], [tabindex]";

const PHONE = "(max-width: 640px)";

/** Pages that have been opened since this document was loaded. @type {Set<string>} */
const opened = new Set();

export default class PageOpening {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit }) {
    this.panel = /** @type {HTMLElement | null} */ (root.closest("[role=tabpanel]"));
    if (this.panel) foldOnPhones(this.panel);
    this.page = props.page;
    this.emit = emit;
    if (!this.panel || opened.has(this.page)) return;
    this.waiting = new AbortController();
    const { signal } = this.waiting;
    for (const kind of ["pointerdown", "keydown"]) {
      /** @param {Event} event */
      const touched = ({ target }) => {
        if (target instanceof Element && target.closest(CONTROLS)) opened.add(this.page); // the visitor comes first
      };
      this.panel.addEventListener(kind, touched, { capture: true, signal });
    }
    whenSeen(this.panel, () => this.enter(props.keys ?? [], props.looks ?? []), signal);
  }

  /** @param {any[]} keys @param {string[]} looks */
  enter(keys, looks) {
    if (!enter(this.page, { keys, looks, emit: this.emit })) this.open();
  }

  open() {
    if (!opened.has(this.page)) this.emit.open();
    opened.add(this.page);
    this.waiting?.abort();
  }

  /** @param {{ opened?: boolean, restored?: boolean, refused?: string[] } | null} value */
  show(value) {
    if (value?.opened && this.panel) this.panel.dataset.opened = "true";
    if (!value?.restored) return;
    if (settle(this.page, value.refused ?? [])) this.emit.again();
    else this.open();
  }
}

/** Controls that would push the figure out of sight are folded. @param {Element} panel */
function foldOnPhones(panel) {
  if (!matchMedia(PHONE).matches) return;
  const open = /** @type {NodeListOf<HTMLElement>} */ (panel.querySelectorAll(".gb-fold > .label-wrap.open"));
  for (const label of open) label.click();
}

/** Acts once, as soon as `panel` takes room on the page. @param {Element} panel @param {() => void} act @param {AbortSignal} signal */
function whenSeen(panel, act, signal) {
  const observer = new ResizeObserver(() => {
    if (!panel.clientHeight) return;
    observer.disconnect();
    act();
  });
  observer.observe(panel);
  signal.addEventListener("abort", () => observer.disconnect());
}
