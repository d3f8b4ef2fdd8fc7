// A text box of the page that the network writes into as well: whoever types wins.
//
// It tells of `typed`, a moment after the visitor has changed the text, however they did it (Gradio's own event comes with
// key presses only, not with pasting, deleting or the keyboard of a phone); `interrupted`, at once when they do so while
// more is to be written.

const DEBOUNCE_MILLISECONDS = 60;

export class TypedBox {
  /** More will be written without anybody asking. */ goesOn = false;
  #typing = 0;
  #writing = false;
  /** @type {string | null} by the last run that wrote */ #written = null;
  #run = "";

  /** @param {string} id of the text box's component @param {{ typed: () => void, interrupted: () => void }} told */
  constructor(id, { typed, interrupted }) {
    this.selector = `#${id} textarea`;
    document.addEventListener("beforeinput", (event) => {
      if (!this.#isOurs(event) || !this.goesOn) return;
      this.goesOn = false;
      interrupted();
    });
    document.addEventListener("input", (event) => {
      if (!this.#isOurs(event)) return;
      clearTimeout(this.#typing);
      this.#typing = setTimeout(typed, DEBOUNCE_MILLISECONDS);
    });
  }

  /**
   * Whether an answer is late. One that writes: the visitor has changed the box since its run began, or since it wrote
   * last (some of what a run writes may be lost on the way). Any other: it is of an older text than was written since.
   * @param {{ writing: string, replaces: string }} answer @param {string} text of the answer
   */
  isLate({ writing, replaces }, text) {
    const holds = this.#node()?.value;
    if (!writing) return holds === this.#written && text !== holds;
    return holds !== (writing === this.#run ? this.#written : replaces);
  }

  /** @param {string} run that writes @param {string} text */
  write(run, text) {
    const node = this.#node();
    [this.#run, this.#written] = [run, text];
    if (!node || node.value === text) return;
    this.#writing = true;
    node.value = text;
    node.dispatchEvent(new Event("input", { bubbles: true })); // Gradio reads the box on this event
    this.#writing = false;
  }

  #node() {
    return /** @type {HTMLTextAreaElement | null} */ (document.querySelector(this.selector));
  }

  /** @param {Event} event */
  #isOurs(event) {
    return !this.#writing && event.target === this.#node();
  }
}
