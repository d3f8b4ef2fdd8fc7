// The link to what the visitor sees, and what of an opened link was not understood.

import { follow, link } from "../core/address.js";
import { element, find } from "../core/dom.js";

export const template = `
<div class="page-link">
  <p class="page-link-said" role="status"></p>
  <button type="button" class="gb-chip page-link-copy">Copy link</button>
</div>`;

export default class PageLink {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, emit }) {
    this.said = find(root, ".page-link-said");
    find(root, ".page-link-copy").addEventListener("click", () => this.copy());
    follow({ go: () => emit.go(), say: (sentence) => this.said.replaceChildren(sentence) });
  }

  async copy() {
    const { href, own } = link();
    const more = own ? " Your own picture is not part of it." : "";
    try {
      await navigator.clipboard.writeText(href);
      this.said.replaceChildren(`Link copied.${more}`);
    } catch {
      const field = element("input", { type: "text", readonly: "", value: href, "aria-label": "The link" });
      this.said.replaceChildren(`Copy it from here:${more} `, field);
      field.select();
    }
  }

  show() {}
}
