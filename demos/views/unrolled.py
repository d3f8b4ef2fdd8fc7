"""A recurrent network unrolled in time: steps, inputs, outputs, what is inside the cell, and the shared weights."""

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from demos.views.sequences import limit_of
from demos.wire import Float32, Int8, Uint8, view
from models.sequences.unrolled import SequenceType, UnrolledStep, UnrolledTrace, WeightMap
from models.text.symbols import ALPHABET

if TYPE_CHECKING:
    from models.sequences.trace import SequenceTrace

MAX_STEPS = 48
OUTPUTS = 4
CELL_STEPS = 8
NAMES = {" ": "space", "\n": "newline", "\ufffd": "unknown"}


@view
class CellOutput:
    """What a step may write, and its probability, 0 to 1."""

    label: str
    probability: float


@view
class CellStep:
    """One step. input: empty where nothing goes in; fed_back: it is what the step before has written.

    part: of one network of several; asked: whether the task asks for the outputs; limit: what 127 stands for in its row
    of `UnrolledView.hidden`
    """

    input: str
    fed_back: bool
    part: str
    asked: bool
    outputs: list[CellOutput]
    limit: float


@view
class CellNumbers:
    """A list of numbers in the cell; share: from 0 to 1, else from -limit to limit."""

    name: str
    limit: float
    share: bool


@view
class CellWeights:
    """One weight matrix. size: rows and columns of the whole of it; highest: what 255 stands for in `blocks`.

    blocks: `[rows, columns]` root mean square of each block of it
    """

    name: str
    size: list[int]
    highest: float
    blocks: Uint8


@view
class UnrolledView:
    """A run of a network, step by step (`unrolled`).

    first: number of the first step shown; total: how many there are up to the last one shown; selected: number of one
    hidden: `[steps, units]` the state after each step, in 127ths of its limit
    inside, values: what is in the cell at the selected step, `[inside, units]`, exactly
    added, sums: what is added up before each gate, by name, `[added, units]`, exactly; none where that is not told
    cell: `lstm`, `gru` or `rnn` where all of a cell is inside, else empty
    parameters: number of scalars in the network
    recurrent: whether one step hands something on to the next; shared: which weights are used how often, in words
    """

    sequence_type: SequenceType
    first: int
    total: int
    selected: int
    steps: list[CellStep]
    hidden: Int8
    inside: list[CellNumbers]
    values: Float32
    added: list[str]
    sums: Float32 | None
    cell: str
    weights: list[CellWeights]
    parameters: int
    recurrent: bool
    shared: str


def view_of_run(
    trace: UnrolledTrace,
    matrices: tuple[WeightMap, ...],
    parameters: int,
    *,
    selected: int | None = None,
    first: int = 0,
    inside: Mapping[str, np.ndarray],
    added: Mapping[str, np.ndarray] | None = None,
    cell: str = "",
) -> UnrolledView:
    """The last `MAX_STEPS` steps of a run, of which the last is selected unless another one is named.

    `first` is the number of the first step of `trace` in the whole run, and `selected` counts from there. `inside` is
    what the cell holds at the selected step, by name, `[units]` each.
    """
    steps = trace.steps[-MAX_STEPS:]
    first += len(trace.steps) - len(steps)
    limits = [limit_of(step.hidden_state, share=False) for step in steps]
    hidden = [np.rint(step.hidden_state / limit * 127) for step, limit in zip(steps, limits, strict=True)]
    return UnrolledView(
        sequence_type=trace.sequence_type,
        first=first,
        total=first + len(steps),
        selected=first + len(steps) - 1 if selected is None else selected,
        steps=[_step(step, limit) for step, limit in zip(steps, limits, strict=True)],
        hidden=np.stack(hidden),
        inside=[_inside(name, values) for name, values in inside.items()],
        values=np.stack(list(inside.values())),
        added=list(added or ()),
        sums=np.stack(list(added.values())) if added else None,
        cell=cell,
        weights=[_weights(matrix) for matrix in matrices],
        parameters=parameters,
        recurrent=trace.sequence_type != "one to one",
        shared=_shared(trace),
    )


def _shared(trace: UnrolledTrace) -> str:
    """Which weights are used how often."""
    if trace.sequence_type == "one to one":
        return "its weights, each used once: there is no step before and none after"
    counts = Counter(step.part for step in trace.steps)
    if len(counts) > 1:
        used = " and ".join(f"the {part}'s at each of its {count} steps" for part, count in counts.items())
        return f"{len(counts)} cells with weights of their own: {used}"
    once = "; the picture is read by other layers, once" if trace.sequence_type == "one to many" else ""
    return f"the same weights at every step{once}"


def view_of_task(
    trace: UnrolledTrace, matrices: tuple[WeightMap, ...], parameters: int, selected: int | None = None
) -> UnrolledView:
    """The run of a task, with the memory before and after the selected step."""
    at = len(trace.steps) - 1 if selected is None else selected
    before = {"hidden state before": trace.steps[at - 1].hidden_state} if at else {}
    name = "hidden layer" if trace.sequence_type == "one to one" else "hidden state"
    inside = {**before, name: trace.steps[at].hidden_state}
    return view_of_run(trace, matrices, parameters, selected=at, inside=inside)


def view_of_cell(
    trace: "SequenceTrace",
    position: int,
    matrices: tuple[WeightMap, ...],
    parameters: int,
    says: Mapping[str, np.ndarray] | None = None,
) -> UnrolledView:
    """The cell that has just read the character at `position`, with the steps before it, and everything inside it.

    says: what is added up before each gate (`cell_says`).
    """
    first = max(0, position - CELL_STEPS + 1)
    run = UnrolledTrace("many to many", tuple(_read_step(trace, t) for t in range(first, position + 1)), "")
    inside = {name: values[position] for name, values in trace.layers().items() if name != "hidden state"}
    states = {"hidden state before": trace.hidden_state, "cell state before": trace.cell_state}
    before = {
        name: values[position - 1] if position else np.zeros_like(values[0])
        for name, values in states.items()
        if values.size
    }
    shown = {**before, **inside, "hidden state": trace.hidden_state[position]}
    cell = "lstm" if "forget" in trace.gate_names else "gru" if "update" in trace.gate_names else "rnn"
    return view_of_run(run, matrices, parameters, selected=position, first=first, inside=shown, added=says, cell=cell)


def _read_step(trace: "SequenceTrace", position: int) -> UnrolledStep:
    probabilities = trace.probabilities[position]
    best = np.argsort(-probabilities, kind="stable")[:OUTPUTS]
    output = tuple((_visible(ALPHABET[index]), float(probabilities[index])) for index in best)
    character = _visible(trace.text[position]) if position else "start"
    return UnrolledStep(character, trace.hidden_state[position], output, asked=True)


def _visible(character: str) -> str:
    return NAMES.get(character, character)


def _step(step: UnrolledStep, limit: float) -> CellStep:
    outputs = [CellOutput(label, round(probability, 4)) for label, probability in step.output[:OUTPUTS]]
    return CellStep(step.input, step.fed_back, step.part, step.asked, outputs, limit)


def _inside(name: str, values: np.ndarray) -> CellNumbers:
    share = name.endswith("gate")
    return CellNumbers(name, limit_of(values, share=share), share)


def _weights(matrix: WeightMap) -> CellWeights:
    highest = float(matrix.magnitudes.max())
    blocks = np.rint(matrix.magnitudes / max(highest, 1e-12) * 255)
    return CellWeights(matrix.name, list(matrix.shape), round(highest, 3), blocks)
