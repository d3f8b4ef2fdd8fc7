// A figure as SVG, made of what the browser has laid out: boxes with their borders, lines of text at their places, SVG as it
// is, canvases and photos as pictures inside. Controls that hold a value (sliders, menus, fields) are left out.

import { contextOf } from "../core/canvas.js";
import { svg } from "../core/dom.js";

const LEFT_OUT =
  "input, select, textarea, script, style, template, audio, .katex-mathml, .gb-take, .gb-fault, .gb-unseen, [hidden]";
const STYLES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "font-style",
  "text-anchor",
  "dominant-baseline",
  "visibility",
];
const SCALE = 2;
/** Larger pictures are more than some browsers can paint. */
const MOST_PIXELS = 64e6;

/** @typedef {{ left: number, top: number }} Origin */
/** @typedef {{ text: string, width: number, height: number }} Drawing */

/** @param {HTMLElement} figure @returns {Promise<Drawing>} */
export async function drawing(figure) {
  const frame = figure.getBoundingClientRect();
  const [width, height] = [Math.ceil(frame.width), Math.ceil(frame.height)];
  if (!width || !height) throw new Error("This figure is not on the screen: look at it first.");
  const paper = getComputedStyle(document.body).backgroundColor;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}` });
  root.append(svg("rect", { width, height, fill: paper === "rgba(0, 0, 0, 0)" ? "white" : paper }));
  draw(figure, root, frame);
  return { text: new XMLSerializer().serializeToString(root), width, height };
}

/** A drawing as PNG. @param {Drawing} drawing @returns {Promise<Blob>} */
export async function rasterized({ text, width, height }) {
  const href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = href;
    await image.decode();
    const scale = Math.min(SCALE, Math.sqrt(MOST_PIXELS / (width * height)));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    contextOf(canvas).drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    if (!blob) throw new Error("This browser cannot write this picture.");
    return blob;
  } finally {
    URL.revokeObjectURL(href);
  }
}

/** @param {Element} node @param {SVGElement} into @param {Origin} origin */
function draw(node, into, origin) {
  if (node.matches(LEFT_OUT)) return;
  const style = getComputedStyle(node);
  const rect = node.getBoundingClientRect();
  if (style.display === "none" || style.opacity === "0") return;
  const group = style.opacity === "1" ? into : into.appendChild(svg("g", { opacity: style.opacity }));
  if (isPicture(node)) drawPicture(node, style, rect, group, origin);
  else if (node instanceof SVGSVGElement) group.append(nested(node, rect, origin));
  else if (node instanceof HTMLElement) drawBox(node, style, rect, group, origin);
}

/** @param {Element} node @returns {node is HTMLCanvasElement | HTMLImageElement | HTMLVideoElement} */
const isPicture = (node) =>
  node instanceof HTMLCanvasElement || node instanceof HTMLImageElement || node instanceof HTMLVideoElement;

/** @param {HTMLElement} node @param {CSSStyleDeclaration} style @param {DOMRect} rect @param {SVGElement} into @param {Origin} origin */
function drawBox(node, style, rect, into, origin) {
  if (style.visibility === "visible") for (const part of boxParts(style, rect, origin)) into.append(part);
  const inside = clips(node, style) ? into.appendChild(clipped(rect, origin)) : into;
  for (const child of seenIn(node)) {
    if (child instanceof Element) draw(child, inside, origin);
    else if (child instanceof Text && style.visibility === "visible")
      for (const line of linesOf(child)) inside.append(textOf(line, style, origin));
  }
}

/** What is seen of an element: of a folded section no more than its title. @param {HTMLElement} node */
const seenIn = (node) =>
  node instanceof HTMLDetailsElement && !node.open ? node.querySelectorAll(":scope > summary") : node.childNodes;

/** @param {HTMLElement} node @param {CSSStyleDeclaration} style */
const clips = (node, style) =>
  style.overflow !== "visible" &&
  (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1) &&
  node.clientWidth > 0;

/** A group that shows no more than a box does; an `svg` clips by itself. @param {DOMRect} rect @param {Origin} origin */
function clipped(rect, origin) {
  const [x, y] = [rect.left - origin.left, rect.top - origin.top];
  const { width, height } = rect;
  return svg("svg", { x, y, width, height, viewBox: `${x} ${y} ${width} ${height}`, overflow: "hidden" });
}

/** Background and borders. @param {CSSStyleDeclaration} style @param {DOMRect} rect @param {Origin} origin */
export function boxParts(style, rect, origin) {
  const [left, top] = [rect.left - origin.left, rect.top - origin.top];
  const [right, bottom] = [left + rect.width, top + rect.height];
  const rx = Math.min(Number.parseFloat(style.borderTopLeftRadius) || 0, rect.width / 2, rect.height / 2);
  const sides = ["Top", "Right", "Bottom", "Left"].map((side) => sideOf(style, side));
  const parts = [];
  if (isSeen(style.backgroundColor))
    parts.push(
      svg("rect", { x: left, y: top, width: rect.width, height: rect.height, rx, fill: style.backgroundColor }),
    );
  const [first] = sides;
  if (first && sides.every((side) => side && side.key === first.key)) {
    const inset = first["stroke-width"] / 2;
    const [width, height] = [rect.width - 2 * inset, rect.height - 2 * inset].map((length) => Math.max(0, length));
    parts.push(svg("rect", { ...first, key: null, x: left + inset, y: top + inset, width, height, rx, fill: "none" }));
    return parts;
  }
  const ends = [
    [left, top, right, top],
    [right, top, right, bottom],
    [left, bottom, right, bottom],
    [left, top, left, bottom],
  ];
  for (const [place, side] of sides.entries()) {
    const [x1, y1, x2, y2] = ends[place];
    if (side) parts.push(svg("line", { ...side, key: null, x1, y1, x2, y2 }));
  }
  return parts;
}

/** @param {any} style @param {string} side */
function sideOf(style, side) {
  const width = Number.parseFloat(style[`border${side}Width`]) || 0;
  const [kind, color] = [style[`border${side}Style`], style[`border${side}Color`]];
  if (!width || kind === "none" || kind === "hidden" || !isSeen(color)) return null;
  const dashes = kind === "dashed" ? `${3 * width} ${2 * width}` : kind === "dotted" ? `${width} ${width}` : null;
  return { stroke: color, "stroke-width": width, "stroke-dasharray": dashes, key: `${width} ${kind} ${color}` };
}

/** @param {string} color as a browser computes it */
export const isSeen = (color) => color !== "transparent" && !/^(?:rgba\(.*,|color\(.*\/) ?0\)$/.test(color);

/** The lines of a text as it is broken on the page. @param {Text} node @returns {{ text: string, rect: DOMRect }[]} */
function linesOf(node) {
  /** @type {{ top: number, start: number, end: number }[]} */
  const lines = [];
  const range = document.createRange();
  for (const { index, 0: word } of (node.nodeValue ?? "").matchAll(/\S+\s*/g)) {
    range.setStart(node, index);
    range.setEnd(node, index + word.trimEnd().length);
    const rect = range.getBoundingClientRect();
    if (!rect.width && !rect.height) continue;
    const last = lines.at(-1);
    if (last && Math.abs(last.top - rect.top) < rect.height / 2) last.end = index + word.trimEnd().length;
    else lines.push({ top: rect.top, start: index, end: index + word.trimEnd().length });
  }
  return lines.map(({ start, end }) => {
    range.setStart(node, start);
    range.setEnd(node, end);
    return { text: range.toString().replace(/\s+/g, " "), rect: range.getBoundingClientRect() };
  });
}

const measuring = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");

/** @param {{ text: string, rect: DOMRect }} line @param {CSSStyleDeclaration} style @param {Origin} origin */
function textOf({ text, rect }, style, origin) {
  const [x, y] = [rect.left - origin.left, rect.top - origin.top];
  const vertical = style.writingMode.startsWith("vertical");
  const [long, across] = vertical ? [rect.height, rect.width] : [rect.width, rect.height];
  const baseline = across * ascentOf(style);
  const attributes = {
    x: vertical ? 0 : x,
    y: vertical ? 0 : y + baseline,
    transform: vertical ? `translate(${x + across - baseline} ${y}) rotate(90)` : null,
    fill: style.color,
    "font-family": style.fontFamily,
    "font-size": style.fontSize,
    "font-weight": style.fontWeight,
    "font-style": style.fontStyle === "normal" ? null : style.fontStyle,
    textLength: long > 0 ? long.toFixed(1) : null,
    lengthAdjust: "spacingAndGlyphs",
  };
  return svg("text", attributes, style.textTransform === "uppercase" ? text.toUpperCase() : text);
}

/** Where the baseline lies in a line of text, from its top, as a share. @param {CSSStyleDeclaration} style */
function ascentOf(style) {
  if (!measuring) return 0.8;
  measuring.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  const { fontBoundingBoxAscent: above, fontBoundingBoxDescent: below } = measuring.measureText("x");
  return above / (above + below || 1) || 0.8;
}

/** An SVG of the page with the styles that apply to it. @param {SVGSVGElement} node @param {DOMRect} rect @param {Origin} origin */
function nested(node, rect, origin) {
  const copy = /** @type {SVGSVGElement} */ (node.cloneNode(true));
  const [from, to] = [node, copy].map((one) => [one, ...one.querySelectorAll("*")]);
  for (const [place, one] of from.entries()) {
    const style = getComputedStyle(one);
    if (style.display === "none") to[place].setAttribute("display", "none");
    for (const name of STYLES) to[place].setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex"]) to[place].removeAttribute(name);
  }
  const [x, y] = [rect.left - origin.left, rect.top - origin.top];
  for (const [name, value] of Object.entries({ x, y, width: rect.width, height: rect.height }))
    copy.setAttribute(name, String(value));
  return copy;
}

/**
 * @param {HTMLCanvasElement | HTMLImageElement | HTMLVideoElement} node
 * @param {CSSStyleDeclaration} style @param {DOMRect} rect @param {SVGElement} into @param {Origin} origin
 */
function drawPicture(node, style, rect, into, origin) {
  if (style.visibility !== "visible" || !rect.width || !rect.height) return;
  const href = pixelsOf(node, rect, style.imageRendering === "pixelated");
  if (!href) return;
  const [x, y] = [rect.left - origin.left, rect.top - origin.top];
  const fit = { contain: "xMidYMid meet", cover: "xMidYMid slice" }[style.objectFit] ?? "none";
  into.append(svg("image", { x, y, width: rect.width, height: rect.height, preserveAspectRatio: fit, href }));
  for (const part of boxParts(style, rect, origin))
    if (part.tagName === "line" || part.getAttribute("fill") === "none") into.append(part);
}

/**
 * A picture inside an address. One that is shown in large pixels is enlarged here, as other programs would smooth it.
 * @param {HTMLCanvasElement | HTMLImageElement | HTMLVideoElement} node @param {DOMRect} rect @param {boolean} pixelated
 */
function pixelsOf(node, rect, pixelated) {
  const [width, height] = sizeOf(node);
  if (!width || !height) return null;
  const canvas = document.createElement("canvas");
  const times = pixelated ? Math.max(1, Math.ceil((SCALE * rect.width) / width)) : 1;
  [canvas.width, canvas.height] = [
    width * times,
    height * (pixelated ? Math.max(1, Math.ceil((SCALE * rect.height) / height)) : 1),
  ];
  const context = contextOf(canvas);
  context.imageSmoothingEnabled = !pixelated;
  context.drawImage(node, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}

/** @param {HTMLCanvasElement | HTMLImageElement | HTMLVideoElement} node */
function sizeOf(node) {
  if (node instanceof HTMLCanvasElement) return [node.width, node.height];
  return node instanceof HTMLImageElement
    ? [node.naturalWidth, node.naturalHeight]
    : [node.videoWidth, node.videoHeight];
}
