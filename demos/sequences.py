"""Sequences: type, and watch a recurrent network predict the next character and change its memory."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import api

from demos.base import Demo, empty_strip, run_strip, usable_model, visitor_errors
from demos.components.sequence_reader import sequence_reader
from demos.figures.sequences import MAX_BARS, draw_arithmetic, draw_reader, next_characters
from models import runtime, weights
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text
from models.sequences.symbols import ALPHABET, START

if TYPE_CHECKING:
    from models.sequences.trace import SequenceTrace

MAX_CHARS = 1_000
MAX_API_CHARS = 20_000
MAX_SAMPLED = 300
MAX_SEED = 2**31 - 1
LAYERS = ("hidden state", "cell state", "input gate", "forget gate", "candidate", "output gate")
STATE_SECONDS = 3600

LEAD = """A recurrent network reads one character at a time, and all it knows of the past is a list of numbers: its
memory. Type a text, or take an example, and watch it predict what comes next."""

MEANING = r"""Every column of the map is the whole memory after one character; every row is one of its units. The same
weights are used at every step, so a text of any length needs no more parameters. The network is an LSTM: the gates
*i*, *f* and *o* decide what to write, keep and show.

$$\begin{aligned} c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\ h_t &= o_t \odot \tanh(c_t) \\
p(\text{next}) &= \mathrm{softmax}(V h_t + b) \end{aligned}$$"""

TRY = """- Hover over the text or move the slider: the bars and the map go back to what the network knew then.
- Click a bar: the text goes on from there with that character. Sampled and chosen characters are underlined.
- Click the map: the text is coloured by that unit. Look for units that stay on inside quotation marks.
- Choose the cell state and "slow ones first": the units on top keep what they know for a whole text, some of them
  count; those at the bottom forget within a letter or two.
