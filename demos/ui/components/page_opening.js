// Tells the server, once, that the page it stands in is looked at for the first time. It shows nothing; the page's panel
// has `data-opened` when the first view is there.

export const template = "";

const CONTROLS = "button, input, textarea, select, label, canvas, [role=option], [tabindex]";

/** Pages that have been opened since this document was loaded. @type {Set<string>} */
const opened = new Set();

export default class PageOpening {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit }) {
    const panel = /** @type {HTMLElement | null} */ (root.closest("[role=tabpanel]"));
    this.panel = panel;
    if (!panel || opened.has(props.page)) return;
    const watching = new AbortController();
    const stop = () => watching.abort();
    const begin = () => {
      if (watching.signal.aborted) return;
      if (!opened.has(props.page)) emit.open();
      opened.add(props.page);
      stop();
    };
    for (const kind of ["pointerdown", "keydown"]) {
      /** @param {Event} event */
      const touched = ({ target }) => {
        if (!(target instanceof Element && target.closest(CONTROLS))) return;
        opened.add(props.page); // what the visitor does comes first
        stop();
      };
      panel.addEventListener(kind, touched, { capture: true, signal: watching.signal });
    }
    whenSeen(panel, begin, watching.signal);
  }

  /** @param {{ opened: boolean } | null} value */
  show(value) {
    if (value && this.panel) this.panel.dataset.opened = "true";
  }
}

/** Acts as soon as `panel` takes room on the page. @param {Element} panel @param {() => void} act @param {AbortSignal} signal */
function whenSeen(panel, act, signal) {
  const observer = new ResizeObserver(() => {
    if (panel.clientHeight) act();
  });
  observer.observe(panel);
  signal.addEventListener("abort", () => observer.disconnect());
}
