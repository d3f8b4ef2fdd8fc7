// A mask of few cells as a short text: how many cells are clear, then how many are marked, and so on. A number is written
// five bits a letter, the low ones first; a letter of the second half of the alphabet says that more follow. Addresses
// take it as it is. `demos/inputs/mask.py` reads it too.

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** "" where nothing is marked. @param {Uint8Array} mask of 0 and 1 */
export function textOfMask(mask) {
  if (!mask.some(Boolean)) return "";
  let [text, length, marked] = ["", 0, 0];
  for (const cell of [...mask, -1]) {
    if (cell === marked) length += 1;
    else {
      text += letters(length);
      [marked, length] = [1 - marked, 1];
    }
  }
  return text;
}

/** @param {number} number */
function letters(number) {
  let [text, rest] = ["", number];
  for (; rest > 31; rest = Math.floor(rest / 32)) text += LETTERS[32 + (rest % 32)];
  return text + LETTERS[rest];
}

/** The mask of `cells` that a text says; null where it says none. @param {string} text @param {number} cells */
export function maskOfText(text, cells) {
  const mask = new Uint8Array(cells);
  let [place, marked, length, scale] = [0, 0, 0, 1];
  for (const letter of text) {
    const value = LETTERS.indexOf(letter);
    if (value < 0 || scale > 32 ** 3) return null;
    length += (value % 32) * scale;
    scale *= 32;
    if (value > 31) continue;
    if (place + length > cells) return null;
    mask.fill(marked, place, place + length);
    place += length;
    [marked, length, scale] = [1 - marked, 0, 1];
  }
  return place === cells && scale === 1 ? mask : null;
}
