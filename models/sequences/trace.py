"""Read a text and keep everything: states, gates, the distribution of the next character, the surprise of each one."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor

from models.text.recurrent import GATES, CharacterNetwork, State
from models.text.symbols import ALPHABET, START, UNKNOWN, decode, encode


@dataclass(frozen=True)
class SequenceTrace:
    """What a network did at each of T positions. Position 0 is the line break that it reads before every text.

    text: T characters as typed, folded or unknown ones included
    symbols: [T] int64, what the network read
    hidden_state: [T, units] float32, -1..1, after reading the character
    cell_state: [T, units] float32, after reading the character; width 0 unless the cell is an LSTM
    gates: [gates, T, units] float32, in the order of `gate_names`, while reading the character
    probabilities: [T, symbols] float32, rows sum to 1; row t is the prediction of the character after t
    surprise_bits: [T] float32, -log2 of the probability that the network gave to character t; 0 at position 0
    """

    gate_names: tuple[str, ...]
    text: str
    symbols: np.ndarray
    hidden_state: np.ndarray
    cell_state: np.ndarray
    gates: np.ndarray
    probabilities: np.ndarray
    surprise_bits: np.ndarray

    def __post_init__(self) -> None:
        length, units = self.hidden_state.shape
        shapes = {
            "symbols": (length,),
            "cell_state": (length, units if self.cell_state.size else 0),
            "gates": (len(self.gate_names), length, units),
            "probabilities": (length, len(ALPHABET)),
            "surprise_bits": (length,),
        }
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, expected {shape}")
        if len(self.text) != length or not length:
            raise ValueError(f"a text of {len(self.text)} characters does not fit {length} positions")

    def layers(self) -> dict[str, np.ndarray]:
        """Everything that can be drawn as a map over time, by name, [T, units] each."""
        cell = {"cell state": self.cell_state} if self.cell_state.size else {}
        names = (name if name == "candidate" else f"{name} gate" for name in self.gate_names)
        gates = dict(zip(names, self.gates, strict=True))
        return {"hidden state": self.hidden_state, **cell, **gates}

    def first(self, length: int) -> "SequenceTrace":
        """The trace as it was after `length` positions: going back in time runs nothing."""
        return self._map(lambda array: array[:length].copy(), text=self.text[:length])

    def last(self) -> "SequenceTrace":
        """The last position alone: all that reading on needs."""
        return self._map(lambda array: array[-1:].copy(), text=self.text[-1:])

    def then(self, more: "SequenceTrace") -> "SequenceTrace":
        """This trace and `more`, which was read after it."""
        parts = {
            f.name: np.concatenate([getattr(self, f.name), getattr(more, f.name)], axis=1 if f.name == "gates" else 0)
            for f in fields(self)
            if f.name not in ("gate_names", "text")
        }
        return SequenceTrace(self.gate_names, self.text + more.text, **parts)

    def shared(self, text: str) -> int:
        """How many of its characters `text` begins with."""
        pairs = enumerate(zip(self.text, text, strict=False))
        return next((t for t, (ours, theirs) in pairs if ours != theirs), min(len(self.text), len(text)))

    def _map(self, change: Callable[[np.ndarray], np.ndarray], text: str) -> "SequenceTrace":
        """`change` applied to every array with time as its first axis."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("gate_names", "text", "gates")}
        gates = change(self.gates.swapaxes(0, 1)).swapaxes(0, 1)
        return SequenceTrace(self.gate_names, text, gates=gates, **{name: change(a) for name, a in arrays.items()})


def trace_text(network: CharacterNetwork, text: str, *, before: SequenceTrace | None = None) -> SequenceTrace:
    """Read `text` character by character with the equations of `network.py`.

    `before` may be an earlier trace of the same network: what both texts begin with is taken from it and not run
    again, so that a keystroke costs one step. The result is the same as without it.
    """
    text = START + text
    if before is None:
        return read_on(network, text, None)
    shared = before.shared(text)
    kept = before if shared == len(before.text) else before.first(shared)
    if shared == len(text):
        return kept
    return kept.then(read_on(network, text[shared:], kept))


def trace_step(network: CharacterNetwork, trace: SequenceTrace, character: str) -> SequenceTrace:
    """The trace after reading one character more: one step of the network."""
    return trace.then(read_on(network, character, trace))


class Changes(Protocol):
    """What is done to the memory while a text is read: nothing before position `first`."""

    first: int

    def __call__(self, position: int, state: State) -> State:
        """The state to go on with after the character at `position`."""
        ...


def trace_with_changes(network: CharacterNetwork, trace: SequenceTrace, changes: Changes) -> SequenceTrace:
    """Read the text of `trace` again with `changes` made to the memory; what comes before them is not run again."""
    if changes.first >= len(trace.text):
        return trace
    kept = trace.first(changes.first) if changes.first else None
    rest = read_on(network, trace.text[changes.first :], kept, changes)
    return kept.then(rest) if kept else rest


