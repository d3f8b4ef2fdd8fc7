// The address says where the visitor is: `?tab=vit&at=features&model=...`. Pages are entries of the history, edits change the
// entry. Only what differs from a page's first values is written. Texts stand in the address only where a link was copied,
// behind the `#` that browsers do not send; for a reload they are kept with the entry of the history.

/**
 * @typedef {{ name: string, first: any, kind: "value" | "text" | "picture", pictures?: Record<string, string> }} Key
 * @typedef {Record<string, string>} Values
 * @typedef {{ keys: Key[], looks: string[], emit: Record<string, (data?: any) => void>, values: any[] | null, ready: boolean }} Page
 * @typedef {{ page: string, panel: string }[]} Table
 */

/** Parameters of others: Gradio's own, and those of where it is hosted. */
const FOREIGN = ["page", "view", "deep_link", "logs", "footer", "vscode"];
const WRITE_AFTER_MILLISECONDS = 600;
/** Characters; a longer query is no link of ours, and Gradio would send it along with every request. */
const LONGEST_QUERY = 8_000;

/** @type {Table} */
let table = [];
/** The page that a tab opens with. @type {Record<string, string>} */
let firstPages = {};
/** @type {Map<string, Page>} */
const pages = new Map();
/** What the address said of a page and nobody has taken yet. @type {Map<string, Values>} */
const wanted = new Map();
/** What components keep in the address themselves. @type {Map<string, Values>} */
const looks = new Map();
let current = "";
/** The page that Back or Forward leads to. */
let heading = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let writing;
/** @type {{ go: () => void, say: (sentence: string) => void } | null} */
let head = null;
/** Whether the visitor went back or forward before there was a head. */
let missed = false;
/** @type {string[]} */
let unheard = [];

/** A value of a control as it stands in an address. @param {any} value @param {Key} key @returns {string} */
export function textOf(value, key) {
  if (key.kind === "picture" && value && typeof value === "object") {
    const name = String(value.orig_name ?? value.path).replace(/^.*[\\/]/, "");
    return key.pictures?.[name] ?? "";
  }
  if (typeof value === "boolean") return value ? "1" : "0";
  return Array.isArray(value) ? value.join(",") : String(value ?? "");
}

/** Tab, page and values of an address. @param {string} href @param {Table} known @param {Record<string, string>} firsts */
export function read(href, known = table, firsts = firstPages) {
  const url = new URL(href);
  const behind = url.hash.includes("=") ? new URLSearchParams(url.hash.slice(1)) : [];
  /** @type {Values} */
  const values = Object.create(null);
  for (const [name, value] of [...url.searchParams, ...behind]) values[name] = value;
  const { tab, at } = values;
  const unknown = [];
  for (const name of ["tab", "at", ...FOREIGN]) delete values[name];
  for (const name of Object.keys(values)) if (name.startsWith("__")) delete values[name];
  const names = new Set(known.map(({ page }) => page));
  let page = [`${tab}/${at}`, tab].find((name) => name && names.has(name)) ?? "";
  if (!page && Object.hasOwn(firsts, String(tab))) {
    page = `${tab}/${firsts[tab]}`;
    if (at !== undefined) unknown.push("at");
  }
  if (tab !== undefined && !page) unknown.push("tab");
  return { page, values, unknown };
}

/**
 * The address of a page with these values; `texts` stand behind the #.
 * @param {string} href @param {string} page @param {Values} values @param {Values} texts
 */
export function write(href, page, values, texts = {}) {
  const url = new URL(href);
  const kept = [...url.searchParams].filter(([name]) => FOREIGN.includes(name) || name.startsWith("__"));
  const [tab, at] = page.split("/");
  const said = [["tab", tab], ...(at ? [["at", at]] : []), ...Object.entries(values), ...kept];
  url.search = new URLSearchParams(said).toString();
  url.hash = new URLSearchParams(texts).toString();
  return url.href;
}

/** Values of a page that are not its first ones, by kind. @param {Page | undefined} page @param {string} name */
function differing(page, name) {
  /** @type {Values} */
  const values = {};
  /** @type {Values} */
  const texts = {};
  let own = false;
  for (const [place, key] of (page?.keys ?? []).entries()) {
    const value = page?.values?.[place] ?? key.first;
    const text = textOf(value, key);
    if (key.kind === "picture" && value && typeof value === "object" && !text) own = true;
    else if (page?.values && text !== textOf(key.first, key)) (key.kind === "text" ? texts : values)[key.name] = text;
  }
  const said = Object.entries(looks.get(name) ?? {}).filter(([key]) => page?.looks.includes(key));
  return { values: { ...values, ...Object.fromEntries(said) }, texts, own };
}

