"""Edit the memory: pause in a text, change what the network remembers, and read on beside the unedited run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.opening import opens
from demos.sequences.networks import CHOICES, FIRST, Page, usable_network
from demos.sequences.next_character import STATE_SECONDS
from demos.sequences.reading import MAX_CHARS, noted
from demos.tab import RUN, fold, payload, private
from demos.ui import View, component
from demos.views.memory import ComparisonView, view_of_comparison
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text
from models.sequences.sampling import MAX_SEED, Sampling
from models.sequences.units import tracked_units
from models.text.symbols import unknown_note

if TYPE_CHECKING:
    from models.sequences.editing import Edited
    from models.sequences.edits import Edit, EditKind

EXAMPLE = '"I have never seen such a thing," said the captain, "and I have sailed these seas for twenty years. Look at'
EXAMPLE_POSITION = EXAMPLE.index("years.")
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
TOP_K = 40
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


Shown = tuple[str, ComparisonView, str]
"""The name an edited reading is kept under, its view, and the strip."""


@dataclass(frozen=True)
class Asked:
    """What is to be read, by which network, and how both runs write on."""

    text: str
    network: str
    note: str
    strength: float
    sampling: Sampling


def checked_reading(text: object, model: object, own: str | None, strength: object, seed: object) -> Asked:
    """What the page asks for, or `InputError`."""
    text = check_text(text, name="The text", max_chars=MAX_CHARS, allow_empty=True)
    strength = check_number(strength, name="The strength", low=0, high=1)
    sampling = Sampling.check(TEMPERATURE, TOP_K, 1, seed)
    return Asked(text, *usable_network(model, own), strength, sampling)


def _kept(name: str | None) -> "Edited | None":
    from models.sequences.editing import EDITED

    return EDITED.find(name) if name in EDITED else None


def _compare(asked: Asked, name: str | None, edits: "tuple[Edit, ...]") -> Iterator[Shown]:
    """Read twice and show it; then write on from both and show that too."""
    from models.sequences.editing import EDITED, Edited, compare

    kept = _kept(name)
    same = kept is not None and kept.compared.run.model == asked.network
    before = kept.compared.comparison.unedited if kept and same else None
    strong = tuple(replace(edit, strength=asked.strength) for edit in edits)
    for compared in compare(asked.network, asked.text, strong, before, CONTINUATION, asked.sampling):
        name = EDITED.put(Edited(edits, compared), name)
        view = view_of_comparison(compared.comparison, strong, compared.continuations)
        yield name, view, strip_of(compared.run, note=noted(asked.note, unknown_note(asked.text)))


def compute_comparison(
    text: object, model: object, own: str | None, name: str | None, strength: object, seed: object
) -> Iterator[Shown]:
    """Read the text with the edits made so far. Yields (name, view, strip).

    Edits that do not fit a new text or another network any more are dropped: units mean something else in each network.
    """
    asked, kept = checked_reading(text, model, own, strength, seed), _kept(name)
    yield from _compare(asked, name, _fitting(kept.edits, kept, asked) if kept else ())


def _fitting(edits: "tuple[Edit, ...]", kept: "Edited", asked: Asked) -> "tuple[Edit, ...]":
    same = kept.compared.run.model == asked.network
    return tuple(e for e in edits if e.position <= len(asked.text) and (same or e.kind in ("erase", "paste")))


def compute_edit(
    text: object,
    model: object,
    own: str | None,
    name: str | None,
    strength: object,
    seed: object,
    kind: object,
    position: object,
    units: object,
    factor: object,
    donor: object,
) -> Iterator[Shown]:
    """Add one edit and read again. Yields (name, view, strip)."""
    asked, kept = checked_reading(text, model, own, strength, seed), _kept(name)
    edits = kept.edits if kept else ()
    if len(edits) >= MAX_EDITS:
        raise InputError(f"{MAX_EDITS} edits are made, the most this page takes: undo some first.")
    edit = checked_edit(asked, kind, position, units, factor, donor)
    yield from _compare(asked, name, (*edits, edit))


def checked_edit(asked: Asked, kind: object, position: object, units: object, factor: object, donor: object) -> "Edit":
    """The edit that stands on the page, or `InputError` where it does not fit the network or the text."""
    from models.sequences.edits import WHOLE_MEMORY, Edit, parse_units
    from models.sequences.reading import describe

    chosen = cast("EditKind", check_choice(kind, list(KINDS), name="The edit"))
    numbers: tuple[int, ...] = ()
    if chosen not in WHOLE_MEMORY:
        written = check_text(units, name="The list of units", max_chars=MAX_UNITS_TEXT)
        numbers = parse_units(written, describe(asked.network).units)
    return Edit(
        chosen,
        check_integer(position, name="The position", low=0, high=len(asked.text)),
        numbers,
        check_number(factor, name="The factor", low=-10, high=10),
        check_text(donor, name="The other sentence", max_chars=MAX_CHARS, allow_empty=chosen != "paste"),
    )


def compute_opening(
    text: object, model: object, own: str | None, name: str | None, strength: object, seed: object, *edit: object
) -> Iterator[Shown]:
    """What the page opens on: the example with the edit that the controls hold, a text of one's own as it is."""
    asked = (text, model, own, name, strength, seed)
    yield from compute_edit(*asked, *edit) if text == EXAMPLE else compute_comparison(*asked)


