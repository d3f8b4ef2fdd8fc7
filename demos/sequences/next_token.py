"""Next character: type, and watch a recurrent network predict what comes next and change its memory."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.events import api

from demos.base import empty_strip, run_strip, visitor_errors
from demos.components.sequence_reader import sequence_reader
from demos.components.unrolled import unrolled
from demos.sequences.networks import CHOICES, FIRST, Own, Page, usable_network
from demos.views.sequences import MAX_BARS, draw_arithmetic, draw_reader, draw_units, next_characters
from demos.views.unrolled import draw_cell
from models import runtime
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text
from models.text.symbols import ALPHABET, START, unknown_note
from models.weights import find

if TYPE_CHECKING:
    from models.sequences.trace import SequenceTrace
    from models.sequences.units import TrackedUnit
    from models.sequences.unrolled import WeightMap

MAX_CHARS = 1_000
MAX_API_CHARS = 20_000
MAX_SAMPLED = 300
API_CHARS_PER_ANSWER = 20
MAX_SEED = 2**31 - 1
GATED_LAYERS = {
    "rnn": (),
    "gru": ("reset gate", "update gate", "candidate"),
    "lstm": ("cell state", "input gate", "forget gate", "candidate", "output gate"),
}
LAYERS = ("hidden state", *GATED_LAYERS["lstm"], "reset gate", "update gate")
STATE_SECONDS = 3600

MEANING = r"""Every column of the map is the whole memory after one character; every row is one of its units. The same
weights are used at every step, so a text of any length needs no more parameters."""

EQUATIONS = {
    "rnn": r"""**RNN** (Elman 1990). No gates: at every step the whole memory is rewritten from itself and the
new character.

$$h_t = \tanh(W x_t + U h_{t-1} + b) \qquad p(\text{next}) = \mathrm{softmax}(V h_t + c)$$""",
    "gru": r"""**GRU** (Cho et al. 2014). The update gate *z* decides, unit by unit, how much of the old memory stays;
the reset gate *r* how much of it the candidate *n* may see.

$$\begin{aligned} n_t &= \tanh(W_n x_t + r_t \odot U_n h_{t-1} + b_n) \\
h_t &= (1 - z_t) \odot n_t + z_t \odot h_{t-1} \\
p(\text{next}) &= \mathrm{softmax}(V h_t + c) \end{aligned}$$""",
    "lstm": r"""**LSTM** (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000). The gates *i*, *f* and *o*
decide what to write into the cell state *c*, what to keep of it and what to show.

$$\begin{aligned} c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\ h_t &= o_t \odot \tanh(c_t) \\
p(\text{next}) &= \mathrm{softmax}(V h_t + b) \end{aligned}$$""",
}

TRY = """- Hover over the text or move the slider: the bars and the map go back to what the network knew then.
- Click a bar: the text goes on from there with that character. Sampled and chosen characters are underlined.
- Choose a unit under "follow a unit that tracks" and watch it switch on inside quotation marks or count through a word.
- Read the same text with the RNN, the GRU and the LSTM: which is surprised least, and where?
- Choose the cell state and "slow ones first": the units on top keep what they know for a whole text, some of them
  count; those at the bottom forget within a letter or two.
