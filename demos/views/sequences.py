"""A text under the eyes of a recurrent network: characters with their predictions, one layer as columns."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypedDict

import numpy as np

from demos.wire import Float16, Float32, Uint8, view
from models.text.symbols import ALPHABET

if TYPE_CHECKING:
    from models.sequences.reading import Reading
    from models.sequences.trace import SequenceTrace
    from models.sequences.units import TrackedUnit

MAX_BARS = 20


@view
class TrackedView:
    """A unit that goes along with something in the text; correlation on unread text, -1 to 1."""

    feature: str
    layer: str
    unit: int
    correlation: float


@view
class ReaderView:
    """A text as a network met it, or what a version of it adds to the one before (`sequence_reader`).

    reading: name under which the server keeps it; network: name of the one that read it
    version: of what is shown with this view; base: the one before it
    kept: how many characters of `base` stay; all that follows is of the characters after them, n of them
    text: the n characters, the line break before the text is the first of all
    symbols: `[n]` what was read of them, as places in `alphabet`
    surprise: `[n]` bits; 0 for the first of all
    best, probabilities: `[n, MAX_BARS]` the likeliest next symbols and their probabilities, best first
    columns: `[n, units]` the values of `layer`, within 0.05 %
    typed: how many characters the visitor typed; the rest was sampled
    scale, limit: `share` from 0 to 1, or `signed` from -limit to limit; low, high: of this text
    bars: how many next characters are shown
    tracked: units to colour the text by; None where they are those of `base`
    writing: names the run that writes the text into the box; empty where it is not to be written
    replaces: what the box held when that run began; goes_on: the run will write more without anybody asking
    """

    reading: str
    network: str
    version: str
    base: str
    kept: int
    text: str
    alphabet: str
    symbols: Uint8
    surprise: Float32
    best: Uint8
    probabilities: Float32
    columns: Float16
    typed: int
    layer: str
    units: int
    scale: Literal["share", "signed"]
    limit: float
    low: float
    high: float
    bars: int
    tracked: list[TrackedView] | None
    writing: str
    replaces: str
    goes_on: bool


@dataclass(frozen=True)
class Writing:
    """A run that writes into the text box; see `ReaderView`."""

    run: str
    replaces: str
    goes_on: bool = False


def view_of_reading(
    name: str,
    reading: "Reading",
    *,
    bars: int,
    base: str = "",
    kept: int = 0,
    writing: "Writing | None" = None,
) -> ReaderView:
    """The reading kept under `name`, whole, or what follows the `kept` characters it shares with version `base`."""
    trace, values = reading.trace, reading.trace.layers()[reading.layer]
    probabilities = trace.probabilities[kept:]
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :MAX_BARS]
    share = reading.layer.endswith("gate")
    return ReaderView(
        reading=name,
        network=reading.facts.name,
        version=reading.version,
        base=base,
        kept=kept,
        text=trace.text[kept:],
        alphabet=ALPHABET,
        symbols=trace.symbols[kept:],
        surprise=trace.surprise_bits[kept:],
        best=best,
        probabilities=np.take_along_axis(probabilities, best, axis=1),
        columns=values[kept:],
        typed=reading.typed,
        layer=reading.layer,
        units=values.shape[1],
        scale="share" if share else "signed",
        limit=limit_of(values, share=share),
        low=float(values.min()),
        high=float(values.max()),
        bars=bars,
        tracked=None if kept else [_tracked(unit) for unit in reading.facts.tracked],
        writing=writing.run if writing else "",
        replaces=writing.replaces if writing else "",
        goes_on=writing is not None and writing.goes_on,
    )


def _tracked(unit: "TrackedUnit") -> TrackedView:
    return TrackedView(unit.feature, unit.layer, unit.unit, unit.correlation)


def limit_of(values: np.ndarray, *, share: bool) -> float:
    """The end of a colour scale for `values`: 1, or the next whole number where they go beyond it."""
    largest = float(np.abs(values).max())
    return 1.0 if share or largest <= 1 else float(np.ceil(largest))


def arithmetic_html(trace: "SequenceTrace", position: int, unit: int) -> str:
    """HTML: how one unit got its value at one position, with the numbers of the trace."""
    before, now = _before_and_now(trace.hidden_state, position, unit)
    gates = {name: float(gate[position, unit]) for name, gate in zip(trace.gate_names, trace.gates, strict=True)}
    if "forget" in gates:
        lines = _lstm_lines(gates, *_before_and_now(trace.cell_state, position, unit), now)
    elif "update" in gates:
        lines = _gru_lines(gates, before, now)
    else:
        lines = [f"h = tanh(W x + U h<sub>before</sub> + b) = <b>{_number(now)}</b>"]
    character = html.escape(_visible(trace.text[position]))
    head = f"Unit {unit}, reading “{character}” (character {position}); h<sub>before</sub> = {_number(before)}; rounded"
    return f'<div class="gb-figure">{"<br>".join([head, *lines])}</div>'


def _before_and_now(values: np.ndarray, position: int, unit: int) -> tuple[float, float]:
    return float(values[position - 1, unit]) if position else 0.0, float(values[position, unit])


def _lstm_lines(gates: dict[str, float], c_before: float, c: float, h: float) -> list[str]:
    i, f, g, o = (_number(gates[name]) for name in ("input", "forget", "candidate", "output"))
    product = f"{f} · {_factor(c_before)} + {i} · {_factor(gates['candidate'])}"
    return [
        f"i = {i} {_note('input gate: how much of the new to write')}",
        f"f = {f} {_note('forget gate: how much of the old to keep')}",
        f"g = {g} {_note('candidate: the new')}",
        f"o = {o} {_note('output gate: how much to show')}",
        f"c = f · c<sub>before</sub> + i · g = {product} = <b>{_number(c)}</b>",
        f"h = o · tanh(c) = {o} · tanh({_number(c)}) = <b>{_number(h)}</b>",
    ]


def _gru_lines(gates: dict[str, float], h_before: float, h: float) -> list[str]:
    r, z, n = (_number(gates[name]) for name in ("reset", "update", "candidate"))
    product = f"(1 − {z}) · {_factor(gates['candidate'])} + {z} · {_factor(h_before)}"
    return [
        f"r = {r} {_note('reset gate: how much of the old the candidate may see')}",
        f"z = {z} {_note('update gate: how much of the old to keep')}",
        f"n = {n} {_note('candidate: the new')}",
        f"h = (1 − z) · n + z · h<sub>before</sub> = {product} = <b>{_number(h)}</b>",
    ]


def _note(text: str) -> str:
    return f'<span class="gb-scale">({text})</span>'


def _number(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}".replace("-", "−")


def _factor(value: float) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)


def _visible(character: str) -> str:
    return {" ": "space", "\n": "newline"}.get(character, character)


class NextCharacter(TypedDict):
    """A character that may come next, and its probability, 0 to 1."""

    token: str
    probability: float


def next_characters(probabilities: np.ndarray, count: int) -> list[NextCharacter]:
    """The `count` most probable next characters of one row of probabilities [symbols], best first."""
    best = np.argsort(-probabilities, kind="stable")[:count]
    return [{"token": ALPHABET[index], "probability": float(probabilities[index])} for index in best]


def units_html(tracked: Sequence["TrackedUnit"]) -> str:
    """HTML: the units that follow something, each with its correlation on text no network was trained on."""
    if not tracked:
        return '<div class="gb-note">For this network no such list has been made.</div>'
    rows = "".join(
        f"<tr><td>{html.escape(t.feature)}</td><td>unit {t.unit}, {t.layer}</td><td>{_number(t.correlation)}</td>"
        f"<td>{_number(t.chance)}</td></tr>"
        for t in tracked
    )
    head = "<tr><th>follows</th><th>unit</th><th>correlation</th><th>of the luckiest unit with another text</th></tr>"
    note = (
        "Precomputed by <code>python -m models.recipes.sequences.units</code>: chosen on the validation passages of "
        "the nine books, measured on the test passages. A correlation shows that a unit goes along with something, not "
        "that the network uses it for that: edit the unit on the page “Edit the memory” to find out."
    )
    return f'<div class="gb-note"><table class="gb-table">{head}{rows}</table><p>{note}</p></div>'
