// Arithmetic as pages print it. "=" stands where the numbers, taken as they are printed, give the result as it is
// printed; where their rounding shows, "≈" does.

const TOKEN = /\s*(?:(\d[\d,]*(?:\.\d+)?(?:e-?\d+)?)|(tanh|e\^|[-+*/()√²]))/y;
/** @type {Record<string, string>} */
const TYPED = { "−": "-", "·": "*", "×": "*", "÷": "/" };
/** @type {Record<string, (value: number) => number>} */
const FUNCTIONS = { "-": (value) => -value, "e^": Math.exp, "√": Math.sqrt, tanh: Math.tanh };

/** "0.31 + 0.42 = 0.73". @param {string} left @param {number} result before it is rounded @param {(value: number) => string} write a number as it is printed */
export const equation = (left, result, write) => `${left} ${signOf(left, result, write)} ${write(result)}`;

/** "=" or "≈", between a printed expression and its result. @param {string} left @param {number} result @param {(value: number) => string} write */
export function signOf(left, result, write) {
  if (left.includes("…")) return "="; // most terms are not printed: nobody can reckon it again
  return write(reckoned(left)) === write(result) ? "=" : "≈";
}

/** What an expression of printed numbers gives: + − · × ÷ / e^ √ tanh ² and brackets. @param {string} text */
export function reckoned(text) {
  const reader = new Reader(text.replace(/[−·×÷]/g, (sign) => TYPED[sign]));
  const value = reader.sum();
  if (reader.next !== null) throw new Error(`no arithmetic: ${text}`);
  return value;
}

/** Recursive descent. */
class Reader {
  /** @type {string | null} */ next = null;
  #place = 0;

  /** @param {string} text */
  constructor(text) {
    this.text = text.trimEnd();
    this.#advance();
  }

  #advance() {
    TOKEN.lastIndex = this.#place;
    const found = TOKEN.exec(this.text);
    if (!found && this.#place < this.text.length) throw new Error(`no arithmetic: ${this.text}`);
    this.next = found ? (found[1] ?? found[2]) : null;
    this.#place = TOKEN.lastIndex;
  }

  /** @param {string[]} wanted */
  #take(...wanted) {
    const { next } = this;
    if (next === null || !wanted.includes(next)) return null;
    this.#advance();
    return next;
  }

  /** @returns {number} */
  sum() {
    let total = this.#product();
    for (let sign = this.#take("+", "-"); sign; sign = this.#take("+", "-"))
      total += sign === "+" ? this.#product() : -this.#product();
    return total;
  }

  #product() {
    let product = this.#signed();
    for (let sign = this.#take("*", "/"); sign; sign = this.#take("*", "/"))
      product = sign === "*" ? product * this.#signed() : product / this.#signed();
    return product;
  }

  /** @returns {number} */
  #signed() {
    const name = this.#take(...Object.keys(FUNCTIONS));
    if (name) return FUNCTIONS[name](this.#signed());
    const value = this.#atom();
    return this.#take("²") ? value * value : value;
  }

  #atom() {
    if (this.#take("(")) {
      const inside = this.sum();
      if (!this.#take(")")) throw new Error(`a bracket is open: ${this.text}`);
      return inside;
    }
    const number = Number((this.next ?? "").replace(/,/g, "") || "no number");
    if (Number.isNaN(number)) throw new Error(`a number is missing: ${this.text}`);
    this.#advance();
    return number;
  }
}
