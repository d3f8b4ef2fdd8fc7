// Where a visitor is in which lesson, kept in this browser alone, so that a lesson can be left and resumed.

const KEPT = "glassbox-lesson";

/** @typedef {{ id: string, tab: string, step: number, text?: string }} Bookmark  text: of a lesson that was loaded */

/** @returns {Bookmark | null} */
export function bookmark() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "null");
    return isBookmark(kept) ? kept : null;
  } catch {
    return null;
  }
}

/** @param {Bookmark | null} place */
export function keep(place) {
  try {
    if (place) localStorage.setItem(KEPT, JSON.stringify(place));
    else localStorage.removeItem(KEPT);
  } catch {
    // nothing can be kept here: the lesson begins anew next time
  }
}

/** @param {any} kept @returns {kept is Bookmark} */
export const isBookmark = (kept) =>
  typeof kept === "object" &&
  kept !== null &&
  typeof kept.id === "string" &&
  typeof kept.tab === "string" &&
  Number.isInteger(kept.step) &&
  kept.step >= 0;

/** The step to go on with: the one kept, if it is of this lesson and there. @param {Bookmark | null} kept @param {{ id: string, steps: unknown[] }} lesson */
export const stepOf = (kept, lesson) => (kept?.id === lesson.id && kept.step < lesson.steps.length ? kept.step : 0);
