"""Change the memory in the middle of a text and read on: what did the network need it for?

An edit takes place after the character at its position was read. The prediction there is made from the changed memory,
and so is everything that follows; a frozen unit keeps its value for the rest of the text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from models.errors import InputError
from models.normal import plain
from models.sequences.trace import SequenceTrace, state_after, trace_text, trace_with_changes
from models.text.recurrent import CharacterNetwork, State

EditKind = Literal["zero", "scale", "freeze", "swap", "erase", "paste"]
KINDS: tuple[EditKind, ...] = ("zero", "scale", "freeze", "swap", "erase", "paste")
WHOLE_MEMORY: tuple[EditKind, ...] = ("erase", "paste")


@dataclass(frozen=True)
class Edit:
    """One change of the memory, the hidden state and, in an LSTM, the cell state alike.

    kind: `zero` the units; `scale` them by `factor`; `freeze` them; `swap` the first with the second, the third with
        the fourth ...; `erase` everything, as if the text began here; `paste` the memory left by reading `donor`
    position: after which character of the trace, 0 for the line break before the text
    units: which units; ignored by `erase` and `paste`, which change all
    strength: 0 leaves everything as it is, 1 is the full change, between them the two are mixed
    """

    kind: EditKind
    position: int
    units: tuple[int, ...] = ()
    factor: float = 2.0
    donor: str = ""
    strength: float = 1.0


@dataclass(frozen=True)
class Comparison:
    """The same text read twice: as it was, and with the memory edited.

    difference_bits: [T] float32, Kullback-Leibler divergence of the edited prediction from the unedited one after each
        character: how many bits are lost by believing the edited run
    """

    unedited: SequenceTrace
    edited: SequenceTrace
    difference_bits: np.ndarray


def compare_edits(network: CharacterNetwork, trace: SequenceTrace, edits: Sequence[Edit]) -> Comparison:
    """Read the text of `trace` again with `edits`. Raises `InputError` for positions or units that do not exist."""
    for edit in edits:
        _check(edit, *trace.hidden_state.shape)
    edited = trace_with_changes(network, trace, _Changes(network, trace, edits))
    p, q = (np.maximum(t.probabilities.astype(np.float64), 1e-30) for t in (trace, edited))
    divergence = (p * np.log2(p / q)).sum(axis=1).clip(min=0)
    return Comparison(trace, edited, divergence.astype(np.float32))


def _check(edit: Edit, length: int, units: int) -> None:
    if not 0 <= edit.position < length:
        raise InputError(f"The text has no character {edit.position}; edit after one of 0 to {length - 1}.")
    if edit.kind in WHOLE_MEMORY:
        return
    if not edit.units:
        raise InputError("Name at least one unit to edit.")
    if any(not 0 <= unit < units for unit in edit.units):
        raise InputError(f"The network has units 0 to {units - 1}; {max(edit.units)} is not one of them.")
    if len(set(edit.units)) < len(edit.units):
        raise InputError("Name each unit once.")
    if edit.kind == "swap" and len(edit.units) % 2:
        raise InputError("Units are swapped in pairs: name an even number of them.")


class _Changes:
    """The edits as one function of position and state, for `trace_with_changes`."""

    def __init__(self, network: CharacterNetwork, trace: SequenceTrace, edits: Sequence[Edit]) -> None:
        self.edits = edits
        self.fresh = network.fresh_state()
        self.donors = {
            edit.donor: state_after(network, trace_text(network, edit.donor)) for edit in edits if edit.kind == "paste"
        }
        self.first = min((edit.position for edit in edits), default=len(trace.text))
        self.frozen: dict[int, State] = {}

    def __call__(self, position: int, state: State) -> State:
        """The state after the edits that take place at `position`."""
        for number, edit in enumerate(self.edits):
            if edit.position == position or (edit.kind == "freeze" and edit.position < position):
                state = _mix(state, self._full(number, edit, state), edit.strength)
        return state

    def _full(self, number: int, edit: Edit, state: State) -> State:
        if edit.kind == "erase":
            return self.fresh
        if edit.kind == "paste":
            return self.donors[edit.donor]
        units = torch.tensor(edit.units, device=state.hidden.device)
        if edit.kind == "freeze":
            held = self.frozen.setdefault(number, state)
            return State(*(_put(part, units, kept[units]) for part, kept in _pairs(state, held)))
        factor = 0.0 if edit.kind == "zero" else edit.factor
        source = units.view(-1, 2).flip(1).flatten() if edit.kind == "swap" else units
        return state.map(lambda part: _put(part, units, part[source] * (1.0 if edit.kind == "swap" else factor)))


def _put(part: torch.Tensor, units: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    changed = part.clone()
    changed[units] = values
    return changed


def _pairs(a: State, b: State) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]


def _mix(before: State, after: State, strength: float) -> State:
    return State(*(torch.lerp(old, new, strength) for old, new in _pairs(before, after)))


def parse_units(text: str, count: int) -> tuple[int, ...]:
    """Units written as "3, 17, 200-210" or "all", in the order given.

    Raises `InputError` where the text says something else or names a unit that a network of `count` units lacks.
    """
    typed = "".join(map(plain, text)).replace("—", "-")
    if typed.strip().lower() == "all":
        return tuple(range(count))
    units: list[int] = []
    for item in filter(None, (item.strip() for item in typed.split(","))):
        ends = re.fullmatch(r"(\d{1,5})(?:\s*-\s*(\d{1,5}))?", item)
        if ends is None:
            raise InputError('Write units as numbers and ranges, for example "3, 17, 200-210", or "all".')
        first, last = int(ends[1]), int(ends[2] or ends[1])
        if not first <= last < count:
            raise InputError(f"The network has units 0 to {count - 1}; {item} is not among them.")
        units.extend(range(first, last + 1))
    return tuple(dict.fromkeys(units))
