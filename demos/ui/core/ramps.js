// Colours: two maps of values, the same as in `demos/views/colors.py` (a test compares them), and the roles of the style.

const SEQUENTIAL = [
  "#00224e",
  "#123570",
  "#3b496c",
  "#575d6d",
  "#707173",
  "#8a8678",
  "#a59c74",
  "#c3b369",
  "#e1cc55",
  "#fee838",
];
const DIVERGING = ["#0b4f9c", "#3f7fc1", "#8fb6dd", "#d3e2f1", "#fafafa", "#fbe0c8", "#f3b27a", "#dd7f2e", "#a84e06"];

/** @param {string[]} stops @returns {(share: number) => number[]} */
function ramp(stops) {
  const rgb = stops.map((stop) => [1, 3, 5].map((place) => Number.parseInt(stop.slice(place, place + 2), 16)));
  return (share) => {
    const place = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * (rgb.length - 1);
    const below = Math.min(rgb.length - 2, Math.floor(place));
    return rgb[below].map((value, channel) => Math.round(value + (rgb[below + 1][channel] - value) * (place - below)));
  };
}

/** Weights and probabilities: [red, green, blue] of 0 to 1. */
export const sequential = ramp(SEQUENTIAL);

// On a dark page zero is as dark as the paper. Where signs must be seen without hue, lightness grows from −1 to 1.
const DARK = ["#9cc9ff", "#5f9fe6", "#356bab", "#20406b", "#161d2b", "#5a3a1c", "#9a5f20", "#d98a35", "#ffc078"];
const SHADE = ["#04183a", "#16345f", "#33507d", "#5b6c86", "#808080", "#a8927c", "#c9a980", "#e6c48f", "#fff0d0"];

export const SIGNED = { light: ramp(DIVERGING), dark: ramp(DARK), shade: ramp(SHADE) };

let signed = SIGNED.light;

function choose() {
  const shade = document.documentElement.dataset.signs === "shade" || matchMedia("(monochrome)").matches;
  signed = shade ? SIGNED.shade : document.body.classList.contains("dark") ? SIGNED.dark : SIGNED.light;
}

if (typeof MutationObserver !== "undefined") {
  choose();
  new MutationObserver(choose).observe(document.body, { attributes: true, attributeFilter: ["class"] });
}

/** Activations, gradients, differences: [red, green, blue] of -1 to 1. @param {number} value */
export const diverging = (value) => signed((value + 1) / 2);

/** @param {number[]} rgb */
export const css = ([red, green, blue]) => `rgb(${red},${green},${blue})`;

/** The colour of a role (`query`, `memory`, `ink` ...), as the page shows it now. @param {string} name */
export const role = (name) => {
  const place = document.querySelector(".gb-view") ?? document.documentElement;
  return getComputedStyle(place).getPropertyValue(`--gb-${name}`).trim();
};

/** Black or white, whichever is read better on a colour (WCAG relative luminance). @param {number[]} rgb */
export function inkOn(rgb) {
  const [red, green, blue] = rgb.map((value) => ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 ? "#000000" : "#ffffff";
}
