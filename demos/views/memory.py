"""From a text read twice, with and without an edit of the memory, to what the browser draws."""

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from models.text.symbols import ALPHABET, decode

if TYPE_CHECKING:
    from models.sequences.edits import Comparison, Edit

OUTPUTS = 8


def draw_comparison(
    comparison: "Comparison", edits: Sequence["Edit"], continuations: Sequence[str] = ()
) -> dict[str, object]:
    """The value of the `memory_compare` component.

    `continuations` are what the unedited and the edited network go on to write, or nothing yet.
    """
    unedited, edited = comparison.unedited, comparison.edited
    return {
        "text": list(unedited.text),
        "read": list(decode(unedited.symbols)),
        "first": min((edit.position for edit in edits), default=len(unedited.text)),
        "edits": [describe_edit(edit, unedited.text) for edit in edits],
        "difference": [round(float(bits), 4) for bits in comparison.difference_bits],
        "distance": [round(float(share), 4) for share in _distance(comparison)],
        "surprise": [[round(float(bits), 3) for bits in run.surprise_bits] for run in (unedited, edited)],
        "pairs": [_pairs(p, q) for p, q in zip(unedited.probabilities, edited.probabilities, strict=True)],
        "memories": _memories(comparison, edits),
        "continuations": list(continuations),
    }


def _distance(comparison: "Comparison") -> np.ndarray:
    """[T]: length of the difference of the hidden states over the length of the unedited one."""
    before, after = comparison.unedited.hidden_state, comparison.edited.hidden_state
    return np.linalg.norm(after - before, axis=1) / np.maximum(np.linalg.norm(before, axis=1), 1e-9)


def _pairs(p: np.ndarray, q: np.ndarray) -> list[list[object]]:
    """[character, probability unedited, probability edited] of the characters that matter in either run."""
    best = np.argsort(-np.maximum(p, q), kind="stable")[:OUTPUTS]
    return [[ALPHABET[i], round(float(p[i]), 4), round(float(q[i]), 4)] for i in best]


def _memories(comparison: "Comparison", edits: Sequence["Edit"]) -> list[dict[str, object]]:
    """The state at the last edit, unedited, edited and their difference; the cell state where there is one."""
    if not edits:
        return []
    position = max(edit.position for edit in edits)
    cell = bool(comparison.unedited.cell_state.size)
    name = "cell state" if cell else "hidden state"
    before, after = (
        (run.cell_state if cell else run.hidden_state)[position] for run in (comparison.unedited, comparison.edited)
    )
    limit = float(max(np.abs(before).max(), np.abs(after).max(), 1e-6))
    shown = {f"{name}, unedited": before, f"{name}, edited": after, "difference": after - before}
    return [
        {"name": label, "limit": round(limit, 2), "values": _packed(values / limit)} for label, values in shown.items()
    ]


def _packed(values: np.ndarray) -> str:
    """Values in -1..1 as int8 in base64."""
    return base64.b64encode(np.rint(values.clip(-1, 1) * 127).astype(np.int8).tobytes()).decode()


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
