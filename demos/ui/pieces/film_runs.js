// What a film shows: a run and, if there is one, the run that was forked from it, each with all its steps.

/** @typedef {import("../types.js").FilmView} FilmView */
/** @typedef {import("../types.js").StepView} StepView */
/**
 * @typedef {object} Lane
 * @property {string} run
 * @property {number} from  place of the first step of its own
 * @property {string} changed  what a fork does differently
 * @property {StepView[]} steps  all, those before the fork included
 */

export class FilmRuns {
  /** @type {Lane[]} */ lanes = [];
  count = 0;
  total = 0;

  /**
   * Takes a run as it has come so far.
   * @param {FilmView} film @returns {"new" | "more" | "unknown"} unknown: a fork of a film that is not shown here
   */
  take(film) {
    const known = this.lanes[film.fork ? 1 : 0];
    const more = known?.run === film.run && (film.fork !== null || this.lanes.length === 1);
    if (!more && film.fork && !this.#fork(film.run, film.fork)) return "unknown";
    if (!more && !film.fork) this.lanes = [{ run: film.run, from: 0, changed: "", steps: [] }];
    const lane = this.lanes[this.lanes.length - 1];
    lane.steps = [...(film.fork ? this.lanes[0].steps.slice(0, lane.from) : []), ...film.steps];
    [this.count, this.total] = [film.count, film.total];
    return more ? "more" : "new";
  }

  /** @param {string} run @param {import("../types.js").ForkView} fork */
  #fork(run, fork) {
    const parent = this.lanes.find((lane) => lane.run === fork.run);
    if (!parent) return false;
    this.lanes = [
      { ...parent, from: 0, changed: "" },
      { run, from: fork.place, changed: fork.changed, steps: [] },
    ];
    return true;
  }

  /** How many places the film has so far. */
  get length() {
    return Math.max(0, ...this.lanes.map((lane) => lane.steps.length));
  }

  /** Place of the step that came last. */
  get newest() {
    return (this.lanes[this.lanes.length - 1]?.steps.length ?? 0) - 1;
  }

  /** The step of a lane at a place, its last one where it is shorter. @param {number} lane @param {number} place */
  step(lane, place) {
    const { steps } = this.lanes[lane];
    return steps[place] ?? steps[steps.length - 1];
  }

  /** Whether a lane has a step of its own at a place. @param {number} lane @param {number} place */
  shows(lane, place) {
    const { from, steps } = this.lanes[lane] ?? { from: 0, steps: [] };
    return place >= from && place < steps.length;
  }
}
