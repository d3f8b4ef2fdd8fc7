// When live frames are sent, how large, and what is measured of them.

import { clamp } from "../core/keys.js";

const SIZES = [1, 0.75, 0.5]; // of the side: smaller frames on a slow network
const SLOW_TRANSFER_MS = 200;
const FAST_TRANSFER_MS = 60;
const TRANSFERS_JUDGED = 7;
const HALF_FRAME_MS = 16; // of a camera: frames come when they come, so aim a little early
const DROPPED_PAUSE_MS = 80;
const KEPT = 60;

/** The value below which `share` of the others lie. @param {number[]} values @param {number} share */
export const quantile = (values, share) =>
  [...values].sort((one, other) => one - other)[Math.floor((values.length - 1) * share)];

/**
 * A frame may follow another so that it meets a model that has just become free: after as long as the server takes for
 * one (its line included), divided by how many it does at once. A frame that comes too early waits, which lengthens the
 * time, and so on.
 */
export class Pacing {
  /** frames that the server does at once */ parallel = 1;
  #size = 0;
  #taken = 0;
  #nextSend = 0;
  #pausedUntil = 0;
  /** @type {number[]} */ #transfers = [];

  /** The share of the side at which frames are sent. */
  get share() {
    return SIZES[this.#size];
  }

  /** @param {number} now ms @param {number} waiting  frames on their way @param {boolean} several  may be on their way */
  mayCapture(now, waiting, several) {
    if (now < this.#pausedUntil) return false;
    return waiting === 0 || (waiting < (several ? this.parallel + 1 : 1) && now >= this.#nextSend);
  }

  /** A frame was captured at `begun`. @param {number} begun ms */
  sent(begun) {
    this.#nextSend = begun + Math.max(0, this.#taken / this.parallel - HALF_FRAME_MS);
  }

  /** A frame was dropped unanswered. @param {number} now ms @param {boolean} several */
  dropped(now, several) {
    if (several) this.#taken *= 1.2;
    else this.#pausedUntil = now + DROPPED_PAUSE_MS;
  }

  /** A frame was answered. @param {number} server ms @param {number} transfer ms @returns {boolean} whether the size changed */
  answered(server, transfer) {
    this.#taken = this.#taken ? this.#taken + 0.2 * (server - this.#taken) : server;
    this.#transfers = [...this.#transfers.slice(1 - TRANSFERS_JUDGED), transfer];
    if (this.#transfers.length < TRANSFERS_JUDGED) return false;
    const [before, median] = [this.#size, quantile(this.#transfers, 0.5)];
    const step = median > SLOW_TRANSFER_MS ? 1 : median < FAST_TRANSFER_MS ? -1 : 0;
    this.#size = clamp(before + step, 0, SIZES.length - 1);
    if (this.#size === before) return false;
    this.#transfers = [];
    return true;
  }
}

/** How long the last frames took from the camera to their boxes, and how many there are a second. */
export class Latencies {
  /** @type {{ at: number, latency: number }[]} ms */ #kept = [];

  /** @param {number} at @param {number} latency ms */
  add(at, latency) {
    this.#kept = [...this.#kept.slice(1 - KEPT), { at, latency }];
  }

  get count() {
    return this.#kept.length;
  }

  /** Frames a second, 0 before the second one. */
  get rate() {
    const kept = this.#kept;
    const span = kept.length ? kept[kept.length - 1].at - kept[0].at : 0;
    return span ? ((kept.length - 1) * 1000) / span : 0;
  }

  /** @param {number} share */
  within(share) {
    return quantile(
      this.#kept.map(({ latency }) => latency),
      share,
    );
  }
}
