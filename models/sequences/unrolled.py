"""One drawing for every recurrent task: which steps there are, what goes into each and what comes out.

A recurrent network runs the same cell at every step. The four sequence types differ only in which steps are given an
input and which are asked for an output (Karpathy 2015, "The unreasonable effectiveness of recurrent neural networks").
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from torch import nn

SequenceType = Literal["one to one", "one to many", "many to one", "many to many"]
TYPES: tuple[SequenceType, ...] = ("one to one", "many to one", "one to many", "many to many")


@dataclass(frozen=True)
class UnrolledStep:
    """One step of a run.

    input: what goes in, as a reader would write it; empty where the step is given nothing from outside
    hidden_state: [units] float32, after the step
    output: (label, probability 0..1), best first; empty where the step computes no output
    asked: whether the task asks for this output (a verdict before the last word is computed, but not asked for)
    part: name of the network that takes the step, such as "encoder" or "decoder"; steps of one part share weights
    fed_back: the input is what the step before has written
    """

    input: str
    hidden_state: np.ndarray
    output: tuple[tuple[str, float], ...] = ()
    asked: bool = False
    part: str = "cell"
    fed_back: bool = False

    def __post_init__(self) -> None:
        if self.hidden_state.ndim != 1:
            raise ValueError(f"hidden_state has shape {self.hidden_state.shape}, expected [units]")
        if self.asked and not self.output:
            raise ValueError("a step that is asked for an output has none")
        probabilities = [probability for _, probability in self.output]
        if probabilities != sorted(probabilities, reverse=True):
            raise ValueError("outputs must come best first")


@dataclass(frozen=True)
class UnrolledTrace:
    """A run of one task: its type, its steps in order, and the answer in words."""

    sequence_type: SequenceType
    steps: tuple[UnrolledStep, ...]
    answer: str

    def __post_init__(self) -> None:
        if not self.steps or not any(step.asked for step in self.steps):
            raise ValueError("a run needs at least one step, and one that is asked for an output")


@dataclass(frozen=True)
class WeightMap:
    """One weight matrix of a network, small enough to be drawn.

    name: as in the network; shape: of the whole matrix
    magnitudes: [rows, columns] float32, root mean square of each block of the matrix
    """

    name: str
    shape: tuple[int, int]
    magnitudes: np.ndarray


ROLES = {"weight_ih_l0": "W, input", "weight_hh_l0": "U, memory"}


def matrices_of(network: "nn.Module") -> dict[str, np.ndarray]:
    """The two-dimensional weights of a network by name, [outputs, inputs]; those of recurrent layers as W and U."""
    return {
        _matrix_name(name): parameter.detach().float().cpu().numpy()
        for name, parameter in network.named_parameters()
        if parameter.ndim == 2
    }


def _matrix_name(name: str) -> str:
    *owners, last = name.split(".")
    owner = " ".join(owners).replace("_", " ")
    return f"{owner} {ROLES[last]}" if last in ROLES else owner or last


def weight_maps(matrices: dict[str, np.ndarray], largest: int = 40) -> tuple[WeightMap, ...]:
    """Every matrix [rows, columns] shrunk to at most `largest` blocks a side."""
    return tuple(WeightMap(name, matrix.shape, _shrink(matrix, largest)) for name, matrix in matrices.items())


def _shrink(matrix: np.ndarray, largest: int) -> np.ndarray:
    squares = np.square(matrix, dtype=np.float32)
    for axis in (0, 1):
        cuts = np.linspace(0, squares.shape[axis], min(largest, squares.shape[axis]) + 1).astype(int)[:-1]
        widths = np.diff([*cuts, squares.shape[axis]])
        squares = np.add.reduceat(squares, cuts, axis=axis) / np.expand_dims(widths, 1 - axis)
    return np.sqrt(squares)
