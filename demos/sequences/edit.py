"""Edit the memory: pause in a text, change what the network remembers, and read on beside the unedited run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.base import empty_strip, run_strip, visitor_errors
from demos.components.memory_compare import memory_compare
from demos.sequences.networks import CHOICES, FIRST, Own, Page, usable_network
from demos.sequences.next_token import MAX_CHARS, MAX_SEED, STATE_SECONDS, sent
from demos.views.memory import draw_comparison
from models import runtime
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text
from models.text.symbols import unknown_note

if TYPE_CHECKING:
    from models.sequences.edits import Comparison, Edit
    from models.sequences.units import TrackedUnit

EXAMPLE = '"I have never seen such a thing," said the captain, "and I have sailed these seas for twenty years. Look at'
EXAMPLE_POSITION = 81
KINDS = {
    "erase": "erase the past",
    "paste": "paste another memory",
    "zero": "set units to zero",
    "scale": "scale units",
    "freeze": "freeze units",
    "swap": "swap units",
}
MAX_EDITS = 20
MAX_UNITS_TEXT = 2_000
CONTINUATION = 120
TEMPERATURE = 0.5
ACTIVE_UNITS = 20
LARGEST = "the 20 largest at this character"
EVERY = "every unit"

LEAD = """What is a memory for? Change it and see. Click a character to pause there, choose what to do with the memory,
and the network reads on from the changed state, beside the network that was left alone."""

TRY = """- The example opens a quotation. Erase the past in the middle of it: does the network still know that it must
  be closed?
- Set the units that track "inside quotation marks" to zero, then set as many other units to zero. Which edit matters
  more? That is how one finds out whether a unit that goes along with something is also used for it.
