// Tables as rows of text, and rows as CSV.

/** A table as it is seen; a cell over several columns is followed by empty ones. @param {HTMLTableElement} table */
export function rowsOfTable(table) {
  return [...table.rows].map((row) =>
    [...row.cells].flatMap((cell) => [textOf(cell), ...Array(Math.max(0, cell.colSpan - 1)).fill("")]),
  );
}

/** A list whose items have parts. @param {HTMLElement} list */
export const rowsOfList = (list) =>
  [...list.children].map((item) => [...item.children].map((part) => textOf(part)).filter(Boolean));

/** @param {Element} cell */
const textOf = (cell) => (cell.textContent ?? "").replace(/\s+/g, " ").trim();

/**
 * The points of a chart: line, x, y.
 * @param {{ x: string, y: string, series: { name: string, points: [number, number][] }[] }} chart
 */
export function rowsOfSeries({ x, y, series }) {
  const points = series.flatMap(({ name, points }) => points.map(([at, value]) => [name, String(at), String(value)]));
  return [["line", x, y], ...points];
}

/**
 * CSV as RFC 4180 has it. What a spreadsheet would read as a formula is written as text.
 * @param {string[][]} rows
 */
export function csvOf(rows) {
  return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

/** @param {string} text */
function field(text) {
  const plain = /^[=+@\t\r]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
