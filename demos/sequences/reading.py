"""What the page "Next character" answers: a text read, written on, and looked at."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from demos.base import strip_of
from demos.sequences.networks import usable_network
from demos.tab import answering, payload
from demos.take.shown import Event, during, named
from demos.views.sequences import MAX_BARS, ReaderView, Writing, arithmetic_html, units_html, view_of_reading
from demos.views.unrolled import UnrolledView, view_of_cell
from demos.wire import to_wire
from models.compute import Run
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text
from models.runtime import Stopwatch
from models.sequences.sampling import Sampling
from models.text.symbols import ALPHABET, unknown_note

if TYPE_CHECKING:
    from models.sequences.reading import Reading

MAX_CHARS = 1_000
MAX_SAMPLED = 300
GATED_LAYERS = {
    "rnn": (),
    "gru": ("reset gate", "update gate", "candidate"),
    "lstm": ("cell state", "input gate", "forget gate", "candidate", "output gate"),
}
LAYERS = ("hidden state", *GATED_LAYERS["lstm"], "reset gate", "update gate")

EQUATIONS = {
    "rnn": r"""**RNN** (Elman 1990). No gates: at every step the whole memory is rewritten from itself and the
new character.

$$h_t = \tanh(W x_t + U h_{t-1} + b) \qquad p(\text{next}) = \mathrm{softmax}(V h_t + c)$$""",
    "gru": r"""**GRU** (Cho et al. 2014). The update gate *z* decides, unit by unit, how much of the old memory stays;
the reset gate *r* how much of it the candidate *n* may see.

$$\begin{aligned} r_t &= \sigma(W_r x_t + U_r h_{t-1} + b_r) \\ z_t &= \sigma(W_z x_t + U_z h_{t-1} + b_z) \\
n_t &= \tanh(W_n x_t + b_n + r_t \odot (U_n h_{t-1} + c_n)) \\
h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1} \\
p(\text{next}) &= \mathrm{softmax}(V h_t + c) \end{aligned}$$""",
    "lstm": r"""**LSTM** (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000). The gates *i*, *f* and *o*
decide what to write into the cell state *c*, what to keep of it and what to show; *g* is what may be written.