def choose_next(trace: SequenceTrace, *, temperature: float, top_k: int, seed: int, top_p: float = 1.0) -> str:
    """Draw the next character from p^(1/temperature) over the `top_k` most probable; temperature 0 takes the first.

    `top_p` below 1 keeps only the most probable ones that together reach that probability (nucleus sampling, Holtzman
    et al. 2020; after the temperature, as on the Attention tab). `UNKNOWN` is never drawn. The draw depends on the seed
    and the position only: stepping back and on again gives the same character.
    """
    return ALPHABET[_choose(trace.probabilities[-1], (seed, len(trace.text)), temperature, top_k, top_p)]


@torch.inference_mode()
def continue_text(
    network: CharacterNetwork,
    trace: SequenceTrace,
    count: int,
    *,
    temperature: float,
    top_k: int,
    seed: int,
    top_p: float = 1.0,
) -> str:
    """`count` characters that the network goes on to write after `trace`, drawn as by `choose_next`; keeps no trace."""
    state, probabilities, written = state_after(network, trace), trace.probabilities[-1], []
    for position in range(len(trace.text), len(trace.text) + count):
        written.append(_choose(probabilities, (seed, position), temperature, top_k, top_p))
        step = network.step(torch.tensor(written[-1], device=network.output.weight.device), state)
        state, probabilities = step.state, step.logits.cpu().double().softmax(-1).float().numpy()
    return decode(written)


def _choose(probabilities: np.ndarray, seed: tuple[int, int], temperature: float, top_k: int, top_p: float) -> int:
    """Index of one symbol, drawn from `probabilities` [symbols]."""
    probabilities = probabilities.astype(np.float64)
    probabilities[ALPHABET.index(UNKNOWN)] = 0.0
    best = np.argsort(-probabilities, kind="stable")
    if temperature == 0:
        return int(best[0])
    logits = np.log(np.maximum(probabilities[best], 1e-30)) / temperature
    weights = np.exp(logits - logits.max())
    before = np.cumsum(weights) - weights
    kept = (before < top_p * weights.sum()) & (np.arange(len(best)) < top_k)
    return int(np.random.default_rng(seed).choice(best[kept], p=weights[kept] / weights[kept].sum()))


@torch.inference_mode()
def read_on(
    network: CharacterNetwork, text: str, before: SequenceTrace | None, changes: Changes | None = None
) -> SequenceTrace:
    """The trace of `text` alone, read from the state that `before` ends in (from a fresh one where there is none)."""
    device = network.output.weight.device
    symbols = encode(text).symbols
    state = network.fresh_state() if before is None else state_after(network, before)
    steps = []
    for position, symbol in enumerate(torch.from_numpy(symbols).to(device), len(before.text) if before else 0):
        step = network.step(symbol, state)
        if changes is not None:
            state = changes(position, step.state)
            step = step._replace(state=state, logits=network.output(state.hidden))
        state = step.state
        steps.append(step)
    logits = torch.stack([step.logits for step in steps]).cpu().double()
    probabilities = logits.softmax(-1).float().numpy()
    predicted = np.concatenate([_last_log_probabilities(before), _logarithm(probabilities[:-1])])
    surprise = -predicted[np.arange(len(symbols)), symbols] / math.log(2)
    cells = [step.state.cell for step in steps]
    return SequenceTrace(
        gate_names=GATES[network.config.cell],
        text=text,
        symbols=symbols,
        hidden_state=_array([step.state.hidden for step in steps]),
        cell_state=np.zeros((len(steps), 0), np.float32) if cells[0] is None else _array(cast(list[Tensor], cells)),
        gates=_array([step.gates for step in steps]).swapaxes(0, 1),
        probabilities=probabilities,
        surprise_bits=surprise.astype(np.float32),
    )


def _array(steps: list[Tensor]) -> np.ndarray:
    return torch.stack(steps).float().cpu().numpy()


def state_after(network: CharacterNetwork, trace: SequenceTrace) -> State:
    """What the network remembers at the end of a trace."""
    hidden, cell = (torch.from_numpy(part[-1].copy()) for part in (trace.hidden_state, trace.cell_state))
    return State(hidden, cell if len(cell) else None).map(lambda part: part.to(network.output.weight))


def _last_log_probabilities(before: SequenceTrace | None) -> np.ndarray:
    """[1, symbols]; before anything was read the line break at position 0 is certain, so its surprise is 0."""
    if before is None:
        return np.zeros((1, len(ALPHABET)))
    return _logarithm(before.probabilities[-1:])


def _logarithm(probabilities: np.ndarray) -> np.ndarray:
    """Of the float32 numbers that are kept, in float64: a text read in two parts has the surprise of one read whole."""
    return np.log(np.maximum(probabilities.astype(np.float64), 1e-30))


@torch.inference_mode()
def predict_next(network: CharacterNetwork, text: str) -> np.ndarray:
    """Probabilities [symbols] of the character after `text`, without a trace: PyTorch's fused cells read it."""
    symbols = torch.from_numpy(encode(START + text).symbols).to(network.output.weight.device)
    logits, _ = network(symbols[:, None], network.fresh_state(1))
    return logits[-1, 0].cpu().double().softmax(-1).float().numpy()
