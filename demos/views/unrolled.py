"""From the run of a recurrent network to the one drawing of steps, inputs, outputs and shared weights."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from models.sequences.unrolled import UnrolledStep, UnrolledTrace, WeightMap
from models.text.symbols import ALPHABET

if TYPE_CHECKING:
    from models.sequences.trace import SequenceTrace

MAX_STEPS = 48
OUTPUTS = 4
CELL_STEPS = 8
NAMES = {" ": "space", "\n": "newline", "\ufffd": "unknown"}


def draw_unrolled(
    trace: UnrolledTrace,
    matrices: tuple[WeightMap, ...],
    parameters: int,
    *,
    selected: int | None = None,
    first: int = 0,
    inside: Mapping[str, np.ndarray] | None = None,
) -> dict[str, object]:
    """The value of the `unrolled` component.

    The last `MAX_STEPS` steps are drawn; `first` is the number of the first step of `trace` in the whole run, and
    `selected` counts from there. `inside` holds what is in the cell at the selected step, by name, [units] each.
    """
    steps = trace.steps[-MAX_STEPS:]
    first += len(trace.steps) - len(steps)
    return {
        "sequence_type": trace.sequence_type,
        "answer": trace.answer,
        "first": first,
        "total": first + len(steps),
        "selected": first + len(steps) - 1 if selected is None else selected,
        "steps": [_step(step) for step in steps],
        "inside": [{**_map(name, values), "exact": _exact(values)} for name, values in (inside or {}).items()],
        "weights": [_weights(matrix) for matrix in matrices],
        "parameters": parameters,
    }


def draw_cell(
    trace: "SequenceTrace", position: int, matrices: tuple[WeightMap, ...], parameters: int
) -> dict[str, object]:
    """The cell that has just read the character at `position`, with the steps before it, and everything inside it."""
    first = max(0, position - CELL_STEPS + 1)
    run = UnrolledTrace("many to many", tuple(_read_step(trace, t) for t in range(first, position + 1)), "")
    inside = {name: values[position] for name, values in trace.layers().items() if name != "hidden state"}
    before = trace.hidden_state[position - 1] if position else np.zeros_like(trace.hidden_state[0])
    shown = {"hidden state before": before, **inside, "hidden state": trace.hidden_state[position]}
    return draw_unrolled(run, matrices, parameters, selected=position, first=first, inside=shown)


def _read_step(trace: "SequenceTrace", position: int) -> UnrolledStep:
    probabilities = trace.probabilities[position]
    best = np.argsort(-probabilities, kind="stable")[:OUTPUTS]
    output = tuple((_visible(ALPHABET[index]), float(probabilities[index])) for index in best)
    character = _visible(trace.text[position]) if position else "start"
    return UnrolledStep(character, trace.hidden_state[position], output, asked=True)


def _visible(character: str) -> str:
    return NAMES.get(character, character)


def _step(step: UnrolledStep) -> dict[str, object]:
    return {
        "input": step.input,
        "fed_back": step.fed_back,
        "part": step.part,
        "asked": step.asked,
        "output": [[label, round(probability, 4)] for label, probability in step.output[:OUTPUTS]],
        "hidden": _map("hidden state", step.hidden_state),
    }


def _map(name: str, values: np.ndarray) -> dict[str, object]:
    """Values as int8 in base64, 127 standing for `limit`."""
    share = name.endswith("gate")
    limit = 1.0 if share or np.abs(values).max() <= 1 else float(np.ceil(np.abs(values).max()))
    packed = np.rint(values / limit * 127).astype(np.int8)
    return {"name": name, "values": base64.b64encode(packed.tobytes()).decode(), "limit": limit, "share": share}


def _exact(values: np.ndarray) -> str:
    """Values as float32 in base64, for the numbers that are written out."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _weights(matrix: WeightMap) -> dict[str, object]:
    top = float(matrix.magnitudes.max())
    packed = np.rint(matrix.magnitudes / max(top, 1e-12) * 255).astype(np.uint8)
    return {
        "name": matrix.name,
        "shape": list(matrix.shape),
        "rows": packed.shape[0],
        "columns": packed.shape[1],
        "values": base64.b64encode(packed.tobytes()).decode(),
        "highest": round(top, 3),
    }
