// A class: the state of a room, kept up to date by asking for it, and what a teacher or a student does there.

import { ask } from "./server.js";
import { share } from "./shared.js";

/**
 * @typedef {object} RoomState
 * @property {string} code @property {number} members @property {number} number @property {number} answered
 * @property {boolean} revealed @property {number} wait  seconds until the next look
 * @property {string} [question] @property {string[]} [options] @property {number[]} [tally]
 * @property {number} [right] @property {string} [explanation]
 */

const KEPT = "glassbox-room";
const SLOWEST_SECONDS = 20;

export class Room {
  /**
   * @param {(request: any) => Promise<any>} call  the server's function
   * @param {(state: RoomState | null, fault: string) => void} show  told of every state; null when there is no room
   */
  constructor(call, show) {
    this.call = call;
    this.show = show;
    /** @type {{ code: string, key?: string, member?: string } | null} */
    this.seat = null;
    this.failed = 0;
    this.timer = 0;
  }

  get role() {
    return this.seat?.key ? "teacher" : this.seat ? "student" : null;
  }

  /** Goes back to the room this browser tab was in, if it is still open. */
  async resume() {
    const kept = sessionStorage.getItem(KEPT);
    if (kept) await this.sit(JSON.parse(kept));
  }

  async open() {
    await this.sit(await ask(this.call, { do: "open" }));
  }

  /** @param {string} code */
  async join(code) {
    await this.sit(await ask(this.call, { do: "join", code }));
  }

  /** @param {{ code: string, key?: string, member?: string }} seat */
  async sit(seat) {
    this.seat = seat;
    sessionStorage.setItem(KEPT, JSON.stringify(seat));
    share("class-room", { role: this.role, code: seat.code });
    await this.look();
  }

  /** Does something in the room and looks at it again. @param {string} what @param {Record<string, unknown>} [more] */
  async act(what, more = {}) {
    await ask(this.call, { do: what, ...this.seat, ...more });
    if (what === "close") this.leave("");
    else await this.look();
  }

  /** @param {string} fault why, if it was not wished for */
  leave(fault) {
    clearTimeout(this.timer);
    this.seat = null;
    sessionStorage.removeItem(KEPT);
    share("class-room", { role: null });
    this.show(null, fault);
  }

  async look() {
    clearTimeout(this.timer);
    if (!this.seat) return;
    let wait = SLOWEST_SECONDS;
    try {
      const state = await ask(this.call, { do: "state", ...this.seat });
      this.failed = 0;
      wait = state.wait;
      this.show(state, "");
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      if (/no room/.test(sentence)) return this.leave("The room was closed.");
      wait = slower(++this.failed); // the server is busy: ask less often
    }
    this.timer = window.setTimeout(() => this.look(), wait * (800 + 400 * Math.random()));
  }
}

/** Seconds to wait after that many failures in a row. @param {number} failed */
export const slower = (failed) => Math.min(SLOWEST_SECONDS, 2 ** failed);

/** Shares of a tally, 0 to 1. @param {number[]} tally */
export function shares(tally) {
  const all = tally.reduce((sum, count) => sum + count, 0);
  return tally.map((count) => (all ? count / all : 0));
}
