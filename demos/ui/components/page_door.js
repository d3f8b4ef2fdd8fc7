// A button that opens another page, as a link to it does.

import { open } from "../core/address.js";
import { find } from "../core/dom.js";

export const template = `<button type="button" class="pd-door"></button>`;

export default class PageDoor {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props }) {
    const button = find(root, ".pd-door");
    button.textContent = props.words;
    button.addEventListener("click", () => open(props.page, {}));
  }

  show() {}
}
