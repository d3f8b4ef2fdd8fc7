// The interface's own words in the visitor's language: those of demos/words/interface.json, which Gradio has at hand.

/** @returns {Record<string, string>} */
function dictionary() {
  const config = /** @type {any} */ (globalThis).gradio_config;
  return config?.i18n_translations?.[document.documentElement.lang] ?? {};
}

/**
 * A word or sentence in the visitor's language, as it is where there is none.
 * @param {string} english @param {...(string | number)} parts what stands in the places of `%s`
 */
export function said(english, ...parts) {
  let text = dictionary()[english] ?? english;
  for (const part of parts) text = text.replace("%s", String(part));
  return text;
}

const SAID = ["aria-label", "title", "placeholder"];

/** Puts the words of a template into the visitor's language, before anything is drawn in it. @param {HTMLElement} root */
export function sayAll(root) {
  if (document.documentElement.lang === "en") return;
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const english = /** @type {string} */ (node.nodeValue).trim();
    if (english) node.nodeValue = /** @type {string} */ (node.nodeValue).replace(english, () => said(english));
  }
  for (const name of SAID)
    for (const node of root.querySelectorAll(`[${name}]`))
      node.setAttribute(name, said(/** @type {string} */ (node.getAttribute(name))));
}
