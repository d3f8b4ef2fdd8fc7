"""The page "Train one": a small network learns a visitor's text, and loss, gradient and samples change as it does."""

from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.components import Component

from demos.address import keeps
from demos.base import empty_strip
from demos.finding import finding_line, forgets
from demos.inputs.session_file import session_file
from demos.opening import opens
from demos.sequences.learning import (
    DEFAULT,
    EXPLOSION,
    FIRST_TEXT,
    MAX_CHARS,
    TEXTS,
    compute_go_on,
    compute_opening,
    compute_start,
    compute_training,
    load_own,
    save_own,
    values_of,
    view_change,
    view_keep,
    view_pause,
    view_text,
)
from demos.sequences.next_character import STATE_SECONDS
from demos.tab import LIGHT, LONG, fold, private
from demos.ui import component
from models.sequences.sampling import MAX_SEED

CELLS = (("RNN", "rnn"), ("GRU", "gru"), ("LSTM", "lstm"))
UNITS = (16, 32, 64, 128, 256)
LEARNING_RATES = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

LEAD = """Take a text and let a new network learn it here, on this machine. It begins with random weights and reads 32
passages of 64 characters a step; after each step all weights move a little along the gradient."""

MEANING = r"""The loss is the surprise at the next character: 6.64 bits is a blind guess among 100 characters.
Held-out bits are measured on the last tenth of the text (of its first 2,000 characters at most), which is never
trained on: when they rise while the training loss still falls, the network learns by heart. Going back in time, the
gradient is multiplied by one matrix a character, so it shrinks or grows like a power; clipping shortens a gradient
that is too long and keeps its direction.

$$\begin{aligned} \frac{\partial L_T}{\partial h_{T-d}} &= \frac{\partial L_T}{\partial h_T}
\prod_{t=T-d+1}^{T} \frac{\partial h_t}{\partial h_{t-1}} \\
g &\leftarrow g \cdot \min\!\left(1, \frac{c}{\lVert g \rVert}\right) \end{aligned}$$"""

TRY = """- Train on the nursery rhymes for a minute: the training loss goes towards zero, the held-out bits do not.
- Provoke an explosion: a plain RNN whose memory is more than doubled every step. One step along a gradient of several
  thousand throws the weights so far that every unit is stuck at −1 or 1: the loss stays worse than a blind guess. Then
  cure it: the same network, the same dice, the same rate, and every gradient shortened to length 1.
- Compare the three cells by how far back the gradient reaches after a few hundred steps.
- Raise the learning rate while it trains until the loss jumps up, then lower it again."""


Setting = gr.Radio | gr.Dropdown | gr.Checkbox | gr.Slider | gr.Number


@dataclass(frozen=True)
class Controls:
    """What stands on the left. settings: in the order of a `Preset`; buttons: go on, pause, start again, keep."""

    pick: gr.Dropdown
    text: gr.Textbox
    settings: list[Setting]
    buttons: list[gr.Button]
    provoke: gr.Button
    cure: gr.Button


def _controls() -> Controls:
    pick = gr.Dropdown(list(TEXTS), value=FIRST_TEXT, label="A text to learn", elem_id="training-pick")
    with gr.Row():
        go_on = gr.Button("Train", variant="primary", size="sm", min_width=90, elem_id="training-go")
        pause = gr.Button("Pause", size="sm", min_width=90, interactive=False)
        again = gr.Button("Start again", size="sm", min_width=90, interactive=False)
    with fold("Text and network"):
        text = gr.Textbox(
            TEXTS[FIRST_TEXT](),
            label="or your own (200 to 100,000 characters)",
            lines=5,
            max_lines=8,
            max_length=MAX_CHARS,
            elem_id="training-text",
        )
        cell = gr.Radio(CELLS, value=DEFAULT.cell, label="Cell", elem_id="training-cell")
        units = gr.Radio(UNITS, value=DEFAULT.units, label="Units", elem_id="training-units")
        learning_rate = gr.Dropdown(
            [(f"{rate:g}", rate) for rate in LEARNING_RATES],
            value=DEFAULT.learning_rate,
            label="Learning rate",
            info="Takes effect at once, also while it trains",
            elem_id="training-rate",
        )
        keep = gr.Button("Keep it for the other pages", size="sm", interactive=False)
        with gr.Row():
            provoke = gr.Button("Provoke an explosion", size="sm", min_width=130)
            cure = gr.Button("Cure it: clip at 1", size="sm", min_width=130)
        with gr.Accordion("More", open=False):
            optimizer = gr.Radio(["AdamW", "SGD"], value=DEFAULT.optimizer, label="Optimizer")
            clipping = gr.Checkbox(DEFAULT.clipping, label="Clip gradients", elem_id="training-clipping")
            clip = gr.Slider(0.1, 10, DEFAULT.clip, step=0.1, label="Clip at this norm")
            gain = gr.Slider(0.1, 3, DEFAULT.gain, step=0.1, label="Recurrent gain at the start")
            seed = gr.Number(DEFAULT.seed, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
    settings: list[Setting] = [cell, units, learning_rate, optimizer, clipping, clip, gain, seed]
    return Controls(pick, text, settings, [go_on, pause, again, keep], provoke, cure)


def build(own: gr.State) -> None:
    """The page. `own` receives the name of the network that is kept."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            controls = _controls()
        with gr.Column(scale=5, min_width=300):
            finding = finding_line("training-finding")
            curves = component("training_curves", elem_id="training-curves")
            strip = gr.HTML(
                empty_strip("Nothing is loaded: the network is made when you press Train."), elem_id="training-strip"
            )
    gr.Markdown(MEANING, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    kept = session_file("training-file", "the text it learned is not in it, but a network may have learned it by heart")
    kept.keep.click(save_own, own, kept.file, **private(), **LIGHT)
    kept.given.change(load_own, kept.given, [own, strip], **private(), **LIGHT)
    _wire(controls, curves, strip, own, finding)


def _wire(controls: Controls, curves: Component, strip: gr.HTML, own: gr.State, finding: gr.HTML) -> None:
    name = gr.State(None, time_to_live=STATE_SECONDS)
    settings, buttons = controls.settings, controls.buttons
    go_on, pause, again, keep = buttons
    learning_rate, clipping, clip = settings[2], settings[4], settings[5]
    inputs, begun, shown = [controls.text, *settings, name], [name, strip, *buttons], [curves, strip, *buttons]
    names = ("cell", "units", "rate", "optimizer", "clipping", "clip", "gain", "seed")
    keeps(**dict(zip(names, settings, strict=True)))
    started = [
        go_on.click(compute_go_on, inputs, begun, **private()),
        again.click(compute_start, inputs, begun, **private()),
    ]
    for button, outputs, values in (
        (controls.provoke, settings, values_of(EXPLOSION)),
        (controls.cure, [clipping, clip], [True, 1.0]),
    ):
        chosen = button.click(partial(list, values), None, outputs, queue=False, **private())
        started.append(chosen.then(compute_start, inputs, begun, **private()))
    opens(compute_opening, [], [curves, strip, finding], queue=LIGHT)
    for event in started:
        forgets(event.success, finding)
        event.success(compute_training, name, shown, trigger_mode="multiple", **LONG, **private())
    pause.click(view_pause, name, shown, queue=False, **private())
    changed = [control.input for control in (learning_rate, clipping, clip)]
    gr.on(changed, view_change, [learning_rate, clipping, clip, name], None, queue=False, **private())
    controls.pick.input(view_text, controls.pick, controls.text, queue=False, **private())
    keep.click(view_keep, name, [own, strip], **private())
