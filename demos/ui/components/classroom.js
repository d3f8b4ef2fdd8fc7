// A class: a teacher opens a room and gets a code, students enter it, and all answer the same question.

import { element, find } from "../core/dom.js";
import { Room, shares } from "../core/rooms.js";
import { follow } from "../core/shared.js";
import { styleOf } from "../core/style.js";
import { arrivedAt } from "../pieces/page_controls.js";
import { mark, said } from "../pieces/question_card.js";

styleOf(new URL("../pieces/question_card.js", import.meta.url).href);

export const template = `<section class="classroom gb-panel" aria-label="Class" hidden></section>`;

/** @typedef {import("../core/rooms.js").RoomState} RoomState */

export default class Classroom {
  /** @param {import("../core/mount.js").Context} context */
  constructor({ root, server }) {
    this.panel = find(root, ".classroom");
    this.room = new Room(server.classroom, (state, fault) => this.draw(state, fault));
    this.entering = false;
    /** What this student chose, by the number of the question. @type {Map<number, number>} */
    this.chosen = new Map();
    this.drawn = "";
    follow("class-door", root, (wanted) => this.enter(wanted));
    follow("class-question", root, (posed) => this.pose(posed));
    const code = new URL(arrivedAt()).searchParams.get("room");
    if (code) this.enter({ code });
    else this.room.resume().catch(() => undefined);
  }

  show() {}

  /** Someone wants to open a room or to enter one. @param {{ open?: boolean, code?: string }} wanted */
  enter({ open, code }) {
    this.entering = true;
    if (open) this.try(() => this.room.open());
    else if (code) this.try(() => this.room.join(code));
    else this.draw(null, "");
  }

  /** @param {import("../types.js").PredictionView} posed */
  pose({ question, options, right, explanation }) {
    this.try(() => this.room.act("pose", { question: { question, options, right, explanation } }));
  }

  /** @param {() => Promise<void>} act */
  async try(act) {
    try {
      await act();
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      if (this.room.seat) this.complain(sentence);
      else this.draw(null, sentence);
    }
  }

  /** @param {string} sentence */
  complain(sentence) {
    find(this.panel, ".cr-fault").textContent = sentence;
  }

  /** @param {RoomState | null} state @param {string} fault */
  draw(state, fault) {
    this.panel.hidden = !state && !fault && !this.entering;
    const now = JSON.stringify([state, fault, this.entering]);
    if (now === this.drawn) return;
    this.drawn = now;
    const nodes = state
      ? this.room.role === "teacher"
        ? this.forTeacher(state)
        : this.forStudent(state)
      : this.door(fault);
    this.panel.replaceChildren(...nodes);
  }

  /** @param {string} fault @returns {Node[]} */
  door(fault) {
    const code = element("input", {
      type: "text",
      maxlength: 8,
      autocomplete: "off",
      "aria-label": "Code of the room",
      placeholder: "Code",
    });
    const form = element(
      "form",
      {
        class: "cr-row",
        onsubmit: (/** @type {Event} */ event) => this.submit(event, code.value),
      },
      code,
      button("Enter", null, "gb-primary", "submit"),
      button("Open a room of my own", () => this.try(() => this.room.open())),
      button("Close", () => this.away()),
    );
    return [element("b", {}, "Class"), form, fault_(fault)];
  }

  /** @param {Event} event @param {string} code */
  submit(event, code) {
    event.preventDefault();
    this.try(() => this.room.join(code));
  }

  /** A teacher's room ends with it; a student only leaves. */
  async close() {
    this.entering = false;
    if (this.room.role === "teacher") await this.room.act("close");
    else this.room.leave("");
  }

  away() {
    this.entering = false;
    this.draw(null, "");
  }

  /** @param {RoomState} state @returns {Node[]} */
  forTeacher(state) {
    const head = element(
      "p",
      { class: "cr-head" },
      "Your room: ",
      element("b", { class: "cr-code" }, state.code),
      ` · ${state.members} in it`,
    );
    const close = button("Close the room", () => this.try(() => this.close()));
    if (!state.question)
      return [
        head,
        said(
          "Students enter the code on their machines. Take a question under “Predict, then reveal” and press “Ask the class”.",
        ),
        close,
        fault_(""),
      ];
    const reveal = state.revealed
      ? null
      : button("Reveal", () => this.try(() => this.room.act("reveal")), "gb-primary");
    const row = element("div", { class: "cr-row" }, reveal, close);
    return [head, asked(state), tally(state), ...explained(state), row, fault_("")];
  }

  /** @param {RoomState} state @returns {Node[]} */
  forStudent(state) {
    const head = element("p", { class: "cr-head" }, "Room ", element("b", {}, state.code));
    const leave = button("Leave", () => this.close());
    if (!state.question) return [head, said("You are in. Wait for the first question."), leave, fault_("")];
    const chosen = this.chosen.get(state.number);
    const options = (state.options ?? []).map((option, index) => {
      const node = button(option, () => this.answer(state, index), "qc-option");
      node.setAttribute("aria-pressed", String(index === chosen));
      return node;
    });
    if (state.revealed) mark(options, state.right ?? null, chosen ?? null);
    else if (chosen !== undefined) for (const node of options) node.disabled = true;
    const group = element("div", { class: "qc-options", role: "group", "aria-label": "Answers" }, ...options);
    const waiting = state.revealed
      ? null
      : said(chosen === undefined ? "Commit yourself." : "Noted. Wait for the reveal.");
    return [
      head,
      asked(state),
      group,
      ...(state.revealed ? [tally(state)] : []),
      ...explained(state),
      ...(waiting ? [waiting] : []),
      leave,
      fault_(""),
    ];
  }

  /** @param {RoomState} state @param {number} choice */
  answer(state, choice) {
    this.try(async () => {
      await this.room.act("answer", { number: state.number, choice });
      this.chosen.set(state.number, choice);
      this.drawn = "";
      await this.room.look();
    });
  }
}

/** @param {string} text @param {(() => void) | null} onclick @param {string} [style] @param {string} [type] */
const button = (text, onclick, style = "", type = "button") =>
  element("button", { type, class: style, onclick: onclick ?? undefined }, text);

/** @param {string} sentence */
const fault_ = (sentence) => element("p", { class: "cr-fault", role: "alert" }, sentence);

/** @param {RoomState} state */
const asked = ({ question }) => element("p", { class: "qc-question" }, question ?? "");

/** @param {RoomState} state @returns {Node[]} */
const explained = ({ revealed, explanation }) =>
  revealed && explanation ? [element("div", { class: "qc-explanation" }, said(explanation))] : [];

/** The answers so far; the right one is marked once it was revealed. @param {RoomState} state */
function tally({ options = [], tally: counts = [], right, revealed, answered, members }) {
  const part = shares(counts);
  const rows = options.map((option, index) => {
    const fill = element("span", { class: "gb-fill", style: { width: `${100 * part[index]}%` } });
    const track = element("span", { class: "gb-track" }, fill);
    const name = element("span", { class: "cr-option" }, revealed && index === right ? `${option} ✓` : option);
    return element(
      "div",
      { class: "cr-bar", data: { right: revealed && index === right } },
      name,
      track,
      element("span", { class: "gb-number" }, String(counts[index] ?? 0)),
    );
  });
  return element(
    "div",
    { class: "cr-tally" },
    element("p", { class: "gb-caption" }, `${answered} of ${members} have answered.`),
    ...rows,
  );
}