- Paste the memory of another sentence: the network goes on as if it had read that one.
- Freeze all units: the network stops learning from what it reads. Scale them by 3, and it shouts.
- Drag the strength from 0 (nothing is changed, the two runs are equal) to 1.
- Do the same with the RNN: its memory is rewritten at every step, so most edits are soon forgotten."""


@dataclass(frozen=True)
class Session:
    """What the page keeps: the edits made, the last comparison, and the network that it was made with."""

    edits: tuple["Edit", ...] = ()
    comparison: "Comparison | None" = None
    model: str = ""
    tracked: tuple["TrackedUnit", ...] = ()


def _compare(
    text: str, loaded: runtime.Loaded, session: Session, strength: float, seed: int, note: str
) -> Iterator[tuple[Session, Any, str]]:
    """Read twice and show it; then write on from both and show that too."""
    from models.sequences.edits import compare_edits
    from models.sequences.trace import continue_text, trace_text
    from models.sequences.units import tracked_units

    watch, note = runtime.Stopwatch(), " ".join(filter(None, (note, unknown_note(text))))
    with watch("model"):
        trace = trace_text(loaded.network, text, before=_known_trace(session, loaded))
        edits = tuple(replace(edit, strength=strength) for edit in session.edits)
        comparison = compare_edits(loaded.network, trace, edits)
    known = tracked_units(loaded.name) if loaded.weights.kind == "embedded" else ()
    session = Session(session.edits, comparison, loaded.name, known)
    yield session, draw_comparison(comparison, edits), run_strip(loaded, model=watch.seconds["model"], note=note)
    with watch("model"):
        dice: Any = {"temperature": TEMPERATURE, "top_k": 40, "seed": seed}
        runs = (comparison.unedited, comparison.edited)
        written = [continue_text(loaded.network, run, CONTINUATION, **dice) for run in runs]
    with watch("drawing"):
        drawn = draw_comparison(comparison, edits, written)
    strip = run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)
    yield session, drawn, strip


def _known_trace(session: Session, loaded: runtime.Loaded) -> Any:
    return session.comparison.unedited if session.comparison and session.model == loaded.name else None


def _checked(text: object, model: object, own: Own | None, strength: object, seed: object) -> tuple[Any, ...]:
    text = check_text(text, name="The text", max_chars=MAX_CHARS, allow_empty=True)
    strength = check_number(strength, name="The strength", low=0, high=1)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    return text, *usable_network(model, own), strength, seed


def compute_comparison(
    text: Any, model: Any, own: Own | None, session: Session | None, strength: Any, seed: Any
) -> Iterator[tuple[Any, ...]]:
    """Read the text with the edits made so far. Yields (session, figure, strip).

    Edits that do not fit a new text or another network any more are dropped: units mean something else in each network.
    """
    with visitor_errors():
        text, loaded, note, strength, seed = _checked(text, model, own, strength, seed)
        session = session or Session()
        same = session.model in ("", loaded.name)
        kept = tuple(e for e in session.edits if e.position <= len(text) and (same or e.kind in ("erase", "paste")))
        yield from _compare(text, loaded, replace(session, edits=kept), strength, seed, note)


def compute_edit(
    text: Any,
    model: Any,
    own: Own | None,
    session: Session | None,
    strength: Any,
    seed: Any,
    kind: Any,
    position: Any,
    units: Any,
    factor: Any,
    donor: Any,
) -> Iterator[tuple[Any, ...]]:
    """Add one edit and read again. Yields (session, figure, strip)."""
    with visitor_errors():
        from models.sequences.edits import WHOLE_MEMORY, Edit, parse_units

        text, loaded, note, strength, seed = _checked(text, model, own, strength, seed)
        chosen_kind: Any = check_choice(kind, list(KINDS), name="The edit")
        session = session or Session()
        if len(session.edits) >= MAX_EDITS:
            raise InputError(f"{MAX_EDITS} edits are made, the most this page takes: undo some first.")
        chosen = ()
        if chosen_kind not in WHOLE_MEMORY:
            written = check_text(units, name="The list of units", max_chars=MAX_UNITS_TEXT)
            chosen = parse_units(written, loaded.network.config.units)
        edit = Edit(
            chosen_kind,
            check_integer(position, name="The position", low=0, high=len(text)),
            chosen,
            check_number(factor, name="The factor", low=-10, high=10),
            check_text(donor, name="The other sentence", max_chars=MAX_CHARS, allow_empty=chosen_kind != "paste"),
        )
        yield from _compare(text, loaded, replace(session, edits=(*session.edits, edit)), strength, seed, note)


def compute_undo(
    text: Any, model: Any, own: Own | None, session: Session | None, strength: Any, seed: Any, *, every: bool
) -> Iterator[tuple[Any, ...]]:
    """Take back the last edit, or all. Yields (session, figure, strip)."""
    with visitor_errors():
        session = session or Session()
        if not session.edits:
            raise InputError("There is no edit to undo.")
        session = replace(session, edits=() if every else session.edits[:-1])
        yield from compute_comparison(text, model, own, session, strength, seed)


def view_pick(pick: Any, position: Any, session: Session | None) -> str:
    """The units that a choice stands for, written out; no network is run."""
    with visitor_errors():
        if session is None or session.comparison is None:
            raise InputError("Read a text first.")
        trace = session.comparison.unedited
        names = {t.feature: [str(u.unit) for u in session.tracked if u.feature == t.feature] for t in session.tracked}
        pick = check_choice(pick, [LARGEST, EVERY, *names], name="The choice of units")
        if pick == EVERY:
            return "all"
        if pick in names:
            return ", ".join(names[pick])
        position = check_integer(position, name="The position", low=0, high=len(trace.text) - 1)
        order = abs(trace.hidden_state[position]).argsort()[::-1][:ACTIVE_UNITS]
        return ", ".join(map(str, order))


def view_picks(session: Session | None) -> Any:
    """The choices of units for the network that has just read."""
    features = dict.fromkeys(t.feature for t in session.tracked) if session else {}
    return gr.Dropdown([LARGEST, EVERY, *features], value=None)


def view_fields(kind: Any) -> tuple[Any, ...]:
    """Show what the chosen edit needs: (units, picks, factor, donor)."""
    with visitor_errors():
        kind = check_choice(kind, list(KINDS), name="The edit")
        of_units = kind not in ("erase", "paste")
        shown = (of_units, of_units, kind == "scale", kind == "paste")
        return tuple(gr.update(visible=visible) for visible in shown)


def view_pause(event: gr.EventData) -> int:
    """The position that was clicked."""
    with visitor_errors():
        return check_integer(sent(event, "position"), name="The position", low=0, high=MAX_CHARS)


def build(own: gr.State) -> Page:
    """The page: the edit on the left, both runs on the right."""
    session = gr.State(None, time_to_live=STATE_SECONDS)
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            model = gr.Radio(CHOICES, value=FIRST, label="Network", elem_id="sequences-edit-model")
            text = gr.Textbox(
                EXAMPLE, label="Text", lines=3, max_lines=8, max_length=MAX_CHARS, elem_id="sequences-edit-text"
            )
            read = gr.Button("Read it", size="sm", elem_id="sequences-edit-read")
            kind = gr.Radio(
                [(title, name) for name, title in KINDS.items()],
                value="erase",
                label="What to do",
                elem_id="sequences-edit-kind",
            )
            position = gr.Number(
                EXAMPLE_POSITION, precision=0, minimum=0, maximum=MAX_CHARS, label="After character (click the text)"
            )
            units = gr.Textbox(
                label="Which units",
                info='Such as "3, 17, 200-210" or "all"',
                visible=False,
                elem_id="sequences-edit-units",
            )
            picks = gr.Dropdown([LARGEST, EVERY], label="or take", visible=False, elem_id="sequences-edit-picks")
            factor = gr.Slider(-10, 10, 2, step=0.5, label="Factor", visible=False)
            donor = gr.Textbox(
                "The rain fell on the empty street, and she",
                label="Whose memory: that left by this sentence",
                lines=2,
                max_length=MAX_CHARS,
                visible=False,
            )
            apply = gr.Button("Edit and read on", variant="primary", elem_id="sequences-edit-apply")
            with gr.Row():
                undo = gr.Button("Undo the last", size="sm", min_width=90)
                reset = gr.Button("Undo all", size="sm", min_width=90)
            strength = gr.Slider(0, 1, 1, step=0.05, label="Strength of all edits", elem_id="sequences-edit-strength")
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Dice for what each writes")
        with gr.Column(scale=5, min_width=300):
            figure = memory_compare(elem_id="sequences-edit-figure")
            strip = gr.HTML(empty_strip("The network is loaded when you press Read it or make an edit."))
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)

    private = partial(
        dict, api_visibility="private", show_progress="hidden", concurrency_id="sequences", concurrency_limit=2
    )
    view = partial(dict, api_visibility="private", show_progress="hidden", queue=False)
    inputs = [text, model, own, session, strength, seed]
    shown = [session, figure, strip]
    again = gr.on(
        [read.click, text.submit, model.input, strength.release, seed.submit],
        compute_comparison,
        inputs,
        shown,
        trigger_mode="always_last",
        **private(),
    )
    made = apply.click(compute_edit, [*inputs, kind, position, units, factor, donor], shown, **private())
    for event in (again, made):
        event.success(view_picks, session, picks, **view())
    undo.click(partial(compute_undo, every=False), inputs, shown, **private())
    reset.click(partial(compute_undo, every=True), inputs, shown, **private())
    picks.input(view_pick, [picks, position, session], units, **view())
    kind.input(view_fields, kind, [units, picks, factor, donor], **view())
    figure.pause(view_pause, None, position, **view())
    return Page(text, model)
