// The link to what the visitor sees, the same as a file, and what of an opened link was not understood.

import { follow, link } from "../core/address.js";
import { element, find, save } from "../core/dom.js";

export const template = `
<div class="page-link">
  <p class="page-link-said" role="status"></p>
  <button type="button" class="gb-chip page-link-copy">Copy link</button>
  <details class="page-link-files">
    <summary>File</summary>
    <div>
      <button type="button" class="gb-chip page-link-keep">Keep as a file</button>
      <button type="button" class="gb-chip page-link-open">Open a file</button>
      <p class="gb-keeping"></p>
    </div>
  </details>
  <input type="file" class="page-link-file" accept=".json,application/json" aria-label="A view that was kept" hidden>
</div>`;

export default class PageLink {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit, upload }) {
    this.root = root;
    find(root, ".gb-keeping").textContent = props.keeping;
    this.said = find(root, ".page-link-said");
    const file = find(root, ".page-link-file");
    find(root, ".page-link-copy").addEventListener("click", () => this.copy());
    find(root, ".page-link-keep").addEventListener("click", () => this.#tell(this.#keep()));
    find(root, ".page-link-open").addEventListener("click", () => file.click());
    file.addEventListener("change", () => {
      this.#tell(this.#open(file.files[0], upload));
      file.value = "";
    });
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

  async #keep() {
    const { keep } = await import("../pieces/view_file.js");
    const { content, name } = await keep();
    save(content, name);
    return name;
  }

  /** @param {File} file @param {import("../core/mount.js").Context["upload"]} upload */
  async #open(file, upload) {
    const { give } = await import("../pieces/view_file.js");
    await give(file, upload);
    return file.name;
  }

  /** @param {Promise<string>} act */
  async #tell(act) {
    find(this.root, ".page-link-files").open = false;
    try {
      this.said.replaceChildren(await act);
    } catch (error) {
      this.said.replaceChildren(error instanceof Error ? error.message : String(error));
    }
  }

  show() {}
}