$$\begin{aligned} i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i) \\ f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f) \\
g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g) \\ o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o) \\
c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\ h_t &= o_t \odot \tanh(c_t) \\
p(\text{next}) &= \mathrm{softmax}(V h_t + b) \end{aligned}$$""",
}

Shown = tuple[str, ReaderView, UnrolledView]
"""The name a reading is kept under, what is drawn of it, and the cell at its last character."""


@dataclass(frozen=True)
class Look:
    """How the visitor wants to see a reading."""

    layer: str
    bars: int

    @classmethod
    def check(cls, layer: object, bars: object) -> "Look":
        """Raises `InputError` for a bad value."""
        return cls(
            check_choice(layer, LAYERS, name="The layer"),
            check_integer(bars, name="The number of bars", low=1, high=MAX_BARS),
        )


def kept_reading(name: str | None) -> "Reading":
    """The reading of that name. Raises `InputError` where there is none, or none any more."""
    from models.sequences.reading import READINGS

    if name is None:
        raise InputError("Type a text first.")
    return READINGS.find(name)


def _read(text: str, model: str, name: str | None) -> "tuple[Reading, Run]":
    """The reading of a text; what an earlier reading by the same network has in common is not run again."""
    from models.sequences.reading import READINGS, Reading, describe, read_text

    kept = READINGS.find(name) if name in READINGS else None
    known = kept if kept and kept.facts.name == model else None
    read = read_text(model, text, known.trace if known else None)
    return Reading(known.facts if known else describe(model), read.trace, len(text), LAYERS[0]), read.run


def _write(reading: "Reading", character: str) -> "tuple[Reading, Run]":
    """The reading after one character more, which the visitor has not typed."""
    from models.sequences.reading import read_characters

    read = read_characters(reading.facts.name, character, reading.trace.last())
    return replace(reading, trace=reading.trace.then(read.trace)), read.run


def _sample(reading: "Reading", sampling: Sampling) -> "tuple[Reading, Run]":
    from models.sequences.trace import choose_next

    if len(reading.text) >= MAX_CHARS:
        raise InputError(f"The text has reached {MAX_CHARS:,} characters, the most this page draws.")
    return _write(reading, choose_next(reading.trace, **asdict(sampling)))


def _show(name: str | None, reading: "Reading", look: Look, writing: Writing | None = None) -> Shown:
    """Keep a reading in the place of the one of that name, and draw what it adds to it."""
    from models.sequences.reading import READINGS

    before = READINGS.find(name) if name in READINGS else None
    layer = look.layer if look.layer in reading.trace.layers() else LAYERS[0]
    reading = replace(reading, layer=layer, version=secrets.token_hex(4))
    base, kept = "", 0
    if before and (before.facts.name, before.layer) == (reading.facts.name, layer):
        base, kept = before.version, before.trace.shared(reading.trace.text)
    name = READINGS.put(reading, name if before else None)
    view = view_of_reading(name, reading, bars=look.bars, base=base, kept=kept, writing=writing)
    return name, view, _cell(reading, len(reading.trace.text) - 1)


def _writing(text: str) -> Writing:
    """A new run that writes into the box, which holds `text`."""
    return Writing(secrets.token_hex(4), text)


def _cell(reading: "Reading", position: int) -> UnrolledView:
    from models.sequences.reading import cell_says

    trace = reading.trace
    before = trace.hidden_state[position - 1] if position else np.zeros_like(trace.hidden_state[0])
    says = cell_says(reading.facts.name, int(trace.symbols[position]), before)
    return view_of_cell(trace, position, reading.facts.matrices, reading.facts.parameters, says)


def _shown(
    name: str | None, reading: "Reading", run: Run, look: Look, note: str = "", writing: Writing | None = None
) -> tuple[str, ReaderView, UnrolledView, str]:
    """What `_show` gives, and the strip."""
    watch = Stopwatch()
    with watch("drawing"):
        shown = _show(name, reading, look, writing)
    return *shown, strip_of(run, drawing=watch.seconds["drawing"], note=noted(note, unknown_note(reading.text)))


def noted(*notes: str) -> str:
    """All sentences there are, in one line."""
    return " ".join(filter(None, notes))


def checked_text(text: object) -> str:
    """A text of a length that this page draws, which may be empty."""
    return check_text(text, name="The text", max_chars=MAX_CHARS, allow_empty=True)


def compute_reading(
    text: object, model: object, layer: object, bars: object, name: str | None, own: str | None
) -> tuple[str, ReaderView, UnrolledView, str]:
    """Read what was typed. Returns (name, reader, cell, strip)."""
    text, look = checked_text(text), Look.check(layer, bars)
    network, note = usable_network(model, own)
    return _shown(name, *_read(text, network, name), look, note)


def compute_model(
    text: object, model: object, layer: object, bars: object, name: str | None, own: str | None
) -> tuple[Any, ...]:
    """Read with another network. Returns (name, reader, cell, strip, layers to choose from, equations, units)."""
    shown = compute_reading(text, model, layer, bars, name, own)
    reading = kept_reading(shown[0])
    layers = list(reading.trace.layers())
    radio = gr.Radio(layers, value=reading.layer)
    return *shown, radio, EQUATIONS[reading.facts.cell], units_html(reading.facts.tracked)


def _up_to_date(text: str, network: str, name: str | None) -> "Reading":
    from models.sequences.reading import READINGS

    known = READINGS.find(name) if name in READINGS else None
    if known and known.facts.name == network and known.text == text:
        return known
    return _read(text, network, name)[0]


def compute_step(
    text: str,
    model: object,
    layer: object,
    bars: object,
    name: str | None,
    own: str | None,
    temperature: object,
    top_k: object,
    top_p: object,
    seed: object,
) -> tuple[str, ReaderView, UnrolledView, str]:
    """Draw one character and read it. Returns (name, reader, cell, strip)."""
    look, sampling = Look.check(layer, bars), Sampling.check(temperature, top_k, top_p, seed)
    network, note = usable_network(model, own)
    reading, run = _sample(_up_to_date(checked_text(text), network, name), sampling)
    return _shown(name, reading, run, look, note, _writing(text))


def compute_play(
    text: str,
    model: object,
    layer: object,
    bars: object,
    name: str | None,
    own: str | None,
    temperature: object,
    top_k: object,
    top_p: object,
    seed: object,
    pace: object,
) -> Iterator[tuple[str, ReaderView, UnrolledView, str]]:
    """`compute_step` again and again, `pace` characters a second, until stopped or `MAX_SAMPLED` are written.

    It goes on from what it has written itself. Where the visitor has typed meanwhile, the page drops what still comes.
    """
    pause = 1 / check_number(pace, name="Characters a second", low=1, high=30)
    look, sampling = Look.check(layer, bars), Sampling.check(temperature, top_k, top_p, seed)
    network, note = usable_network(model, own)
    reading, writing = _up_to_date(checked_text(text), network, name), _writing(text)
    for written in range(1, MAX_SAMPLED + 1):
        started = time.monotonic()
        reading, run = _sample(reading, sampling)
        writing = replace(writing, goes_on=written < MAX_SAMPLED)
        name, view, cell = _show(name, reading, look, writing)
        yield name, view, cell, strip_of(run, note=noted(note, unknown_note(reading.text)))
        time.sleep(max(0.0, pause - (time.monotonic() - started)))


def view_step_back(text: str, layer: object, bars: object, name: str | None) -> Shown:
    """Take the last sampled character back; the trace is shortened, nothing is run. (name, reader, cell)."""
    look = Look.check(layer, bars)
    reading = kept_reading(name) if name else None
    if reading is None or len(reading.text) <= reading.typed:
        raise InputError("No sampled character is left to take back.")
    shorter = replace(reading, trace=reading.trace.first(len(reading.trace.text) - 1))
    return _show(name, shorter, look, _writing(text))


def compute_pick(
    text: str,
    model: object,
    layer: object,
    bars: object,
    name: str | None,
    own: str | None,
    event: gr.EventData,
) -> tuple[str, ReaderView, UnrolledView, str]:
    """Go back to a position and on with another character. Returns (name, reader, cell, strip)."""
    look, reading = Look.check(layer, bars), kept_reading(name)
    network, note = usable_network(model, own)
    character = check_choice(payload(event, "character"), ALPHABET, name="The next character")
    last = min(len(reading.text), MAX_CHARS - 1)
    position = check_integer(payload(event, "position"), name="The position", low=0, high=last)
    kept, _ = _read(reading.text[:position], network, name)
    written, run = _write(replace(kept, typed=min(reading.typed, position)), character)
    return _shown(name, written, run, look, note, _writing(text))


def view_reading(layer: object, bars: object, name: str | None) -> ReaderView | None:
    """Draw another layer of the kept reading."""
    look = Look.check(layer, bars)
    return _show(name, kept_reading(name), look)[1] if name else None


def view_follow(bars: object, name: str | None, event: gr.EventData) -> tuple[object, ReaderView | None]:
    """Draw the layer in which a tracked unit lives. Returns (layer, reader)."""
    layer = payload(event, "layer")
    return layer, view_reading(layer, bars, name)


def view_position(name: str | None, event: gr.EventData) -> UnrolledView:
    """The cell as it was at another position, from the kept reading."""
    return _cell(*_position(name, event))


def view_arithmetic(name: str | None, event: gr.EventData) -> str:
    """The arithmetic of one unit at one position, from the kept reading."""
    reading, position = _position(name, event)
    units = reading.trace.hidden_state.shape[1]
    unit = check_integer(payload(event, "unit"), name="The unit", low=0, high=units - 1)
    return arithmetic_html(reading.trace, position, unit)


def _position(name: str | None, event: gr.EventData) -> "tuple[Reading, int]":
    """The reading and where it was pointed at; its end, where the text has become shorter in between."""
    reading = kept_reading(name)
    position = check_integer(payload(event, "position"), name="The position", low=0, high=MAX_CHARS)
    return reading, min(position, len(reading.trace.text) - 1)


@answering
def newest_reading(request: dict[str, Any]) -> ReaderView:
    """What a page that has missed a version lacks of a kept reading.

    `{"reading", "bars", "network", "layer", "text"}`: its name, and what the page shows, the line break included.
    """
    name, bars = str(request.get("reading")), Look.check(LAYERS[0], request.get("bars")).bars
    reading = kept_reading(name)
    same = (request.get("network"), request.get("layer")) == (reading.facts.name, reading.layer)
    kept = reading.trace.shared(str(request.get("text"))) if same else 0
    return view_of_reading(name, reading, bars=bars, kept=kept)


@answering
def typed_reading(request: dict[str, Any]) -> dict[str, Any] | None:
    """What a keystroke adds to the reading that a page shows; None where the page's event must be asked.

    `{"reading", "text", "network", "layer", "bars"}`: its name, and what stands in the controls. The event `typed`
    gives the same, but costs the browser several times what drawing a character does.
    """
    from models.sequences.reading import READINGS

    name, network = str(request.get("reading")), request.get("network")
    if name not in READINGS or READINGS.find(name).facts.name != network:
        return None
    with during(Event()):
        text, layer, bars = (request.get(field) for field in ("text", "layer", "bars"))
        _, reader, cell, strip = compute_reading(text, network, layer, bars, name, None)
        shown = {"reader": reader, "cell": cell}
        sent = {key: named(type(view), to_wire(view), place) for place, (key, view) in enumerate(shown.items())}
    return {**sent, "strip": strip}
