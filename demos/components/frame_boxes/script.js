const root = element.querySelector(".frame-boxes");
const part = (name) => root.querySelector(name);
const canvas = part(".fb-picture canvas");
const [LONGEST, SMALLEST, STEP] = [640, 0.02, 0.02];
let frames = [];
let at = 0;
let token = "";
let from = null; // where the pointer went down
let held = null; // the box that is being drawn or moved by keys

const say = (sentence, state = "") => {
  part(".fb-message").textContent = sentence;
  part(".fb-message").dataset.state = state;
};
const camera = webcam(part("video"), (sentence, state) => {
  part(".fb-live").hidden = state !== "on" && state !== "starting";
  part(".fb-snap").disabled = state !== "on";
  part(".fb-camera").textContent = state === "on" ? "Close the camera" : "Open the camera";
  say(sentence, state);
});

function send() {
  props.value = { frames: frames.map(({ jpeg, boxes }) => ({ jpeg, boxes })) };
  trigger("drawn");
}

function receive() {
  const value = props.value;
  if (!value?.token || value.token === token) return;
  token = value.token;
  frames = value.frames.map(({ jpeg, boxes }) => ({ jpeg, boxes: boxes.map((one) => ({ ...one })) }));
  choose(0);
}

function shrunk(source, width, height) {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  const copy = Object.assign(document.createElement("canvas"), { width: Math.round(width * scale), height: Math.round(height * scale) });
  const context = copy.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, copy.width, copy.height);
  context.drawImage(source, 0, 0, copy.width, copy.height);
  return copy.toDataURL("image/jpeg", 0.85).split(",")[1];
}

function add(jpeg) {
  if (frames.length >= props.max_frames) return say(`At most ${props.max_frames} frames can be learned from.`, "error");
  frames.push({ jpeg, boxes: [] });
  choose(frames.length - 1);
  send();
  return say("Draw a box around each thing to be found. A frame without one is a lesson too: nothing is there.");
}

function choose(place) {
  at = Math.max(0, Math.min(place, frames.length - 1));
  held = null;
  part(".fb-work").hidden = !frames.length;
  root.dataset.state = frames.length ? "full" : "empty";
  drawFrames();
  if (!frames.length) return;
  part(".fb-picture img").src = `data:image/jpeg;base64,${frames[at].jpeg}`;
  drawBoxes();
}

function drawFrames() {
  part(".fb-frames").replaceChildren(
    ...frames.map(({ jpeg, boxes }, i) => {
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.setAttribute("role", "tab");
      button.setAttribute("aria-selected", String(i === at));
      button.setAttribute("aria-label", `frame ${i + 1}, ${boxes.length} boxes`);
      button.append(Object.assign(document.createElement("img"), { src: `data:image/jpeg;base64,${jpeg}`, alt: "" }), Object.assign(document.createElement("span"), { textContent: boxes.length }));
      button.addEventListener("click", () => choose(i));
      return button;
    }),
  );
}

function drawBoxes() {
  const { boxes } = frames[at];
  part(".fb-list").replaceChildren(
    ...boxes.map((one, i) => {
      const item = document.createElement("li");
      const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
      remove.setAttribute("aria-label", `remove box ${i + 1}, ${one.name}`);
      remove.addEventListener("click", () => {
        if (held === one) held = null;
        boxes.splice(i, 1);
        changed();
      });
      item.append(Object.assign(document.createElement("span"), { textContent: one.name, title: one.name }), remove);
      return item;
    }),
  );
  paint();
}

function paint() {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  Object.assign(canvas, { width: width * ratio, height: height * ratio });
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "600 13px system-ui, sans-serif";
  for (const one of [...frames[at].boxes, ...(held && !frames[at].boxes.includes(held) ? [held] : [])]) {
    const [left, top, right, bottom] = one.box;
    context.lineWidth = 4;
    context.strokeStyle = "rgb(0 0 0 / .6)";
    context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    context.lineWidth = 2;
    context.strokeStyle = one === held ? "#fcd34d" : "#f0abfc";
    context.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    const text = one.name;
    const label = Math.max(2, top * height - 19);
    context.fillStyle = "rgb(0 0 0 / .7)";
    context.fillRect(left * width, label, context.measureText(text).width + 10, 18);
    context.fillStyle = "#fff";
    context.fillText(text, left * width + 5, label + 13);
  }
}

function changed() {
  drawFrames();
  drawBoxes();
  send();
}

const name = () => part(".fb-name").value.trim() || "thing";
const inside = (value) => Math.min(1, Math.max(0, value));

function point(event) {
  const box = canvas.getBoundingClientRect();
  return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
}

canvas.addEventListener("pointerdown", (event) => {
  if (frames[at].boxes.length >= props.max_boxes) return say(`A frame has at most ${props.max_boxes} boxes.`, "error");
  canvas.setPointerCapture(event.pointerId);
  from = point(event);
  held = { box: [...from, ...from], name: name() };
  return undefined;
});
canvas.addEventListener("pointermove", (event) => {
  if (!from) return;
  const [x, y] = point(event);
  held.box = [Math.min(x, from[0]), Math.min(y, from[1]), Math.max(x, from[0]), Math.max(y, from[1])];
  paint();
});
for (const kind of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(kind, () => {
    if (!from) return;
    from = null;
    const [left, top, right, bottom] = held.box;
    if (Math.min(right - left, bottom - top) >= SMALLEST) {
      frames[at].boxes.push(held);
      held = null;
      changed();
    } else {
      held = null;
      paint();
    }
  });
}
canvas.addEventListener("keydown", (event) => {
  const move = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
  if (event.key === "Enter") {
    if (frames[at].boxes.length >= props.max_boxes) return;
    held = { box: [0.35, 0.35, 0.65, 0.65], name: name() };
    frames[at].boxes.push(held);
    changed();
  } else if (move && held) {
    event.preventDefault();
    const [left, top, right, bottom] = held.box;
    const [x, y] = move;
    held.box = event.shiftKey
      ? [left, top, inside(Math.max(left + SMALLEST, right + x)), inside(Math.max(top + SMALLEST, bottom + y))]
      : left + x < 0 || right + x > 1 || top + y < 0 || bottom + y > 1
        ? held.box
        : [left + x, top + y, right + x, bottom + y];
    paint();
    send();
  }
});

part(".fb-upload").addEventListener("click", () => part("input[type=file]").click());
part("input[type=file]").addEventListener("change", async ({ target }) => {
  for (const file of [...target.files]) {
    try {
      if (file.size > 20 * 2 ** 20) throw new Error(`${file.name} has more than 20 MB.`);
      const picture = await createImageBitmap(file).catch(() => {
        throw new Error(`${file.name} is not a picture that this browser can open: use PNG, JPEG, WebP or GIF.`);
      });
      add(shrunk(picture, picture.width, picture.height));
      picture.close();
    } catch (problem) {
      say(problem.message, "error");
    }
  }
  target.value = "";
});
part(".fb-camera").addEventListener("click", () => (camera.on() ? camera.stop() : camera.start()));
part(".fb-snap").addEventListener("click", () => camera.on() && add(shrunk(part("video"), part("video").videoWidth, part("video").videoHeight)));
part(".fb-remove").addEventListener("click", () => {
  frames.splice(at, 1);
  choose(at);
  send();
});
part(".fb-picture img").addEventListener("load", () => frames.length && paint());
new ResizeObserver(() => frames.length && paint()).observe(part(".fb-picture"));
watch("value", receive);
receive();