- Write something the books never said, or another language, and see the surprise rise (bits: 1 bit is a coin toss)."""

ALPHABET_NOTE = """The network knows 100 characters: letters, digits and punctuation of English. Curly quotes, dashes
and accented letters are read as their plain forms; anything else, such as an emoji, is read as one symbol for
“unknown” and marked with a wavy line, never dropped."""

EXAMPLES = {
    "A story": "The old house stood at the end of the lane. Nobody had lived there for years, but that night the",
    "An open quote": '"I have never seen such a thing," said the captain, "and I have sailed these seas for',
    "Not in the books": "Il était une fois… 3.14159! The quantum computer said: “zxqj” 🙂 and then it was",
}


@dataclass(frozen=True)
class Reading:
    """What a session keeps: the trace, who made it, and how many characters the visitor typed."""

    model: str
    trace: "SequenceTrace"
    typed: int

    @property
    def text(self) -> str:
        """The text without the line break that comes before it."""
        return self.trace.text[len(START) :]


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


def _loaded(model: str) -> runtime.Loaded:
    from models.sequences import network

    return runtime.load(model, network.load)


def _read(text: str, model: str, before: Reading | None) -> Reading:
    """The reading of a text; what an earlier reading by the same model has in common is not run again."""
    from models.sequences.trace import trace_text

    known = before.trace if before and before.model == model else None
    return Reading(model, trace_text(_loaded(model).network, text, before=known), len(text))


def _write(reading: Reading, character: str) -> Reading:
    from models.sequences.trace import trace_step

    trace = trace_step(_loaded(reading.model).network, reading.trace, character)
    return Reading(reading.model, trace, reading.typed)


def _draw(reading: Reading, look: Look) -> dict[str, object]:
    return draw_reader(reading.trace, look.layer, typed=reading.typed, bars=look.bars)


def _show(make: Callable[[], Reading], look: Look, model: str, note: str = "") -> tuple[Reading, Any, str]:
    """Run a reading and draw it: (state, reader, strip)."""
    loaded, watch = _loaded(model), runtime.Stopwatch()
    with watch("model"):
        reading = make()
    with watch("drawing"):
        drawn = _draw(reading, look)
    return reading, drawn, run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)


def _checked_text(text: object) -> str:
    return check_text(text, name="The text", max_chars=MAX_CHARS, allow_empty=True)


def compute_reading(text: Any, model: Any, layer: Any, bars: Any, before: Reading | None) -> tuple[Any, ...]:
    """Read what was typed. Returns (state, reader, strip)."""
    with visitor_errors():
        text, look = _checked_text(text), Look.check(layer, bars)
        name, note = usable_model(model, "sequences")
        return _show(lambda: _read(text, name, before), look, name, note)


@dataclass(frozen=True)
class Sampling:
    """How the next character is drawn."""

    temperature: float
    top_k: int
    seed: int

    @classmethod
    def check(cls, temperature: object, top_k: object, seed: object) -> "Sampling":
        """Raises `InputError` for a bad value."""
        return cls(
            check_number(temperature, name="The temperature", low=0, high=2),
            check_integer(top_k, name="Top-k", low=1, high=len(ALPHABET)),
            check_integer(seed, name="The seed", low=0, high=MAX_SEED),
        )


def _up_to_date(text: object, model: object, before: Reading | None) -> tuple[Reading, str]:
    text = _checked_text(text)
    name, note = usable_model(model, "sequences")
    if before and before.model == name and before.text == text:
        return before, note
    return _read(text, name, before), note


def _next_character(reading: Reading, sampling: Sampling) -> Reading:
    from models.sequences.trace import choose_next

    if len(reading.text) >= MAX_CHARS:
        raise InputError(f"The text has reached {MAX_CHARS:,} characters, the most this tab draws.")
    character = choose_next(reading.trace, temperature=sampling.temperature, top_k=sampling.top_k, seed=sampling.seed)
    return _write(reading, character)


def compute_step(
    text: Any, model: Any, layer: Any, bars: Any, before: Reading | None, temperature: Any, top_k: Any, seed: Any
) -> tuple[Any, ...]:
    """Draw one character and read it. Returns (state, reader, strip, text)."""
    with visitor_errors():
        look, sampling = Look.check(layer, bars), Sampling.check(temperature, top_k, seed)
        reading, note = _up_to_date(text, model, before)
        shown = _show(lambda: _next_character(reading, sampling), look, reading.model, note)
        return *shown, shown[0].text


def compute_play(
    text: Any,
    model: Any,
    layer: Any,
    bars: Any,
    before: Reading | None,
    temperature: Any,
    top_k: Any,
    seed: Any,
    pace: Any,
) -> Iterator[tuple[Any, ...]]:
    """`compute_step` again and again, `pace` characters a second, until stopped or `MAX_SAMPLED` are written."""
    with visitor_errors():
        pause = 1 / check_number(pace, name="Characters a second", low=1, high=30)
        reading = before
        for _ in range(MAX_SAMPLED):
            started = time.monotonic()
            step = compute_step(text, model, layer, bars, reading, temperature, top_k, seed)
            yield step
            reading, text = step[0], step[3]
            time.sleep(max(0.0, pause - (time.monotonic() - started)))


def view_step_back(layer: Any, bars: Any, reading: Reading | None) -> tuple[Any, ...]:
    """Take the last sampled character back; the trace is shortened, nothing is run. Returns (state, reader, text)."""
    with visitor_errors():
        look = Look.check(layer, bars)
        if reading is None or len(reading.text) <= reading.typed:
            raise InputError("No sampled character is left to take back.")
        shorter = Reading(reading.model, reading.trace.first(len(reading.trace.text) - 1), reading.typed)
        return shorter, _draw(shorter, look), shorter.text


def compute_pick(layer: Any, bars: Any, reading: Reading | None, event: gr.EventData) -> tuple[Any, ...]:
    """Go back to a position and on with another character. Returns (state, reader, strip, text)."""
    with visitor_errors():
        look = Look.check(layer, bars)
        if reading is None:
            raise InputError("Type a text first.")
        character = check_choice(_sent(event, "character"), ALPHABET, name="The next character")
        position = check_integer(
            _sent(event, "position"), name="The position", low=0, high=min(len(reading.text), MAX_CHARS - 1)
        )
        kept = Reading(reading.model, reading.trace.first(position + 1), min(reading.typed, position))
        shown = _show(lambda: _write(kept, character), look, reading.model)
        return *shown, shown[0].text


def view_reading(layer: Any, bars: Any, reading: Reading | None) -> Any:
    """Draw another layer of the stored trace."""
    with visitor_errors():
        look = Look.check(layer, bars)
        return _draw(reading, look) if reading else None


def view_arithmetic(reading: Reading | None, event: gr.EventData) -> str:
    """The arithmetic of one unit at one position, from the stored trace."""
    with visitor_errors():
        if reading is None:
            raise InputError("Type a text first.")
        length, units = reading.trace.hidden_state.shape
        position = check_integer(_sent(event, "position"), name="The position", low=0, high=length - 1)
        unit = check_integer(_sent(event, "unit"), name="The unit", low=0, high=units - 1)
        return draw_arithmetic(reading.trace, position, unit)


def _sent(event: gr.EventData, name: str) -> object:
    return event._data.get(name) if isinstance(event._data, dict) else None


def sequences_next(text: str, model: str = "char-lstm", top_k: int = 10) -> dict[str, Any]:
    """The most probable next characters of a text, by a character-level recurrent network.

    Args:
        text: 1 to 20,000 characters; those outside the alphabet are read as "unknown".
        model: a name of the Sequences tab.
        top_k: how many characters to return, 1 to 100.

    Returns:
        {"model": name, "seconds": duration, "top": [{"token": character, "probability": 0..1}, ...]}, best first.
    """
    with visitor_errors():
        text = check_text(text, name="The text", max_chars=MAX_API_CHARS)
        top_k = check_integer(top_k, name="top_k", low=1, high=len(ALPHABET))
        name, _ = usable_model(model, "sequences")
        from models.sequences.trace import predict_next

        network, start = _loaded(name).network, time.perf_counter()
        probabilities = predict_next(network, text)
        seconds = round(time.perf_counter() - start, 4)
        return {"model": name, "seconds": seconds, "top": next_characters(probabilities, top_k)}


def build() -> None:
    """The tab: text and sampling on the left, the linked figures on the right, explanations below."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    state = gr.State(None, time_to_live=STATE_SECONDS)
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            text = gr.Textbox(
                label="Your text",
                lines=5,
                max_lines=10,
                max_length=MAX_CHARS,
                elem_id="sequences-text",
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
            temperature = gr.Slider(
                0, 2, 0.7, step=0.05, label="Temperature", info="0: always the most probable. 1: as predicted."
            )
            layer = gr.Radio(LAYERS, value=LAYERS[0], label="The map shows", elem_id="sequences-layer")
            with gr.Accordion("More", open=False):
                model = gr.Dropdown(
                    [(weights.find(name).title, name) for name in weights.offered("sequences")],
                    value="char-lstm",
                    label="Model",
                )
                bars = gr.Slider(1, MAX_BARS, 8, step=1, label="Bars (top k)")
                top_k = gr.Slider(1, len(ALPHABET), 40, step=1, label="Sample from the k most probable")
                seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
                pace = gr.Slider(1, 30, 8, step=1, label="Characters a second")
        with gr.Column(scale=5, min_width=300):
            reader = sequence_reader("sequences-reader", listens_to="sequences-text")
            strip = gr.HTML(empty_strip("The model (1.3 M parameters, 2.6 MB) is loaded with the first character."))
    gr.Markdown(MEANING, elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The arithmetic of one unit (click the map)", open=False):
        arithmetic = gr.HTML('<div class="gb-note">Click a cell of the map to see how it got its value.</div>')
    with gr.Accordion("Which characters it knows", open=False):
        gr.Markdown(ALPHABET_NOTE)

    private = partial(dict, api_visibility="private", show_progress="hidden")
    network = {"concurrency_id": "sequences", "concurrency_limit": 2}
    look = [layer, bars, state]
    reading = [text, model, *look]
    sampling = [*reading, temperature, top_k, seed]
    writing = play.click(
        compute_play,
        [*sampling, pace],
        [state, reader, strip, text],
        concurrency_id="sequences-play",
        concurrency_limit=8,
        **private(),
    )
    stop.click(None, cancels=[writing], **private())
    reader.typed(
        compute_reading,
        reading,
        [state, reader, strip],
        trigger_mode="always_last",
        cancels=[writing],
        **network,
        **private(),
    )
    model.input(compute_reading, reading, [state, reader, strip], **network, **private())
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, cancels=[writing], queue=False, **private()).then(
            compute_reading, reading, [state, reader, strip], **network, **private()
        )
    step.click(compute_step, sampling, [state, reader, strip, text], cancels=[writing], **network, **private())
    back.click(view_step_back, look, [state, reader, text], cancels=[writing], **private())
    reader.pick(compute_pick, look, [state, reader, strip, text], cancels=[writing], **network, **private())
    reader.inspect(view_arithmetic, state, arithmetic, **private())
    gr.on([layer.input, bars.input], view_reading, look, reader, trigger_mode="always_last", **private())
    api(sequences_next, api_name="sequences_next", **network)


DEMO = Demo("sequences", "Sequences", build)
