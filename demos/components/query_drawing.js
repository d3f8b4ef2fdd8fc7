// Shared by the views of one traced picture: packed numbers, boxes over a canvas, chips. Boxes are centre and size as
// shares of the picture unless they are named corners.
const floatsOf = (text) => new Float32Array(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer);
const cornersOf = ([x, y, w, h]) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
const sigmoid = (logit) => 1 / (1 + Math.exp(-logit));

function made(tag, className, text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.textContent = text;
  return node;
}

function chip(text, pressed, action) {
  const button = made("button", "chip", text);
  button.type = "button";
  button.setAttribute("aria-pressed", String(pressed));
  button.addEventListener("click", action);
  return button;
}

function chipRow(name, chips) {
  const row = made("div", "chips");
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", name);
  row.append(made("span", "chips-name", name), ...chips);
  return row;
}

// Rebuilds buttons and gives the focus back to the one in the same place of the same named group.
function keepFocus(root, rebuild) {
  const active = document.activeElement;
  const name = root.contains(active) && active.matches(".chip") ? active.parentElement.getAttribute("aria-label") : null;
  const index = name ? [...active.parentElement.children].indexOf(active) : 0;
  rebuild();
  if (name && !root.contains(active)) root.querySelector(`[aria-label="${name}"]`)?.children[index]?.focus({ preventScroll: true });
}

// A box twice over, paper below ink, so that it is seen on any picture.
function strokeCorners(context, corners, width, height, { color, dash = [], thickness = 2.5, alpha = 1 }) {
  context.save();
  context.globalAlpha = alpha;
  for (const [ink, wide, pattern] of [[role("paper"), thickness + 2, []], [color, thickness, dash]]) {
    context.strokeStyle = ink;
    context.lineWidth = wide;
    context.setLineDash(pattern);
    rectangle(context, corners, width, height);
  }
  context.restore();
}

function writeOn(context, text, x, y, color) {
  context.save();
  context.font = "600 12px system-ui, sans-serif";
  context.textBaseline = "middle";
  const room = context.measureText(text).width + 8;
  const left = Math.max(0, Math.min(x, context.canvas.clientWidth - room));
  const top = Math.max(0, Math.min(y, context.canvas.clientHeight - 18));
  context.fillStyle = color;
  context.fillRect(left, top, room, 18);
  context.fillStyle = role("paper");
  context.fillText(text, left + 4, top + 9.5);
  context.restore();
}
