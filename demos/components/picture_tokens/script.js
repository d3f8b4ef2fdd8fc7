// Tokens that lie on a picture: patches are hovered and picked on it, CLS (token 0) is a button beside it. The same face
// as `tokenStrip`: `show` and `shade`; the shading's scale goes from 0 to the largest patch. `color` paints any colours
// instead. Without `cls` there is no CLS, and a patch stays chosen when it is picked again.
const pictureTokens = (element, { onHover, onPick, cls = true }) => {
  const SIDE = 448;
  const { sequential, css } = window.glassbox;
  element.innerHTML = `
    <canvas class="pt-picture" tabindex="0" role="img" width="${SIDE}" height="${SIDE}"></canvas>
    <div class="pt-controls"><button class="pt-cls" type="button">CLS</button><button class="pt-grid" type="button" aria-pressed="true">grid</button>
    <span class="gb-scale pt-scale"><span>0</span> <canvas width="90" height="8"></canvas> <span class="pt-largest"></span> colour grows with the square root</span></div>`;
  const part = (name) => element.querySelector(name);
  const canvas = part(".pt-picture");
  let [layout, bitmap, share, paint, selected, marked, hovered] = [null, null, null, null, 0, null, null];
  part(".pt-cls").hidden = !cls;

  const box = (token) => {
    const [w, h] = [SIDE / layout.columns, SIDE / layout.rows];
    return [((token - 1) % layout.columns) * w, Math.floor((token - 1) / layout.columns) * h, w, h];
  };

  const outline = (context, token, styles) => {
    for (const [width, style] of styles) {
      context.lineWidth = width;
      context.strokeStyle = style;
      context.strokeRect(...box(token));
    }
  };

  const draw = () => {
    if (!bitmap) return;
    const context = canvas.getContext("2d");
    const grid = part(".pt-grid").getAttribute("aria-pressed") === "true";
    const count = layout.rows * layout.columns;
    context.imageSmoothingEnabled = false;
    context.drawImage(bitmap, 0, 0, SIDE, SIDE);
    let largest = 0;
    if (share) for (let token = 1; token <= count; token++) largest = Math.max(largest, share(token));
    const shading = (token) => {
      const part = Math.sqrt(share(token) / (largest || 1));
      return [...sequential(part), 0.25 + 0.5 * part];
    };
    const fill = paint || (share && shading);
    for (let token = 1; token <= count; token++) {
      if (fill) {
        context.fillStyle = `rgba(${fill(token).join()})`;
        context.fillRect(...box(token));
      }
      if (grid) outline(context, token, [[1, "rgba(255,255,255,.35)"]]);
    }
    if (hovered) outline(context, hovered, [[2, "rgba(255,255,255,.9)"]]);
    if (marked) outline(context, marked, [[5, "#0f172a"], [3, "#f0abfc"]]);
    if (selected) outline(context, selected, [[5, "#0f172a"], [3, "#93c5fd"]]);
    part(".pt-scale").hidden = !share;
    part(".pt-largest").textContent = largest.toPrecision(2);
    part(".pt-cls").setAttribute("aria-pressed", selected === 0);
  };

  const at = (event) => {
    const area = canvas.getBoundingClientRect();
    const cell = (part, whole, cells) => Math.max(0, Math.min(cells - 1, Math.floor((part / whole) * cells)));
    const column = cell(event.clientX - area.left, area.width, layout.columns);
    return 1 + cell(event.clientY - area.top, area.height, layout.rows) * layout.columns + column;
  };

  const hover = (token) => {
    if (token === hovered) return;
    hovered = token;
    draw();
    onHover(token);
  };

  canvas.addEventListener("pointermove", (event) => event.pointerType === "mouse" && layout && hover(at(event)));
  canvas.addEventListener("pointerleave", () => hover(null));
  canvas.addEventListener("click", (event) => {
    const token = at(event);
    onPick(cls && token === selected ? 0 : token);
  });
  canvas.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layout.columns, ArrowDown: layout.columns };
    if (!(event.key in moves)) return;
    event.preventDefault();
    const next = selected ? selected + moves[event.key] : 1;
    if (next >= 1 && next <= layout.rows * layout.columns) onPick(next);
  });
  part(".pt-cls").addEventListener("click", () => onPick(0));
  part(".pt-grid").addEventListener("click", (event) => {
    event.target.setAttribute("aria-pressed", event.target.getAttribute("aria-pressed") !== "true");
    draw();
  });

  const ramp = part(".pt-scale canvas").getContext("2d");
  for (let x = 0; x < 90; x++) {
    ramp.fillStyle = css(sequential(x / 89));
    ramp.fillRect(x, 0, 1, 8);
  }

  // `picture`: { image: an address, rows, columns }.
  const show = async (picture) => {
    const image = new Image();
    image.src = picture.image;
    await image.decode();
    [layout, bitmap, hovered] = [picture, image, null];
    draw();
  };

  // share(token): any number from 0 up, or null for no shading; `chosen` is outlined.
  const shade = (how, chosen) => {
    [share, paint, marked] = [how, null, null];
    choose(chosen);
  };

  // how(token): [red, green, blue, opacity], or null for none; `chosen` and `mark` are outlined, each in its own way.
  const color = (how, chosen, mark = null) => {
    [share, paint, marked] = [null, how, mark];
    choose(chosen);
  };

  const choose = (chosen) => {
    selected = chosen;
    const name = chosen ? patchName(chosen, layout.columns) : cls ? "CLS" : "none";
    canvas.setAttribute("aria-label", `The picture's patches; chosen: ${name}. Arrow keys move it`);
    draw();
  };

  return { show, shade, color };
};

const patchName = (token, columns) => `row ${Math.floor((token - 1) / columns) + 1}, column ${((token - 1) % columns) + 1}`;

// All views of one run choose the same token: whoever picks one tells every view, itself too.
const sharedToken = (onChosen) => {
  document.addEventListener("glassbox-token", ({ detail }) => onChosen(detail));
  return (run, token) => document.dispatchEvent(new CustomEvent("glassbox-token", { detail: { run, token } }));
};
