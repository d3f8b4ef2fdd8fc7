// Written by `python -m demos.ui.types` from the dataclasses of demos/views. Not to be edited.

export type ArrayHandle = import("./core/arrays.js").ArrayHandle;

/** A category in words and its probability, 0 to 1. */
export interface Answer {
  label: string;
  probability: number;
}

/** The picture with its grid, the answer, and the answer after every layer (`patch_view`). */
export interface AnswersView {
  run: string;
  picture: Picture;
  side: number;
  top: Answer[];
  lens: LensAnswer[];
  title: string;
  before: Answer[];
}

/** What the head would answer after some layers, and what it gives the final answer there (both 0 to 1). */
export interface LensAnswer {
  label: string;
  probability: number;
  final: number;
}

/** A picture and the grid of patches on it. */
export interface Picture {
  image: string;
  rows: number;
  columns: number;
}