/**
 * Begins with the address of the document; called once the tabs are there. Whoever has clicked before that stays there.
 * @param {Table} known @param {Record<string, string>} firsts @param {string} begun the page that is open at first
 */
export function start(known, firsts, begun) {
  if (table.length) return;
  table = known;
  firstPages = firsts;
  arriveAt(location.href, history.state);
  const chosen = seen();
  if (heading && chosen && chosen !== begun && chosen !== heading) {
    [current, heading] = [heading, ""];
    look();
  }
  if (location.search.length > LONGEST_QUERY) history.replaceState(history.state, "", location.pathname);
  addEventListener("popstate", ({ state }) => {
    arriveAt(location.href, state);
    if (head) head.go();
    else missed = true;
    if (heading === current) apply(current);
  });
}

/** @param {string} href @param {any} state of the history's entry */
function arriveAt(href, state) {
  const { page, values, unknown } = read(href);
  heading = page || state?.glassbox?.page || "";
  if (heading) wanted.set(heading, { ...state?.glassbox?.texts, ...values });
  if (unknown.length) refuse(unknown);
}

/**
 * What every set of tabs is to show, as Gradio takes it; "" names the outer set, others their tab.
 * @param {string[]} sets
 */
export function selections(sets) {
  const [tab, at] = heading.split("/");
  const update = { __type__: "update" };
  return sets.map((name) => {
    const selected = name === "" ? tab : name === tab ? at : undefined;
    return selected ? { ...update, selected } : update;
  });
}

/** Element id of the panel of a page `tab/page`. @param {string} page */
export const panelOf = (page) => table.find((one) => one.page === page)?.panel ?? "";

/** The page whose panel is seen. */
const seen = () => table.find(({ panel }) => document.getElementById(panel)?.getClientRects().length)?.page ?? "";

/** The visitor may be on another page now. */
export function look() {
  requestAnimationFrame(() => requestAnimationFrame(arrived));
}

function arrived() {
  const page = seen();
  if (!page || page === current) return;
  const left = current;
  flush();
  current = page;
  if (heading === page) apply(page);
  else if (left)
    history.pushState(stateOf(page), "", write(location.href, page, differing(pages.get(page), page).values));
  if (!history.state?.glassbox) history.replaceState({ ...history.state, ...stateOf(page) }, "");
  heading = "";
}

/** @param {string} page */
const stateOf = (page) => ({ glassbox: { page, texts: differing(pages.get(page), page).texts } });

/** Back or Forward has come to a page that is open: its controls become what the address says. @param {string} name */
function apply(name) {
  const page = pages.get(name);
  heading = "";
  if (!page?.ready) return;
  const said = take(name);
  const now = differing(page, name);
  if (JSON.stringify(sorted(said)) === JSON.stringify(sorted({ ...now.values, ...now.texts }))) return;
  const first = Object.fromEntries(page.keys.map((key) => [key.name, textOf(key.first, key)]));
  restore(name, { ...first, ...said });
}

/** @param {Values} values */
const sorted = (values) => Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));

/** @param {string} name @returns {Values} */
function take(name) {
  const said = wanted.get(name) ?? {};
  wanted.delete(name);
  return said;
}

/** @param {string} name @param {Values} said @returns {boolean} whether the server is asked */
function restore(name, said) {
  const page = /** @type {Page} */ (pages.get(name));
  const own = page.looks.filter((key) => key in said);
  looks.set(name, Object.fromEntries(own.map((key) => [key, said[key]])));
  wanted.set(name, Object.fromEntries(own.map((key) => [key, said[key]])));
  const rest = Object.entries(said).filter(([key]) => !page.looks.includes(key));
  const known = rest.filter(([key]) => page.keys.some(({ name }) => name === key));
  if (known.length < rest.length)
    refuse(rest.map(([key]) => key).filter((key) => !page.keys.some(({ name }) => name === key)));
  if (!known.length) return false;
  page.emit.restore({ values: Object.fromEntries(known) });
  return true;
}

/**
 * A page is looked at for the first time. Asks the server to put what the address says into its controls, or says that there
 * is nothing to be put there.
 * @param {string} name @param {Pick<Page, "keys" | "looks" | "emit">} page @returns {boolean} whether the server is asked
 */
