// Questions to the server while something is moved: only the newest counts.

/** Asks one question at a time; those that come while one is on its way are forgotten but for the last. */
export class NewestOnly {
  #asking = false;
  #again = false;

  /**
   * @param {() => any} question  read when it is asked
   * @param {(question: any) => Promise<any>} ask @param {(answer: any, question: any) => void} use
   */
  constructor(question, ask, use) {
    this.question = question;
    this.answer = ask;
    this.use = use;
  }

  /** Something has changed. */
  async ask() {
    this.#again = this.#asking;
    if (this.#asking) return;
    this.#asking = true;
    const question = this.question();
    const answer = await this.answer(question).catch(() => ({ error: "The server could not be reached." }));
    this.#asking = false;
    if (this.#again) await this.ask();
    else this.use(answer, question);
  }
}
