// Puts a component into its place on the page and gives it every new value.
//
// A module of `components/` exports `template` (HTML, no data in it) and as default a class that is made with a Context and
// has a method `show(value)`, called with the first value and with each new one, null before there is any. `show` may be
// asynchronous; what it throws is said above the view. A style sheet of the component's name lies beside it. With
// `props.follows` it also shows what views share under that name.

import { lookOf } from "./address.js";
import { element as make } from "./dom.js";
import { follow } from "./shared.js";
import { addStyle, stylesReady } from "./style.js";
import { takeControl } from "./take.js";
import { sayAll } from "./words.js";

/**
 * @typedef {object} Context
 * @property {HTMLElement} root  where the component lives, filled with its template
 * @property {any} props  options given in Python, and `value`
 * @property {Record<string, (data?: any) => void>} emit  the component's events, by name
 * @property {any} server  functions of the server, by name
 * @property {(file: File) => Promise<{ path: string, url: string }>} upload
 * @property {(value: any) => Promise<void>} shows  gives the component a value that came past Gradio's events
 * @property {ReturnType<typeof lookOf>} look  what the component keeps in the address of its page
 */

/** @param {string} name @param {any} given what Gradio gives to a script */
export async function mount(name, { element, props, emit, watch, upload, server }) {
  addStyle(new URL(`../components/${name}.css`, import.meta.url).href);
  const module = await import(`../components/${name}.js`);
  await stylesReady();
  const root = element.querySelector(".gb-mount") ?? element;
  root.classList.add("gb-view");
  root.innerHTML = module.template;
  sayAll(root);
  /** @type {any} */
  let shown = null;
  const shows = (/** @type {any} */ value) => {
    shown = value;
    return show();
  };
  const view = new module.default({ root, props, emit, upload, server, shows, look: lookOf(root) });
  const fault = make("p", { class: "gb-fault", role: "alert", hidden: true });
  root.prepend(fault);
  const control = takeControl(root, () => shown);
  if (props.taken) root.append(control.node);
  const show = async () => {
    if (!shown && !fault.hidden) return;
    try {
      await view.show(shown || null);
      fault.hidden = true;
      control.renew();
    } catch (error) {
      console.warn(error);
      fault.textContent = error instanceof Error ? error.message : String(error);
      fault.hidden = false;
      props.value = null; // or the same value, run again, would be no change and not be shown
    }
  };
  watch("value", () => requestAnimationFrame(() => shows(props.value)));
  if (props.follows) follow(props.follows, root, shows);
  await shows(props.value);
  root.dataset.mounted = "true";
}