def compute_undo(
    text: object, model: object, own: str | None, name: str | None, strength: object, seed: object, *, every: bool
) -> Iterator[Shown]:
    """Take back the last edit, or all. Yields (name, view, strip)."""
    asked, kept = checked_reading(text, model, own, strength, seed), _kept(name)
    if kept is None or not kept.edits:
        raise InputError("There is no edit to undo.")
    yield from _compare(asked, name, () if every else _fitting(kept.edits[:-1], kept, asked))


def view_pick(pick: object, position: object, name: str | None) -> str:
    """The units that a choice stands for, written out; no network is run."""
    kept = _kept(name)
    if kept is None:
        raise InputError("Read a text first.")
    trace, tracked = kept.compared.comparison.unedited, kept.compared.tracked
    names = {t.feature: [str(u.unit) for u in tracked if u.feature == t.feature] for t in tracked}
    pick = check_choice(pick, [LARGEST, EVERY, *names], name="The choice of units")
    if pick == EVERY:
        return "all"
    if pick in names:
        return ", ".join(names[pick])
    position = check_integer(position, name="The position", low=0, high=len(trace.text) - 1)
    order = abs(trace.hidden_state[position]).argsort()[::-1][:ACTIVE_UNITS]
    return ", ".join(map(str, order))


def view_picks(name: str | None) -> gr.Dropdown:
    """The choices of units for the network that has just read."""
    kept = _kept(name)
    features = dict.fromkeys(t.feature for t in kept.compared.tracked) if kept else {}
    return gr.Dropdown([LARGEST, EVERY, *features], value=None)


def view_fields(kind: object) -> tuple[object, ...]:
    """Show what the chosen edit needs: (units, picks, factor, donor)."""
    kind = check_choice(kind, list(KINDS), name="The edit")
    of_units = kind not in ("erase", "paste")
    shown = (of_units, of_units, kind == "scale", kind == "paste")
    return tuple(gr.update(visible=visible) for visible in shown)


def view_pause(event: gr.EventData) -> int:
    """The position that was clicked."""
    return check_integer(payload(event, "position"), name="The position", low=0, high=MAX_CHARS)


@dataclass(frozen=True)
class Controls:
    """What stands on the left: the text and its network, the next edit, and how all edits are applied."""

    model: gr.Radio
    text: gr.Textbox
    read: gr.Button
    kind: gr.Radio
    position: gr.Number
    units: gr.Textbox
    picks: gr.Dropdown
    factor: gr.Slider
    donor: gr.Textbox
    apply: gr.Button
    undo: gr.Button
    reset: gr.Button
    strength: gr.Slider
    seed: gr.Number


