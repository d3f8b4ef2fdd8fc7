"""A text read twice, with and without an edit of the memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from demos.wire import Float32, Uint8, view
from models.text.symbols import ALPHABET

if TYPE_CHECKING:
    from models.sequences.edits import Comparison, Edit

OUTPUTS = 8


@view
class ComparisonView:
    """A text of T characters read twice (`memory_compare`). Pairs are of the unedited run and the edited one.

    text: its characters; first: place of the first edit, T where there is none; edits: in words
    difference: `[T]` bits by which the edited prediction differs after each character
    distance: `[T]` length of the difference of the hidden states over the length of the unedited one
    surprise: `[2, T]` bits
    best: `[T, OUTPUTS]` the next symbols that matter in either run, as places in `alphabet`
    probabilities: `[T, OUTPUTS, 2]` of them
    memories: names of the states at the last edit, unedited, edited and their difference; none without an edit
    states: `[memories, units]`; limit: of the colours
    continuations: what both runs go on to write, or nothing yet
    """

    text: list[str]
    first: int
    edits: list[str]
    difference: Float32
    distance: Float32
    surprise: Float32
    alphabet: str
    best: Uint8
    probabilities: Float32
    memories: list[str]
    states: Float32
    limit: float
    continuations: list[str]


def view_of_comparison(
    comparison: "Comparison", edits: Sequence["Edit"], continuations: Sequence[str] = ()
) -> ComparisonView:
    """Both runs. `continuations` are what the unedited and the edited network go on to write, or nothing yet."""
    runs = (comparison.unedited, comparison.edited)
    text = comparison.unedited.text
    both = np.stack([run.probabilities for run in runs], axis=-1)
    best = np.argsort(-both.max(axis=-1), axis=1, kind="stable")[:, :OUTPUTS]
    memories = _memories(comparison, edits)
    states = np.stack(list(memories.values())) if memories else np.zeros((0, 0), np.float32)
    return ComparisonView(
        text=list(text),
        first=min((edit.position for edit in edits), default=len(text)),
        edits=[describe_edit(edit, text) for edit in edits],
        difference=comparison.difference_bits,
        distance=_distance(comparison),
        surprise=np.stack([run.surprise_bits for run in runs]),
        alphabet=ALPHABET,
        best=best,
        probabilities=np.take_along_axis(both, best[..., None], axis=1),
        memories=list(memories),
        states=states,
        limit=float(max(np.abs(states[:2]).max(), 1e-6)) if memories else 1.0,
        continuations=list(continuations),
    )


def _distance(comparison: "Comparison") -> np.ndarray:
    """[T]: length of the difference of the hidden states over the length of the unedited one."""
    before, after = comparison.unedited.hidden_state, comparison.edited.hidden_state
    return np.linalg.norm(after - before, axis=1) / np.maximum(np.linalg.norm(before, axis=1), 1e-9)


def _memories(comparison: "Comparison", edits: Sequence["Edit"]) -> dict[str, np.ndarray]:
    """The state at the last edit, unedited, edited and their difference; the cell state where there is one."""
    if not edits:
        return {}
    position = max(edit.position for edit in edits)
    cell = bool(comparison.unedited.cell_state.size)
    name = "cell state" if cell else "hidden state"
    before, after = (
        (run.cell_state if cell else run.hidden_state)[position] for run in (comparison.unedited, comparison.edited)
    )
    return {f"{name}, unedited": before, f"{name}, edited": after, "difference": after - before}


def describe_edit(edit: "Edit", text: str) -> str:
    """One edit in words."""
    before = text[max(1, edit.position - 11) : edit.position + 1].replace("\n", "⏎")
    where = f"after “{before}”" if edit.position else "at the start"
    units = _units(edit.units)
    return {
        "zero": f"{units} set to zero {where}",
        "scale": f"{units} multiplied by {edit.factor:g} {where}",
        "freeze": f"{units} frozen from {where.removeprefix('after ')} on",
        "swap": f"{units} swapped in pairs {where}",
        "erase": f"the whole memory erased {where}",
        "paste": f"the whole memory replaced {where} by that of “{edit.donor[:40]}”",
    }[edit.kind]


def _units(units: Sequence[int]) -> str:
    if len(units) == 1:
        return f"unit {units[0]}"
    return f"{len(units)} units" if len(units) > 6 else f"units {', '.join(map(str, units))}"
