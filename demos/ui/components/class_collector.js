// Pictures sorted into classes by the visitor: uploads and webcam bursts, cut to squares and shrunk in the browser.
//
// Value set by the server: { token, classes: [{ name, pictures: [base64 JPEG] }] }, which replaces what is there. Value set
// here after every change, told by `collected`: { classes } of the same form.

import { element, find } from "../core/dom.js";
import { pictureOf, squareJpeg, Webcam } from "../pieces/webcam.js";

/** @typedef {{ name: string, pictures: string[] }} Kind  a class and its JPEGs in base64 */

const [BURST, BURST_MILLISECONDS] = [8, 220];

export const template = `
<div class="class-collector">
  <div class="cc-classes"></div>
  <div class="cc-tools">
    <button type="button" class="cc-add">Add a class</button>
    <button type="button" class="cc-off" disabled>Turn the camera off</button>
    <span class="cc-message" role="status">Two classes at least, two pictures each. Pictures are cut to their middle square in your browser.</span>
  </div>
  <div class="cc-camera" hidden><video class="wc-video" autoplay muted playsinline aria-label="the webcam"></video></div>
</div>`;

export default class ClassCollector {
  /** @type {Kind[]} */ #kinds = [1, 2].map((number) => ({ name: `class ${number}`, pictures: [] }));
  #token = "";
  #recording = false;

  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, props, emit }) {
    this.root = root;
    this.props = props;
    this.emit = emit;
    const video = /** @type {HTMLVideoElement} */ (find(root, "video"));
    this.camera = new Webcam(video, (sentence, state) => {
      find(root, ".cc-camera").hidden = state !== "on" && state !== "starting";
      find(root, ".cc-off").disabled = state !== "on";
      this.#say(sentence, state);
    });
    find(root, ".cc-add").addEventListener("click", () => this.#addKind());
    find(root, ".cc-off").addEventListener("click", () => this.camera.stop());
    this.#draw();
  }

  /** @param {{ token?: string, classes: Kind[] } | null} value */
  show(value) {
    if (!value?.token || value.token === this.#token) return;
    this.#token = value.token;
    this.#kinds = value.classes.map(({ name, pictures }) => ({ name, pictures: [...pictures] }));
    this.#draw();
  }

  /** @param {string} sentence @param {string} state */
  #say(sentence, state = "") {
    const message = find(this.root, ".cc-message");
    message.textContent = sentence;
    message.dataset.state = state;
  }

  #send() {
    this.props.value = { classes: this.#kinds.map(({ name, pictures }) => ({ name, pictures })) };
    this.emit.collected();
  }

  #addKind() {
    const numbers = Array.from({ length: this.props.max_classes }, (_, index) => index + 1);
    const free = numbers.find((number) => !this.#kinds.some(({ name }) => name === `class ${number}`));
    this.#kinds.push({ name: `class ${free ?? this.#kinds.length + 1}`, pictures: [] });
    this.#draw();
    this.#send();
  }

  #draw() {
    find(this.root, ".cc-classes").replaceChildren(...this.#kinds.map((kind, index) => this.#card(kind, index)));
    find(this.root, ".cc-add").disabled = this.#kinds.length >= this.props.max_classes;
  }

  /** @param {Kind} kind @param {number} index */
  #card(kind, index) {
    const rename = (/** @type {Event} */ event) => {
      kind.name = /** @type {HTMLInputElement} */ (event.target).value;
      this.#send();
    };
    const name = element("input", {
      value: kind.name,
      maxlength: 40,
      "aria-label": `name of class ${index + 1}`,
      onchange: rename,
    });
    const remove = element(
      "button",
      {
        type: "button",
        class: "cc-remove",
        title: "remove this class",
        "aria-label": `remove class ${index + 1}`,
        onclick: () => this.#remove(kind),
      },
      "×",
    );
    const files = element("input", { type: "file", multiple: "", accept: "image/*", hidden: true });
    const holder = element("div", { class: "cc-pictures" });
    const count = element("span", { class: "cc-count" });
    const redraw = () => this.#drawPictures(kind, holder, count);
    files.addEventListener("change", () => {
      this.#addFiles(kind, [...(files.files ?? [])]).then(redraw);
      files.value = "";
    });
    const upload = element("button", { type: "button", class: "cc-upload", onclick: () => files.click() }, "Upload");
    const record = element(
      "button",
      { type: "button", class: "cc-record", title: `a click takes ${BURST} frames, holding it as many as you like` },
      "Hold to record",
    );
    onHold(record, (held) => this.#record(kind, held).then(redraw));
    const head = element("div", { class: "cc-head" }, name, remove);
    const actions = element("div", { class: "cc-actions" }, upload, record, files, count);
    const node = element("section", { class: "cc-class", "aria-label": `class ${index + 1}` }, head, actions, holder);
    this.#acceptDrops(node, (dropped) => this.#addFiles(kind, dropped).then(redraw));
    redraw();
    return node;
  }

  /** @param {HTMLElement} node @param {(files: File[]) => void} act */
  #acceptDrops(node, act) {
    for (const name of /** @type {const} */ (["dragover", "dragleave", "drop"]))
      node.addEventListener(name, (event) => {
        event.preventDefault();
        node.classList.toggle("is-over", name === "dragover");
        if (name === "drop") act([...(event.dataTransfer?.files ?? [])]);
      });
  }

  /** @param {Kind} kind */
  #remove(kind) {
    this.#kinds = this.#kinds.filter((other) => other !== kind);
    this.#draw();
    this.#send();
  }

  /** @param {Kind} kind @param {HTMLElement} holder @param {HTMLElement} count */
  #drawPictures(kind, holder, count) {
    const { pictures } = kind;
    count.textContent = `${pictures.length} ${pictures.length === 1 ? "picture" : "pictures"}`;
    const buttons = pictures.map((jpeg, index) => {
      const take = () => {
        pictures.splice(index, 1);
        this.#drawPictures(kind, holder, count);
        this.#send();
      };
      const about = {
        type: "button",
        title: "remove this picture",
        "aria-label": `remove picture ${index + 1} of ${kind.name}`,
        onclick: take,
      };
      return element("button", about, element("img", { src: `data:image/jpeg;base64,${jpeg}`, alt: "" }));
    });
    const hint = element("span", { class: "cc-hint" }, "Upload, drop or record pictures.");
    holder.replaceChildren(...(buttons.length ? buttons : [hint]));
  }

  /** @param {Kind} kind @param {string[]} jpegs */
  #add(kind, jpegs) {
    const room = this.props.max_pictures - kind.pictures.length;
    kind.pictures.push(...jpegs.slice(0, room));
    if (jpegs.length > room)
      this.#say(`A class takes ${this.props.max_pictures} pictures: the others were left out.`, "error");
    this.#send();
  }

  /** @param {Kind} kind @param {File[]} files */
  async #addFiles(kind, files) {
    /** @type {string[]} */
    const found = [];
    let problem = "";
    for (const file of files) {
      try {
        const picture = await pictureOf(file);
        found.push(squareJpeg(picture, picture.width, picture.height));
      } catch (error) {
        problem = /** @type {Error} */ (error).message;
      }
    }
    const added = `${found.length} ${found.length === 1 ? "picture" : "pictures"} added to ${kind.name}.`;
    this.#say(problem || added, problem ? "error" : "");
    if (found.length) this.#add(kind, found);
  }

  /** Frames for as long as a button is held; a click, let go at once, takes a few. @param {Kind} kind @param {() => boolean} held */
  async #record(kind, held) {
    if (this.#recording) return;
    this.#recording = true;
    const room = this.props.max_pictures - kind.pictures.length;
    /** @type {string[]} */
    const taken = [];
    if (room > 0 && (await this.camera.start())) await this.#frames(kind, held, room, taken);
    this.#recording = false;
    if (room <= 0) this.#say(`A class takes ${this.props.max_pictures} pictures: ${kind.name} is full.`, "error");
    if (!taken.length) return;
    this.#say(`${taken.length} ${taken.length === 1 ? "frame" : "frames"} added to ${kind.name}.`);
    this.#add(kind, taken);
  }

  /** @param {Kind} kind @param {() => boolean} held @param {number} room @param {string[]} taken */
  async #frames(kind, held, room, taken) {
    const { video } = this.camera;
    for (let wasHeld = false; this.camera.on && taken.length < room; wasHeld ||= held()) {
      const until = held() ? "until you let go" : `${BURST} in all`;
      this.#say(`Recording ${kind.name}: ${taken.length + 1}, ${until}. Move it a little.`);
      await new Promise((done) => setTimeout(done, BURST_MILLISECONDS));
      if (this.camera.on) taken.push(squareJpeg(video, video.videoWidth, video.videoHeight));
      if (!held() && (wasHeld || taken.length >= BURST)) return;
    }
  }
}

/** Calls `act(held)` when a button is pressed by pointer, key or otherwise; `held` says whether it still is. @param {HTMLElement} button @param {(held: () => boolean) => void} act */
function onHold(button, act) {
  let down = false;
  let told = false; // the click that ends a press of the pointer was acted upon when it began
  const press = () => {
    if (down) return;
    down = true;
    act(() => down);
  };
  const release = () => {
    down = false;
  };
  button.addEventListener("pointerdown", (event) => {
    told = event.button === 0;
    if (told) press();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    press();
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave", "keyup", "blur"])
    button.addEventListener(name, release);
  button.addEventListener("pointerleave", () => {
    told = false;
  });
  button.addEventListener("click", () => {
    if (!told) act(() => false);
    told = false;
  });
}
