import assert from "node:assert/strict";
import test from "node:test";

import { isSeen } from "../../demos/ui/pieces/drawing.js";
import { csvOf, rowsOfSeries, rowsOfTable } from "../../demos/ui/pieces/rows.js";

test("fields with commas, quotes and line ends are quoted", () => {
  const rows = [
    ["a", "b,c"],
    ['say "no"', "two\nlines"],
  ];
  assert.equal(csvOf(rows), 'a,"b,c"\r\n"say ""no""","two\nlines"\r\n');
});

test("what a spreadsheet would compute is text; numbers stay numbers", () => {
  assert.equal(csvOf([["=1+1", "@x", "+1", "-cmd", "-1.5", "-.5", "−2"]]), "'=1+1,'@x,'+1,'-cmd,-1.5,-.5,−2\r\n");
});

test("a chart's lines become rows", () => {
  const chart = {
    x: "layer",
    y: "distance",
    series: [
      {
        name: "mean",
        points: /** @type {any} */ ([
          [1, 0.5],
          [2, 0.25],
        ]),
      },
    ],
  };
  assert.deepEqual(rowsOfSeries(chart), [
    ["line", "layer", "distance"],
    ["mean", "1", "0.5"],
    ["mean", "2", "0.25"],
  ]);
});

test("a cell over two columns takes two fields, spaces are one", () => {
  const cell = (/** @type {string} */ textContent, colSpan = 1) => ({ textContent, colSpan });
  const table = { rows: [{ cells: [cell(" a \n b "), cell("c", 2)] }, { cells: [cell("1"), cell("2"), cell("3")] }] };
  assert.deepEqual(rowsOfTable(/** @type {any} */ (table)), [
    ["a b", "c", ""],
    ["1", "2", "3"],
  ]);
});

test("colours without opacity are not drawn", () => {
  for (const color of ["transparent", "rgba(0, 0, 0, 0)", "color(srgb 1 1 1 / 0)"])
    assert.equal(isSeen(color), false, color);
  for (const color of ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0.4)", "rgb(10, 20, 0)", "color(srgb 1 1 1 / 0.5)"])
    assert.equal(isSeen(color), true, color);
});
