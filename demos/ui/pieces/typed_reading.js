// A keystroke past Gradio's events, which cost the page several times what drawing a character does: the server is asked for
// what the text in the box adds to the reading that is shown. Where it cannot say (another network was chosen, nothing is
// kept any more, it refuses), the event `typed` asks as any other event does.

import { share } from "../core/shared.js";
import { controlValue } from "./page_controls.js";

/** @typedef {import("../types.js").ReaderView} ReaderView */
/** @typedef {{ reader: ReaderView, cell: import("../types.js").UnrolledView, strip: string }} Answer */

export class TypedReading {
  #asking = false;
  #stale = false;

  /**
   * @param {{ box: string, controls: Record<string, string>, strip: string, shares: string }} props element ids of the text
   *   box, of the controls by the fields of a view that they set, of the strip; the name under which the cell is shared
   * @param {{ server: any, emit: Record<string, (data?: any) => void>, view: () => ReaderView | null, shows: (view: ReaderView) => unknown }} told
   *   view: what is shown
   */
  constructor({ box, controls, strip, shares }, { server, emit, view, shows }) {
    this.box = box;
    this.controls = controls;
    this.strip = strip;
    this.shares = shares;
    this.server = server;
    this.emit = emit;
    this.view = view;
    this.shows = shows;
  }

  /** The text in the box has changed. One question at a time; the last text is always asked about. */
  async changed() {
    this.#stale = true;
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#stale) {
        this.#stale = false;
        const answer = await this.#ask();
        if (answer) await this.#show(answer);
        else this.emit.typed();
      }
    } finally {
      this.#asking = false;
    }
  }

  /** @returns {Promise<Answer | null>} */
  async #ask() {
    const view = /** @type {Record<string, any> | null} */ (this.view());
    if (!view) return null;
    const fields = Object.entries(this.controls); // a control in a folded part of the page is not there, and unchanged
    const values = fields.map(([name, id]) => [name, controlValue(id) ?? view[name]]);
    const question = { reading: view.reading, text: controlValue(this.box), ...Object.fromEntries(values) };
    try {
      const answer = await this.server.typed_reading(question);
      return answer?.error ? null : answer;
    } catch {
      return null; // the event says why
    }
  }

  /** @param {Answer} answer */
  async #show({ reader, cell, strip }) {
    await this.shows(reader);
    share(this.shares, cell);
    const place = document.querySelector(`#${this.strip} .gb-strip`);
    if (place) place.outerHTML = strip;
  }
}
