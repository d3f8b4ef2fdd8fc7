"""Next character: type, and watch a recurrent network predict what comes next and change its memory."""

from dataclasses import dataclass
from functools import partial

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip
from demos.opening import opens
from demos.sequences.networks import CHOICES, FIRST, Page
from demos.sequences.reading import (
    EQUATIONS,
    GATED_LAYERS,
    MAX_CHARS,
    compute_model,
    compute_pick,
    compute_play,
    compute_reading,
    compute_step,
    newest_reading,
    typed_reading,
    view_arithmetic,
    view_follow,
    view_position,
    view_reading,
    view_step_back,
)
from demos.sequences.unit_finder import units_found, units_off
from demos.tab import LIGHT, Queue, fold, private
from demos.ui import View, component
from demos.views.sequences import MAX_BARS, units_html
from models.sequences.features import FEATURES
from models.sequences.sampling import MAX_SEED
from models.sequences.units import tracked_units
from models.text.symbols import ALPHABET

STATE_SECONDS = 3600
WRITING = Queue(concurrency_id="sequences-play", concurrency_limit=8)
"""Writing sleeps most of the time: it does not stand in the line of those who compute."""

MEANING = r"""Every column of the map is the whole memory, the [hidden state](#term-hidden_state), after one
character; every row is one of its units. The same
weights are used at every step, so a text of any length needs no more parameters."""

TRY = """- Hover over the text or move the slider: the bars and the map go back to what the network knew then.
- Click a bar: the text goes on from there with that character. Sampled and chosen characters are underlined.
- Choose a unit under "follow a unit that tracks" and watch it switch on inside quotation marks or count through a word.
- Read the same text with the RNN, the GRU and the LSTM: which is surprised least, and where?
- Choose the cell state and "slow ones first": the units on top keep what they know for a whole text, some of them
  count; those at the bottom forget within a letter or two.
- Write something the books never said, or another language, and see the [surprise](#term-surprise) rise
  ([bits](#term-bits): 1 bit is a coin toss)."""

ALPHABET_NOTE = """The networks know 100 characters: letters, digits and punctuation of English. Curly quotes, dashes
and accented letters are read as their plain forms; anything else, such as an emoji, is read as one symbol for
“unknown” and marked with a wavy line, never dropped. This page draws up to 1,000 characters."""

EXAMPLES = {
    "A story": "The old house stood at the end of the lane. Nobody had lived there for years, but that night the",
    "An open quote": '"I have never seen such a thing," said the captain, "and I have sailed these seas for',
    "Not in the books": "Il était une fois… 3.14159! The quantum computer said: “zxqj” 🙂 and then it was",
}


@dataclass(frozen=True)
class Controls:
    """What stands on the left: what is read by which network, how it is written on, how it is looked at."""

    model: gr.Radio
    text: gr.Textbox
    examples: list[gr.Button]
    step: gr.Button
    back: gr.Button
    play: gr.Button
    stop: gr.Button
    layer: gr.Radio
    bars: gr.Slider
    sampling: list[gr.Slider | gr.Number]
    pace: gr.Slider


@dataclass(frozen=True)
class Views:
    """What stands on the right and below."""

    reader: View
    strip: gr.HTML
    cell: View
    equations: gr.Markdown
    arithmetic: gr.HTML
    units: gr.HTML


def _controls() -> Controls:
    model = gr.Radio(CHOICES, value=FIRST, label="Model", elem_id="sequences-model")
    text = gr.Textbox(
        EXAMPLES["An open quote"],
        label="Your text",
        lines=3,
        max_lines=3,  # else Gradio lays the page out anew at every key; the box grows by its style
        max_length=MAX_CHARS,
        elem_id="sequences-text",
        elem_classes=["gb-grows"],
        placeholder="Type here",
    )
    with gr.Row():
        examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
    with gr.Row():
        step = gr.Button("Write one character", variant="primary", size="sm", min_width=150)
        back = gr.Button("Step back", size="sm", min_width=90)
    with gr.Row():
        play = gr.Button("Keep writing", size="sm", min_width=110)
        stop = gr.Button("Stop", size="sm", min_width=90)
    with fold("Sampling and map"):
        temperature = gr.Slider(
            0, 2, 0.7, step=0.05, label="Temperature", info="0: always the most probable. 1: as predicted."
        )
        first_layers = ("hidden state", *GATED_LAYERS["lstm"])
        layer = gr.Radio(first_layers, value="cell state", label="The map shows", elem_id="sequences-layer")
        with gr.Accordion("More", open=False):
            bars = gr.Slider(1, MAX_BARS, 8, step=1, label="Bars (top k)", elem_id="sequences-bars")
            top_k = gr.Slider(1, len(ALPHABET), 40, step=1, label="Sample from the k most probable")
            top_p = gr.Slider(0.05, 1, 1, step=0.05, label="Top-p: of these, the most probable that reach")
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
            pace = gr.Slider(1, 30, 8, step=1, label="Characters a second")
    sampling = [temperature, top_k, top_p, seed]
    return Controls(model, text, examples, step, back, play, stop, layer, bars, sampling, pace)