def _controls() -> Controls:
    with fold("Text and edit"):
        model = gr.Radio(CHOICES, value=FIRST, label="Model", elem_id="sequences-edit-model")
        text = gr.Textbox(
            EXAMPLE, label="Text", lines=3, max_lines=8, max_length=MAX_CHARS, elem_id="sequences-edit-text"
        )
        read = gr.Button("Read it", size="sm", elem_id="sequences-edit-read")
        kinds = [(title, name) for name, title in KINDS.items()]
        kind = gr.Radio(kinds, value="erase", label="What to do", elem_id="sequences-edit-kind")
        position = gr.Number(
            EXAMPLE_POSITION,
            precision=0,
            minimum=0,
            maximum=MAX_CHARS,
            label="After character (click the text)",
            elem_id="sequences-edit-position",
        )
        units = gr.Textbox(
            label="Which units",
            info='Such as "3, 17, 200-210" or "all"',
            max_length=MAX_UNITS_TEXT,
            visible=False,
            elem_id="sequences-edit-units",
        )
        features = dict.fromkeys(unit.feature for unit in tracked_units(FIRST))
        picks = gr.Dropdown([LARGEST, EVERY, *features], label="or take", visible=False, elem_id="sequences-edit-picks")
        factor = gr.Slider(-10, 10, 2, step=0.5, label="Factor", visible=False, elem_id="sequences-edit-factor")
        donor = gr.Textbox(
            "The rain fell on the empty street, and she",
            label="Whose memory: that left by this sentence",
            lines=2,
            max_length=MAX_CHARS,
            visible=False,
            elem_id="sequences-edit-donor",
        )
        strength = gr.Slider(0, 1, 1, step=0.05, label="Strength of all edits", elem_id="sequences-edit-strength")
        seed = gr.Number(
            0,
            precision=0,
            minimum=0,
            maximum=MAX_SEED,
            label="Dice for what each writes",
            elem_id="sequences-edit-seed",
        )
    apply = gr.Button("Edit and read on", variant="primary", elem_id="sequences-edit-apply")
    with gr.Row():
        undo = gr.Button("Undo the last", size="sm", min_width=90)
        reset = gr.Button("Undo all", size="sm", min_width=90, elem_id="sequences-edit-reset")
    return Controls(model, text, read, kind, position, units, picks, factor, donor, apply, undo, reset, strength, seed)


def build(own: gr.State) -> Page:
    """The page: the edit on the left, both runs on the right."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            controls = _controls()
        with gr.Column(scale=5, min_width=300):
            view = component("memory_compare", events=("pause",), elem_id="sequences-edit-figure")
            strip = gr.HTML(empty_strip("The network is loaded when you press Read it or make an edit."))
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    _wire(controls, view, strip, own)
    return Page(controls.text, controls.model)


def _wire(c: Controls, view: View, strip: gr.HTML, own: gr.State) -> None:
    name = gr.State(None, time_to_live=STATE_SECONDS)
    keeps(text=c.text, model=c.model, what=c.kind, after=c.position, units=c.units, factor=c.factor, donor=c.donor)
    keeps(strength=c.strength, seed=c.seed)
    inputs, shown = [c.text, c.model, own, name, c.strength, c.seed], [name, view, strip]
    changed = [c.read.click, c.text.submit, c.model.input, c.strength.release, c.seed.submit]
    again = gr.on(changed, compute_comparison, inputs, shown, trigger_mode="always_last", **RUN, **private())
    edit = [c.kind, c.position, c.units, c.factor, c.donor]
    made = c.apply.click(compute_edit, [*inputs, *edit], shown, **RUN, **private())
    for event in (again, made):
        event.success(view_picks, name, c.picks, queue=False, **private())
    opens(compute_opening, [*inputs, *edit], shown)
    c.undo.click(partial(compute_undo, every=False), inputs, shown, **RUN, **private())
    c.reset.click(partial(compute_undo, every=True), inputs, shown, **RUN, **private())
    c.picks.input(view_pick, [c.picks, c.position, name], c.units, queue=False, **private())
    c.kind.change(view_fields, c.kind, [c.units, c.picks, c.factor, c.donor], queue=False, **private())
    view.pause(view_pause, None, c.position, queue=False, **private())
