// Tokens as a line of buttons that wraps: each can be hovered and picked; shading says how much each one counts.

import { element } from "../core/dom.js";
import { styleOf } from "../core/style.js";

styleOf(import.meta.url);

/** A token as it is read where blanks would not be seen. @param {string} token */
export const readable = (token) => token.trim() || "␣";

export class TokenStrip {
  /** @type {HTMLButtonElement[]} */ #buttons = [];

  /**
   * @param {HTMLElement} root
   * @param {{ onHover?: (index: number | null) => void, onPick: (index: number) => void }} options
   */
  constructor(root, { onHover = () => undefined, onPick }) {
    root.classList.add("ts-strip");
    this.root = root;
    this.onHover = onHover;
    this.onPick = onPick;
  }

  /** @param {readonly string[]} tokens */
  show(tokens) {
    this.#buttons = tokens.map((token, index) => this.#button(token, index));
    this.root.replaceChildren(...this.#buttons);
  }

  /**
   * @param {((index: number) => number) | null} share  0 to 1, null for no shading
   * @param {number | null} selected  the token that is outlined
   */
  shade(share, selected) {
    this.#buttons.forEach((button, index) => {
      button.setAttribute("aria-pressed", String(index === selected));
      button.style.setProperty("--ts-share", share ? `${Math.round(85 * Math.sqrt(share(index)))}%` : "0%");
    });
  }

  /** @param {string} token @param {number} index */
  #button(token, index) {
    const startsWord = /^\s/.test(token) || index === 0;
    const button = element("button", {
      type: "button",
      class: startsWord ? "ts-token ts-word" : "ts-token",
      data: { index },
      onpointerenter: (/** @type {PointerEvent} */ event) => event.pointerType === "mouse" && this.onHover(index),
      onpointerleave: (/** @type {PointerEvent} */ event) => event.pointerType === "mouse" && this.onHover(null),
      onfocus: () => button.matches(":focus-visible") && this.onHover(index),
      onblur: () => this.onHover(null),
      onclick: () => this.onPick(index),
    });
    button.textContent = readable(token);
    return button;
  }
}
