"""From the trace of a text to what the browser draws: characters with their predictions, one layer as columns."""

import base64
import html
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.text.symbols import ALPHABET, UNKNOWN, decode

if TYPE_CHECKING:
    from models.sequences.trace import SequenceTrace
    from models.sequences.units import TrackedUnit

MAX_BARS = 20


def draw_reader(
    trace: "SequenceTrace", layer: str, *, typed: int, bars: int, tracked: Sequence["TrackedUnit"] = ()
) -> dict[str, object]:
    """The value of the `sequence_reader` component.

    `layer` is a name of `trace.layers()`; `typed` counts the characters that the visitor typed (the rest was sampled);
    `bars` is how many next characters are shown; `tracked` are units to offer for colouring the text. Each character
    travels as one JSON string, its activations in base64 (little-endian float16, three digits): while text is being
    sampled Gradio sends only the new ones.
    """
    values = trace.layers()[layer]
    share = layer.endswith("gate") and not layer.startswith("candidate")
    return {
        "characters": _characters(trace, values, typed),
        "layer": layer,
        "units": values.shape[1],
        "scale": "share" if share else "signed",
        "limit": 1.0 if np.abs(values).max() <= 1 else float(np.ceil(np.abs(values).max())),
        "range": [float(values.min()), float(values.max())],
        "bars": bars,
        "tracked": [
            {"feature": t.feature, "layer": t.layer, "unit": t.unit, "correlation": t.correlation} for t in tracked
        ],
    }


def _characters(trace: "SequenceTrace", values: np.ndarray, typed: int) -> list[str]:
    best = np.argsort(-trace.probabilities, axis=1, kind="stable")[:, :MAX_BARS]
    probabilities = np.take_along_axis(trace.probabilities, best, axis=1)
    read = decode(trace.symbols)
    return [
        json.dumps(
            {
                "character": character,
                "read": read[t],
                "unknown": read[t] == UNKNOWN,
                "sampled": t > typed,
                "surprise": round(float(trace.surprise_bits[t]), 3),
                "tokens": decode(best[t]),
                "probabilities": [round(float(p), 5) for p in probabilities[t]],
                "column": _half(values[t]),
            }
        )
        for t, character in enumerate(trace.text)
    ]


def _half(column: np.ndarray) -> str:
    return base64.b64encode(column.astype("<f2").tobytes()).decode("ascii")


def draw_arithmetic(trace: "SequenceTrace", position: int, unit: int) -> str:
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
    head = f"Unit {unit}, reading “{character}” (character {position}); h<sub>before</sub> = {_number(before)}"
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


def next_characters(probabilities: np.ndarray, count: int) -> list[dict[str, object]]:
    """The `count` most probable next characters of one row of probabilities [symbols], best first."""
    best = np.argsort(-probabilities, kind="stable")[:count]
    return [{"token": ALPHABET[index], "probability": float(probabilities[index])} for index in best]


def draw_units(tracked: Sequence["TrackedUnit"]) -> str:
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