- Write something the books never said, or another language, and see the surprise rise (bits: 1 bit is a coin toss)."""

ALPHABET_NOTE = """The networks know 100 characters: letters, digits and punctuation of English. Curly quotes, dashes
and accented letters are read as their plain forms; anything else, such as an emoji, is read as one symbol for
“unknown” and marked with a wavy line, never dropped. This page draws up to 1,000 characters."""

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
    facts: "Facts"

    @property
    def text(self) -> str:
        """The text without the line break that comes before it."""
        return self.trace.text[len(START) :]


@dataclass(frozen=True)
class Facts:
    """What is drawn of a network besides its trace: weight matrices, parameters, units known to track something."""

    matrices: tuple["WeightMap", ...]
    parameters: int
    tracked: tuple["TrackedUnit", ...]


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


def _facts(loaded: runtime.Loaded) -> Facts:
    from models.sequences.units import tracked_units
    from models.sequences.unrolled import weight_maps
    from models.text.recurrent import matrices

    known = tracked_units(loaded.name) if loaded.weights.kind == "embedded" else ()
    return Facts(weight_maps(matrices(loaded.network)), loaded.parameters, known)


def _read(text: str, loaded: runtime.Loaded, before: Reading | None) -> Reading:
    """The reading of a text; what an earlier reading by the same model has in common is not run again."""
    from models.sequences.trace import trace_text

    known = before if before and before.model == loaded.name else None
    trace = trace_text(loaded.network, text, before=known.trace if known else None)
    return Reading(loaded.name, trace, len(text), known.facts if known else _facts(loaded))


def _write(reading: Reading, loaded: runtime.Loaded, character: str) -> Reading:
    from models.sequences.trace import trace_step

    return replace(reading, trace=trace_step(loaded.network, reading.trace, character))


def _draw(reading: Reading, look: Look) -> tuple[dict[str, object], dict[str, object]]:
    """(reader, unrolled cell at the last character)."""
    layer = look.layer if look.layer in reading.trace.layers() else LAYERS[0]
    reader = draw_reader(reading.trace, layer, typed=reading.typed, bars=look.bars, tracked=reading.facts.tracked)
    return reader, _draw_cell(reading, len(reading.trace.text) - 1)


def _draw_cell(reading: Reading, position: int) -> dict[str, object]:
    return draw_cell(reading.trace, position, reading.facts.matrices, reading.facts.parameters)


def _show(
    make: Callable[[], Reading], look: Look, loaded: runtime.Loaded, note: str = ""
) -> tuple[Reading, Any, Any, str]:
    """Run a reading and draw it: (state, reader, cell, strip)."""
    watch = runtime.Stopwatch()
    with watch("model"):
        reading = make()
    with watch("drawing"):
        drawn = _draw(reading, look)
    note = " ".join(filter(None, (note, unknown_note(reading.text))))
    return reading, *drawn, run_strip(loaded, model=watch.seconds["model"], drawing=watch.seconds["drawing"], note=note)


def _checked_text(text: object) -> str:
    return check_text(text, name="The text", max_chars=MAX_CHARS, allow_empty=True)


def compute_reading(
    text: Any, model: Any, layer: Any, bars: Any, before: Reading | None, own: Own | None
) -> tuple[Any, ...]:
    """Read what was typed. Returns (state, reader, cell, strip)."""
    with visitor_errors():
        text, look = _checked_text(text), Look.check(layer, bars)
        loaded, note = usable_network(model, own)
        return _show(lambda: _read(text, loaded, before), look, loaded, note)


def compute_model(
    text: Any, model: Any, layer: Any, bars: Any, before: Reading | None, own: Own | None
) -> tuple[Any, ...]:
    """Read with another network. Returns (state, reader, cell, strip, layers to choose from, equations, units)."""
    shown = compute_reading(text, model, layer, bars, before, own)
    trace, facts = shown[0].trace, shown[0].facts
    layers = list(trace.layers())
    cell = next(cell for cell, names in GATED_LAYERS.items() if tuple(layers[1:]) == names)
    radio = gr.Radio(layers, value=layer if layer in layers else layers[0])
    return *shown, radio, EQUATIONS[cell], draw_units(facts.tracked)


@dataclass(frozen=True)
class Sampling:
    """How the next character is drawn."""

    temperature: float
    top_k: int
    top_p: float
    seed: int

    @classmethod
    def check(cls, temperature: object, top_k: object, top_p: object, seed: object) -> "Sampling":
        """Raises `InputError` for a bad value."""
        return cls(
            check_number(temperature, name="The temperature", low=0, high=2),
            check_integer(top_k, name="Top-k", low=1, high=len(ALPHABET)),
            check_number(top_p, name="Top-p", low=0.05, high=1),
            check_integer(seed, name="The seed", low=0, high=MAX_SEED),
        )


def _up_to_date(text: object, loaded: runtime.Loaded, before: Reading | None) -> Reading:
    text = _checked_text(text)
    if before and before.model == loaded.name and before.text == text:
        return before
    return _read(text, loaded, before)


def _next_character(reading: Reading, loaded: runtime.Loaded, sampling: Sampling) -> Reading:
    from models.sequences.trace import choose_next

    if len(reading.text) >= MAX_CHARS:
        raise InputError(f"The text has reached {MAX_CHARS:,} characters, the most this page draws.")
    return _write(reading, loaded, choose_next(reading.trace, **asdict(sampling)))


def compute_step(
    text: Any,
    model: Any,
    layer: Any,
    bars: Any,
    before: Reading | None,
    own: Own | None,
    temperature: Any,
    top_k: Any,
    top_p: Any,
    seed: Any,
) -> tuple[Any, ...]:
    """Draw one character and read it. Returns (state, reader, cell, strip, text)."""
    with visitor_errors():
        look, sampling = Look.check(layer, bars), Sampling.check(temperature, top_k, top_p, seed)
        loaded, note = usable_network(model, own)
        reading = _up_to_date(text, loaded, before)
        shown = _show(lambda: _next_character(reading, loaded, sampling), look, loaded, note)
        return *shown, shown[0].text


def compute_play(
    text: Any,
    model: Any,
    layer: Any,
    bars: Any,
    before: Reading | None,
    own: Own | None,
    temperature: Any,
    top_k: Any,
    top_p: Any,
    seed: Any,
    pace: Any,
) -> Iterator[tuple[Any, ...]]:
    """`compute_step` again and again, `pace` characters a second, until stopped or `MAX_SAMPLED` are written."""
    with visitor_errors():
        pause = 1 / check_number(pace, name="Characters a second", low=1, high=30)
        reading = before
        for _ in range(MAX_SAMPLED):
            started = time.monotonic()
            step = compute_step(text, model, layer, bars, reading, own, temperature, top_k, top_p, seed)
            yield step
            reading, text = step[0], step[-1]
            time.sleep(max(0.0, pause - (time.monotonic() - started)))


def view_step_back(layer: Any, bars: Any, reading: Reading | None) -> tuple[Any, ...]:
    """Take the last sampled character back; the trace is shortened, nothing is run. (state, reader, cell, text)."""
    with visitor_errors():
        look = Look.check(layer, bars)
        if reading is None or len(reading.text) <= reading.typed:
            raise InputError("No sampled character is left to take back.")
        shorter = replace(reading, trace=reading.trace.first(len(reading.trace.text) - 1))
        return shorter, *_draw(shorter, look), shorter.text


def compute_pick(
    model: Any, layer: Any, bars: Any, reading: Reading | None, own: Own | None, event: gr.EventData
) -> tuple[Any, ...]:
    """Go back to a position and on with another character. Returns (state, reader, cell, strip, text)."""
    with visitor_errors():
        look = Look.check(layer, bars)
        if reading is None:
            raise InputError("Type a text first.")
        loaded, note = usable_network(model, own)
        character = check_choice(sent(event, "character"), ALPHABET, name="The next character")
        position = check_integer(
            sent(event, "position"), name="The position", low=0, high=min(len(reading.text), MAX_CHARS - 1)
        )
        kept = _read(reading.text[:position], loaded, reading)
        kept = replace(kept, typed=min(reading.typed, position))
        shown = _show(lambda: _write(kept, loaded, character), look, loaded, note)
        return *shown, shown[0].text


def view_reading(layer: Any, bars: Any, reading: Reading | None) -> Any:
    """Draw another layer of the stored trace."""
    with visitor_errors():
        look = Look.check(layer, bars)
        return _draw(reading, look)[0] if reading else None


def view_follow(bars: Any, reading: Reading | None, event: gr.EventData) -> tuple[Any, ...]:
    """Draw the layer in which a tracked unit lives. Returns (layer, reader)."""
    layer = sent(event, "layer")
    return layer, view_reading(layer, bars, reading)


def view_position(reading: Reading | None, event: gr.EventData) -> Any:
    """The cell as it was at another position, from the stored trace."""
    with visitor_errors():
        return _draw_cell(*_position(reading, event))


def view_arithmetic(reading: Reading | None, event: gr.EventData) -> str:
    """The arithmetic of one unit at one position, from the stored trace."""
    with visitor_errors():
        reading, position = _position(reading, event)
        units = reading.trace.hidden_state.shape[1]
        unit = check_integer(sent(event, "unit"), name="The unit", low=0, high=units - 1)
        return draw_arithmetic(reading.trace, position, unit)


def _position(reading: Reading | None, event: gr.EventData) -> tuple[Reading, int]:
    if reading is None:
        raise InputError("Type a text first.")
    last = len(reading.trace.text) - 1
    return reading, check_integer(sent(event, "position"), name="The position", low=0, high=last)


def sent(event: gr.EventData, name: str) -> object:
    """A value that a browser-side piece sent with its event, None where there is none."""
    return event._data.get(name) if isinstance(event._data, dict) else None


def sequences_next(text: str, model: str = "char-lstm", top_k: int = 10) -> dict[str, Any]:
    """The most probable next characters of a text, by a character-level recurrent network.

    Args:
        text: 1 to 20,000 characters; those outside the alphabet are read as "unknown".
        model: a name of the Sequences tab.
        top_k: how many characters to return, 1 to 100.

    Returns:
        {"model": name, "seconds": duration, "top": [{"token": character, "probability": 0..1}, ...], "note": which
        characters have no symbol, or nothing}, best first.
    """
    with visitor_errors():
        text = check_text(text, name="The text", max_chars=MAX_API_CHARS)
        top_k = check_integer(top_k, name="top_k", low=1, high=len(ALPHABET))
        loaded = _embedded(model)
        from models.sequences.trace import predict_next

        start = time.perf_counter()
        probabilities = predict_next(loaded.network, text)
        seconds = round(time.perf_counter() - start, 4)
        top = next_characters(probabilities, top_k)
        return {"model": loaded.name, "seconds": seconds, "top": top, "note": unknown_note(text)}


def sequences_sample(
    text: str,
    model: str = "char-lstm",
    count: int = 100,
    temperature: float = 0.7,
    top_k: int = 40,
    top_p: float = 1.0,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """A text goes on, one sampled character after the other; the same seed gives the same continuation.

    Args:
        text: 0 to 1,000 characters.
        model: a name of the Sequences tab.
        count: how many characters to write, 1 to 300.
        temperature: 0 (always the most probable) to 2.
        top_k: sample from the k most probable, 1 to 100.
        top_p: and of these from the most probable that together reach this probability, 0.05 to 1.
        seed: 0 to 2147483647.

    Returns:
        {"model": name, "seconds": duration, "continuation": what was written, "surprise_bits": one for each character,
        "done": whether it is the last of the answers streamed, "note": which characters of the text have no symbol}.
    """
    with visitor_errors():
        text = _checked_text(text)
        count = check_integer(count, name="count", low=1, high=MAX_SAMPLED)
        sampling = Sampling.check(temperature, top_k, top_p, seed)
        loaded = _embedded(model)
        from models.sequences.trace import choose_next, trace_step, trace_text

        start = time.perf_counter()
        trace = trace_text(loaded.network, text)
        for written in range(1, count + 1):
            trace = trace_step(loaded.network, trace, choose_next(trace, **asdict(sampling)))
            if written % API_CHARS_PER_ANSWER == 0 or written == count:
                yield {
                    "model": loaded.name,
                    "seconds": round(time.perf_counter() - start, 4),
                    "continuation": trace.text[-written:],
                    "surprise_bits": [round(float(bits), 3) for bits in trace.surprise_bits[-written:]],
                    "done": written == count,
                    "note": unknown_note(text),
                }


def _embedded(model: object) -> runtime.Loaded:
    """The network of an API call: a name of the catalogue, never that of a session."""
    find(model, "sequences")
    return usable_network(model, None)[0]


def build(own: gr.State) -> Page:
    """The page: text and sampling on the left, the linked figures on the right, explanations below."""
    state = gr.State(None, time_to_live=STATE_SECONDS)
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            model = gr.Radio(CHOICES, value=FIRST, label="Network", elem_id="sequences-model")
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
            first_layers = ("hidden state", *GATED_LAYERS["lstm"])
            layer = gr.Radio(first_layers, value=LAYERS[0], label="The map shows", elem_id="sequences-layer")
            with gr.Accordion("More", open=False):
                bars = gr.Slider(1, MAX_BARS, 8, step=1, label="Bars (top k)")
                top_k = gr.Slider(1, len(ALPHABET), 40, step=1, label="Sample from the k most probable")
                top_p = gr.Slider(0.05, 1, 1, step=0.05, label="Top-p: of these, the most probable that reach")
                seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
                pace = gr.Slider(1, 30, 8, step=1, label="Characters a second")
        with gr.Column(scale=5, min_width=300):
            reader = sequence_reader("sequences-reader", listens_to="sequences-text")
            strip = gr.HTML(empty_strip("The network (1.3 M parameters, 2.6 MB) is loaded with the first character."))
    gr.Markdown("### The same cell, again and again")
    cell = unrolled(elem_id="sequences-cell")
    gr.Markdown(MEANING, elem_classes="gb-note")
    equations = gr.Markdown(EQUATIONS["lstm"], elem_classes="gb-note")
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    with gr.Accordion("The arithmetic of one unit (click the map)", open=False):
        arithmetic = gr.HTML('<div class="gb-note">Click a cell of the map to see how it got its value.</div>')
    with gr.Accordion("Units that track something", open=False):
        units = gr.HTML('<div class="gb-note">Type a text first: the list belongs to the network that reads it.</div>')
    with gr.Accordion("Which characters it knows", open=False):
        gr.Markdown(ALPHABET_NOTE)

    private = partial(dict, api_visibility="private", show_progress="hidden")
    network = {"concurrency_id": "sequences", "concurrency_limit": 2}
    look = [layer, bars, state]
    reading = [text, model, *look, own]
    sampling = [*reading, temperature, top_k, top_p, seed]
    shown = [state, reader, cell, strip]
    writing = play.click(
        compute_play,
        [*sampling, pace],
        [*shown, text],
        concurrency_id="sequences-play",
        concurrency_limit=8,
        **private(),
    )
    stop.click(None, cancels=[writing], **private())
    reader.typed(compute_reading, reading, shown, trigger_mode="always_last", cancels=[writing], **network, **private())
    model.input(compute_model, reading, [*shown, layer, equations, units], cancels=[writing], **network, **private())
    for button, example in zip(examples, EXAMPLES.values(), strict=True):
        button.click(partial(str, example), None, text, cancels=[writing], queue=False, **private()).then(
            compute_model, reading, [*shown, layer, equations, units], **network, **private()
        )
    step.click(compute_step, sampling, [*shown, text], cancels=[writing], **network, **private())
    back.click(view_step_back, look, [state, reader, cell, text], cancels=[writing], **private())
    reader.pick(compute_pick, [model, *look, own], [*shown, text], cancels=[writing], **network, **private())
    reader.inspect(view_arithmetic, state, arithmetic, **private())
    reader.moved(view_position, state, cell, trigger_mode="always_last", **private())
    reader.follow(view_follow, [bars, state], [layer, reader], **private())
    cell.step(view_position, state, cell, **private())
    gr.on([layer.input, bars.input], view_reading, look, reader, trigger_mode="always_last", **private())
    api(sequences_next, api_name="sequences_next", **network)
    api(sequences_sample, api_name="sequences_sample", **network)
    return Page(text, model)
