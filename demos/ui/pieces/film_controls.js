// The buttons of a film: one step back, play, one step on, a slider over all, and where it is. It follows what arrives.

import { find } from "../core/dom.js";
import { clamp } from "../core/keys.js";

const FRAME_MILLISECONDS = 160;

export const filmControls = `
<div class="gb-film-controls controls">
  <button class="back" type="button" aria-label="one step back">◀</button>
  <button class="play" type="button">Play</button>
  <button class="forward" type="button" aria-label="one step forward">▶</button>
  <input class="jump" type="range" min="1" step="1" aria-label="step">
  <output class="where"></output>
</div>`;

/** Which of `length` moments is shown, and whether the newest is while they arrive; no DOM in here. */
export class FilmPlace {
  current = 0;
  follow = true;

  /**
   * Goes to a place; it follows on from the newest one where more is to come.
   * @param {number} place @param {{ length: number, newest: number, total: number }} film
   */
  jump(place, { length, newest, total }) {
    this.current = clamp(place, 0, Math.max(0, length - 1));
    this.follow = this.current === newest && newest + 1 < total;
  }

  /** More has arrived. @param {number} newest */
  arrived(newest) {
    if (this.follow) this.current = newest;
  }
}

export class FilmControls {
  place = new FilmPlace();
  /** @type {ReturnType<typeof setInterval> | undefined} */ #timer;

  /**
   * @param {HTMLElement} node  where `filmControls` stands
   * @param {() => { length: number, newest: number, total: number }} film  as it has come so far
   * @param {() => void} shown  another step was chosen
   */
  constructor(node, film, shown) {
    this.node = node;
    this.film = film;
    this.shown = shown;
    this.#part(".play").addEventListener("click", () => this.play());
    this.#part(".back").addEventListener("click", () => this.go(this.current - 1));
    this.#part(".forward").addEventListener("click", () => this.go(this.current + 1));
    const jump = this.#part(".jump");
    jump.addEventListener("input", () => this.go(Number(jump.value) - 1));
  }

  /** @param {string} selector */
  #part(selector) {
    return find(this.node, selector);
  }

  get current() {
    return this.place.current;
  }

  get playing() {
    return this.#timer !== undefined;
  }

  /** A hand goes to a step. @param {number} place */
  go(place) {
    this.stop();
    this.jump(place);
  }

  /** @param {number} place */
  jump(place) {
    this.place.jump(place, this.film());
    this.shown();
  }

  /** Says where it is. @param {string} text */
  say(text) {
    this.#part(".jump").max = String(this.film().length);
    this.#part(".jump").value = String(this.current + 1);
    this.#part(".where").textContent = text;
  }

  /** Another film begins. */
  begin() {
    this.stop();
    this.place.follow = true;
  }

  /** Plays from the beginning; stands at the end where motion is not wanted. */
  start() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.jump(still ? this.film().length - 1 : 0);
    if (!still) this.play();
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#part(".play").textContent = "Play";
  }

  /** Plays from here, from the beginning where it is over; pauses where it plays. */
  play() {
    if (this.#timer) return this.stop();
    if (this.current >= this.film().length - 1) this.jump(0);
    this.#part(".play").textContent = "Pause";
    this.#timer = setInterval(() => {
      if (this.current < this.film().length - 1) this.jump(this.current + 1);
      else this.stop();
    }, FRAME_MILLISECONDS);
  }
}
