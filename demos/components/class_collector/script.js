const root = element.querySelector(".class-collector");
const part = (name) => root.querySelector(name);
const [BURST, BURST_MILLISECONDS] = [8, 220];
let classes = [];
let token = "";
let recording = false;

const say = (sentence, state = "") => {
  part(".cc-message").textContent = sentence;
  part(".cc-message").dataset.state = state;
};
const camera = webcam(part("video"), (sentence, state) => {
  part(".cc-camera").hidden = state !== "on" && state !== "starting";
  part(".cc-off").disabled = state !== "on";
  say(sentence, state);
});

function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

function send() {
  props.value = { classes: classes.map(({ name, pictures }) => ({ name, pictures })) };
  trigger("collected");
}

function receive() {
  const value = props.value;
  if (!value?.token || value.token === token) return;
  token = value.token;
  classes = value.classes.map(({ name, pictures }) => ({ name, pictures: [...pictures] }));
  draw();
}

function add(one, jpegs) {
  const room = props.max_pictures - one.pictures.length;
  one.pictures.push(...jpegs.slice(0, room));
  if (jpegs.length > room) say(`A class takes ${props.max_pictures} pictures: the others were left out.`, "error");
  drawPictures(one);
  send();
}

async function addFiles(one, files) {
  const found = [];
  let problem = "";
  for (const file of files) {
    try {
      found.push(await squareOfFile(file));
    } catch (error) {
      problem = error.message;
    }
  }
  say(problem || `${found.length} ${found.length === 1 ? "picture" : "pictures"} added to ${one.name}.`, problem ? "error" : "");
  if (found.length) add(one, found);
}

async function burst(one) {
  if (recording || !(await camera.start())) return;
  recording = true;
  const taken = [];
  for (let i = 0; i < BURST && camera.on(); i += 1) {
    say(`Recording ${one.name}: ${i + 1} of ${BURST}. Move it a little.`);
    await new Promise((done) => setTimeout(done, BURST_MILLISECONDS));
    if (camera.on()) taken.push(camera.frame());
  }
  recording = false;
  if (!taken.length) return;
  say(`${taken.length} frames added to ${one.name}.`);
  add(one, taken);
}

function card(one, index) {
  const name = make("input", { value: one.name, maxLength: 40, ariaLabel: `name of class ${index + 1}` });
  name.addEventListener("change", () => {
    one.name = name.value;
    send();
  });
  const remove = make("button", { type: "button", className: "cc-remove", textContent: "×", title: "remove this class" });
  remove.setAttribute("aria-label", `remove class ${index + 1}`);
  remove.addEventListener("click", () => {
    classes = classes.filter((other) => other !== one);
    draw();
    send();
  });
  const files = make("input", { type: "file", multiple: true, accept: "image/*", hidden: true });
  files.addEventListener("change", () => {
    addFiles(one, [...files.files]);
    files.value = "";
  });
  const upload = make("button", { type: "button", className: "cc-upload", textContent: "Upload" });
  upload.addEventListener("click", () => files.click());
  const record = make("button", { type: "button", className: "cc-record", textContent: "Webcam burst" });
  record.addEventListener("click", () => burst(one));
  const count = make("span", { className: "cc-count" });
  const pictures = make("div", { className: "cc-pictures" });
  const node = make("section", { className: "cc-class", ariaLabel: `class ${index + 1}` }, make("div", { className: "cc-head" }, name, remove), make("div", { className: "cc-actions" }, upload, record, files, count), pictures);
  for (const kind of ["dragover", "dragleave", "drop"]) {
    node.addEventListener(kind, (event) => {
      event.preventDefault();
      node.classList.toggle("is-over", kind === "dragover");
      if (kind === "drop") addFiles(one, [...event.dataTransfer.files]);
    });
  }
  Object.assign(one, { count, holder: pictures });
  drawPictures(one);
  return node;
}

function drawPictures(one) {
  one.count.textContent = `${one.pictures.length} ${one.pictures.length === 1 ? "picture" : "pictures"}`;
  const buttons = one.pictures.map((jpeg, i) => {
    const button = make("button", { type: "button", title: "remove this picture" }, make("img", { src: `data:image/jpeg;base64,${jpeg}`, alt: "" }));
    button.setAttribute("aria-label", `remove picture ${i + 1} of ${one.name}`);
    button.addEventListener("click", () => {
      one.pictures.splice(i, 1);
      drawPictures(one);
      send();
    });
    return button;
  });
  one.holder.replaceChildren(...(buttons.length ? buttons : [make("span", { className: "cc-hint", textContent: "Upload, drop or record pictures." })]));
}

function draw() {
  part(".cc-classes").replaceChildren(...classes.map(card));
  part(".cc-add").disabled = classes.length >= props.max_classes;
}

part(".cc-add").addEventListener("click", () => {
  const free = [...Array(props.max_classes + 1).keys()].find((i) => i && !classes.some(({ name }) => name === `class ${i}`));
  classes.push({ name: `class ${free}`, pictures: [] });
  draw();
  send();
});
part(".cc-off").addEventListener("click", () => camera.stop());
watch("value", receive);
classes = [1, 2].map((i) => ({ name: `class ${i}`, pictures: [] }));
draw();
receive();
