// A text that goes along from the first page of a tab to a page that is opened: only where the visitor has not written
// a text of their own there, and at once, so that nothing typed after the click is lost.

/** @type {Map<string, string>} by page, the text that came along last */
const brought = new Map();

/**
 * What a page that is opened shows.
 * @param {string} page @param {string} example that the page begins with
 * @param {string | null} typed on the first page @param {string | null} here on this page
 * @param {string} [first] example that the first page begins with, which stays there
 */
export function carried(page, example, typed, here, first = "") {
  const own = here !== (brought.get(page) ?? example);
  if (own || !typed?.trim() || typed === first) return here;
  brought.set(page, typed);
  return typed;
}