def _explained() -> tuple[gr.Markdown, gr.HTML, gr.HTML]:
    """(equations, arithmetic, units)."""
    gr.Markdown(MEANING, elem_classes="gb-note")
    equations = gr.Markdown(EQUATIONS["lstm"], elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The arithmetic of one unit (click the map)", open=False):
        arithmetic = gr.HTML('<div class="gb-note">Click a cell of the map to see how it got its value.</div>')
    with gr.Accordion("Units that track something", open=False):
        units = gr.HTML(units_html(tracked_units(FIRST)))
    with gr.Accordion("Which characters it knows", open=False):
        gr.Markdown(ALPHABET_NOTE)
    return equations, arithmetic, units


def build(own: gr.State) -> Page:
    """The page: text and sampling on the left, the linked views on the right, explanations below."""
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            controls = _controls()
        with gr.Column(scale=5, min_width=300):
            reader = component(
                "sequence_reader",
                events=("typed", "interrupted", "pick", "inspect", "moved", "follow"),
                server_functions=[newest_reading, typed_reading, units_found, units_off],
                elem_id="sequences-reader",
                box="sequences-text",
                controls={"network": "sequences-model", "layer": "sequences-layer", "bars": "sequences-bars"},
                strip="sequences-strip",
                shares="cell",
                features=list(FEATURES),
            )
            first = empty_strip("The network (1.3 M parameters, 2.6 MB) is loaded with the first character.")
            strip = gr.HTML(first, elem_id="sequences-strip")
    gr.Markdown("### The same cell, again and again")
    cell = component("unrolled", events=("step",), elem_id="sequences-cell", follows="cell")
    _wire(controls, Views(reader, strip, cell, *_explained()), own)
    return Page(controls.text, controls.model)


def _wire(controls: Controls, views: Views, own: gr.State) -> None:
    name = gr.State(None, time_to_live=STATE_SECONDS)
    look = [controls.layer, controls.bars, name]
    reading = [controls.text, controls.model, *look, own]
    heat, top_k, top_p, seed = controls.sampling
    keeps(model=controls.model, text=controls.text, layer=controls.layer, bars=controls.bars)
    keeps(heat=heat, k=top_k, p=top_p, seed=seed, pace=controls.pace)
    sampling = [*reading, *controls.sampling]
    shown = [name, views.reader, views.cell, views.strip]
    described = [*shown, controls.layer, views.equations, views.units]
    reader, cell = views.reader, views.cell
    writing = controls.play.click(compute_play, [*sampling, controls.pace], shown, **WRITING, **private())
    for stop in (controls.stop.click, reader.interrupted):
        stop(None, cancels=[writing], **private())
    typed = reader.typed(
        compute_reading, reading, shown, trigger_mode="always_last", cancels=[writing], **LIGHT, **private()
    )
    stops = {"cancels": [writing, typed], **private()}  # what was asked before must not be shown after
    controls.model.input(compute_model, reading, described, **LIGHT, **stops)
    for button, example in zip(controls.examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, controls.text, queue=False, **stops).then(
            compute_model, reading, described, **LIGHT, **private()
        )
    controls.step.click(compute_step, sampling, shown, **LIGHT, **stops)
    controls.back.click(view_step_back, [controls.text, *look], shown[:3], **stops)
    reader.pick(compute_pick, reading, shown, **LIGHT, **stops)
    reader.inspect(view_arithmetic, name, views.arithmetic, **private())
    reader.moved(view_position, name, cell, trigger_mode="always_last", **private())
    reader.follow(view_follow, [controls.bars, name], [controls.layer, reader], **private())
    cell.step(view_position, name, cell, **private())
    opens(compute_model, reading, described, queue=LIGHT)
    redrawn = [controls.layer.input, controls.bars.input]
    gr.on(redrawn, view_reading, look, reader, trigger_mode="always_last", **private())