export function enter(name, { keys, looks: own, emit }) {
  pages.set(name, { keys, looks: own, emit, values: pages.get(name)?.values ?? null, ready: false });
  const before = looks.get(name); // of components that were there first
  const asked = restore(name, take(name));
  looks.set(name, { ...before, ...looks.get(name) });
  if (!asked) settle(name, []);
  return asked;
}

/** What the address said is in the controls of a page, but for these. @param {string} name @param {string[]} refused */
export function settle(name, refused) {
  const page = pages.get(name);
  const again = page?.ready ?? false;
  if (page) page.ready = true;
  if (refused.length) refuse(refused);
  look();
  return again;
}

/** Controls of a page have these values now. @param {string} name @param {any[]} values */
export function changed(name, values) {
  const page = pages.get(name);
  if (page) page.values = values;
  else pages.set(name, { keys: [], looks: [], emit: {}, values, ready: false });
  if (name === current) changedLater();
}

function changedLater() {
  clearTimeout(writing);
  writing = setTimeout(flush, WRITE_AFTER_MILLISECONDS);
}

function flush() {
  clearTimeout(writing);
  const page = pages.get(current);
  if (!page?.ready || heading) return;
  const { values, texts } = differing(page, current);
  const behind = new URLSearchParams(location.hash.slice(1));
  const linked = Object.fromEntries(Object.entries(texts).filter(([name, text]) => behind.get(name) === text));
  const bare = !Object.keys(values).length && !read(location.href).page;
  const href = bare ? location.href : write(location.href, current, values, linked);
  const state = { ...history.state, ...stateOf(current) };
  if (href !== location.href || JSON.stringify(state) !== JSON.stringify(history.state)) {
    history.replaceState(state, "", href);
  }
}

/** The link to what is seen now, with the visitor's texts; and whether a picture of their own had to be left out. */
export function link() {
  const { values, texts, own } = differing(pages.get(current), current);
  return { href: write(location.href, current, values, texts), own };
}

/** What a file keeps of the page that is seen: its values, texts too, and addresses of the visitor's own pictures. */
export function state() {
  const page = pages.get(current);
  const { values, texts } = differing(page, current);
  /** @type {Values} */
  const pictures = {};
  for (const [place, key] of (page?.keys ?? []).entries()) {
    const value = page?.values?.[place];
    if (key.kind === "picture" && value?.url && !textOf(value, key)) pictures[key.name] = value.url;
  }
  return { page: current, values: { ...values, ...texts }, pictures };
}

/** Opens a page with these values, as a link does. @param {string} page @param {Values} values */
export function open(page, values) {
  if (!table.some((one) => one.page === page)) throw new Error("This file is of a page that is not here.");
  if (page !== current) history.pushState(stateOf(page), "", write(location.href, page, {}));
  heading = page;
  wanted.set(page, values);
  head?.go();
  if (page === current) apply(page);
}

/** The component that shows the link and says what was not understood. @param {{ go: () => void, say: (sentence: string) => void }} shown */
export function follow(shown) {
  head = shown;
  if (missed) head.go();
  refuse([]);
}

/** @param {string[]} names */
function refuse(names) {
  unheard = [...new Set([...unheard, ...names.map((name) => name.slice(0, 24))])];
  if (!head || !unheard.length) return;
  head.say(`Part of this link is not understood: ${unheard.slice(0, 5).join(", ")}.`);
  unheard = [];
}

/**
 * What a component keeps in the address of its page: its choices that no control of Gradio has.
 * @param {Element} root
 */
export function lookOf(root) {
  const name = () => {
    for (
      let node = root.closest("[role=tabpanel]");
      node;
      node = node.parentElement?.closest("[role=tabpanel]") ?? null
    ) {
      const found = table.find(({ panel }) => panel === node?.id);
      if (found) return found.page;
    }
    return "";
  };
  return {
    /** What a link said, once. @param {string} key @returns {string | null} */
    take(key) {
      const said = wanted.get(name());
      const value = said?.[key] ?? null;
      if (said) delete said[key];
      return value;
    },
    /** @param {string} key @param {string | number | null} value null: as the page begins */
    set(key, value) {
      const page = name();
      const { [key]: _, ...rest } = looks.get(page) ?? {};
      looks.set(page, value === null ? rest : { ...rest, [key]: String(value) });
      if (page === current) changedLater();
    },
  };
}
