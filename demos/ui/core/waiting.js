// Waiting is visible: what was asked of the server and gives no sign for a second has its place in the line, what is being
// loaded or how long it runs at the foot of the page, and can be stopped there.

import { element } from "./dom.js";
import { passed, passes } from "./passing.js";
import { said } from "./words.js";

const SILENT_MILLISECONDS = 1000;
const STOPPED_MILLISECONDS = 3000;

/** @typedef {{ id: string, cancel: string, body: any, heard: number, began: number, place: number | null }} Asked */

/** What was asked and is not answered yet. Times are milliseconds of one clock. */
export class Line {
  /** @type {Map<string, Asked>} */ asked = new Map();
  /** @type {Map<string, boolean>} */ #over = new Map(); // answered before their own request was: whether well

  /** @param {{ passes: (event: number) => void, passed: (event: number, again: () => boolean) => void }} strips */
  constructor(strips = { passes: () => undefined, passed: () => undefined }) {
    this.strips = strips;
  }

  /** @param {string} id @param {string} cancel address @param {any} body of the request @param {number} now */
  join(id, cancel, body, now) {
    const well = this.#over.get(id);
    if (!this.#over.delete(id)) this.asked.set(id, { id, cancel, body, heard: now, began: now, place: null });
    if (well !== true) this.strips.passes(body.fn_index);
    if (well === false) this.#failed(body.fn_index);
  }

  /** @param {number} event its number in the page */
  #failed(event) {
    this.strips.passed(event, () => [...this.asked.values()].some(({ body }) => body.fn_index === event));
  }

  /** The visitor has had enough of it. @param {Asked} one */
  leave(one) {
    this.asked.delete(one.id);
    this.#failed(one.body.fn_index);
  }

  /** @param {any} message of the server about an event @param {number} now */
  tell({ msg, event_id, rank, success = true }, now) {
    const one = this.asked.get(event_id);
    if (msg === "process_completed") {
      if (!this.asked.delete(event_id)) this.#over.set(event_id, success);
      else if (one && !success) this.#failed(one.body.fn_index);
    } else if (one && msg === "estimation") one.place = rank + 1;
    else if (one && msg === "process_starts") Object.assign(one, { place: null, began: now, heard: now });
    else if (one && ["process_generating", "process_streaming", "progress"].includes(msg)) one.heard = now;
  }

  /** The event that has given no sign for longest, null where all have. @param {number} now @returns {Asked | null} */
  silent(now) {
    const silent = [...this.asked.values()].filter((one) => now - one.heard >= SILENT_MILLISECONDS);
    return silent.sort((one, other) => one.heard - other.heard)[0] ?? null;
  }
}

/** Messages of a stream of events, and what is left of its text. @param {string} text @returns {[any[], string]} */
export function messagesOf(text) {
  const parts = text.split("\n\n");
  const rest = /** @type {string} */ (parts.pop());
  const data = parts.filter((part) => part.startsWith("data:")).map((part) => part.slice("data:".length));
  return [data.map((part) => JSON.parse(part)), rest];
}

/** @param {Line} line @param {ReadableStream<Uint8Array>} stream */
async function listen(line, stream) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return line.asked.clear();
    const [messages, rest] = messagesOf(text + decoder.decode(value, { stream: true }));
    for (const message of messages) line.tell(message, performance.now());
    text = rest;
  }
}

/** @param {Line} line @param {string} address @param {RequestInit | undefined} request @param {Response} response */
async function note(line, address, request, response) {
  const { event_id } = await response.clone().json();
  const { session_hash, fn_index } = JSON.parse(String(request?.body));
  line.join(
    event_id,
    address.replace(/queue\/join.*/, "cancel"),
    { session_hash, fn_index, event_id },
    performance.now(),
  );
}

/** Follows what Gradio asks of the server, without changing it. @param {Line} line */
function follow(line) {
  const plain = window.fetch;
  window.fetch = async (input, request) => {
    const response = await plain(input, request);
    const address = input instanceof Request ? input.url : String(input);
    if (response.ok && address.includes("/queue/join"))
      await note(line, address, request, response).catch(() => undefined);
    if (!response.ok || !response.body || !address.includes("/queue/data")) return response;
    const [forThePage, forTheLine] = response.body.tee();
    listen(line, forTheLine).catch(() => line.asked.clear()); // a stream that breaks tells of nothing more
    return new Response(forThePage, response);
  };
}

/** @param {Asked} one @param {string[]} loading titles of models @param {number} now */
export function sentenceOf(one, loading, now) {
  if (one.place !== null) return said("Waiting: number %s in line", one.place);
  if (loading.length) return said("Loading %s", loading.join(", "));
  return said("Running for %s s", Math.round((now - one.began) / 1000));
}

class Foot {
  /** @type {string[]} */ #loading = [];
  /** @type {Asked | null} */ #shown = null;
  #stoppedUntil = 0;

  /** @param {Line} line */
  constructor(line) {
    this.line = line;
    this.text = element("span");
    this.stop = element("button", { type: "button", onclick: () => this.#cancel() }, said("Stop"));
    this.root = element("div", { class: "gb-waiting", role: "status", hidden: true }, this.text, this.stop);
    document.body.append(this.root);
    setInterval(() => this.#tick(performance.now()), 500);
  }

  /** @param {number} now */
  #tick(now) {
    const silent = this.line.silent(now);
    if (silent) {
      this.#ask(silent);
      this.#say(sentenceOf(silent, this.#loading, now), true);
    } else if (now > this.#stoppedUntil) this.root.hidden = true;
    this.#shown = silent;
  }

  /** @param {string} sentence @param {boolean} canStop */
  #say(sentence, canStop) {
    if (this.text.textContent !== sentence) this.text.textContent = sentence;
    this.stop.hidden = !canStop;
    this.root.hidden = false;
  }

  /** @param {Asked} silent what is loading is asked once for every event that is silent, and again while it is */
  async #ask(silent) {
    if (silent === this.#shown && !this.#loading.length) return;
    const answer = await fetch(new URL("readyz", document.baseURI));
    this.#loading = answer.ok ? ((await answer.json()).loading ?? []) : [];
  }

  async #cancel() {
    const one = this.#shown;
    if (!one) return;
    this.line.leave(one);
    this.#stoppedUntil = performance.now() + STOPPED_MILLISECONDS;
    this.#say(said("Stopped."), false);
    const headers = { "content-type": "application/json" };
    await fetch(one.cancel, { method: "POST", headers, body: JSON.stringify(one.body) });
  }
}

export function showWaiting() {
  const line = new Line({ passes, passed });
  follow(line);
  new Foot(line);
}
