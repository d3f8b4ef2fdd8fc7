"""Three recurrent cells written out, and one network that reads characters with any of them.

At time t the network sees one character x_t (one-hot), and what it remembers, h_{t-1}. The same weights are used at
every step. In the equations W x + b is always "what the input says", U h + d "what the memory says".

Parameters are those of `torch.nn.RNN/GRU/LSTM` (same names, same layout): `forward` runs whole windows with PyTorch's
fused cells for training and measuring, `step` runs one character with the equations below and shows the gates.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.text.stored import load_stored
from models.text.symbols import ALPHABET

CellName = Literal["rnn", "gru", "lstm"]
GATES: dict[CellName, tuple[str, ...]] = {
    "rnn": (),
    "gru": ("reset", "update", "candidate"),
    "lstm": ("input", "forget", "candidate", "output"),
}


class State(NamedTuple):
    """What the network remembers, [..., units] each. Only the LSTM has a cell state beside the hidden state."""

    hidden: Tensor
    cell: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> "State":
        """The same change made to every part."""
        return State(change(self.hidden), None if self.cell is None else change(self.cell))


class Step(NamedTuple):
    """One step: the new state, the gates [gates, ..., units] in the order of `GATES`, and logits [..., symbols]."""

    state: State
    gates: Tensor
    logits: Tensor


def rnn_cell(input_says: Tensor, memory_says: Tensor, state: State) -> tuple[State, Tensor]:
    """Elman (1990): h_t = tanh(W x_t + b + U h_{t-1} + d). There are no gates: everything is rewritten every time."""
    hidden = torch.tanh(input_says + memory_says)
    return State(hidden), hidden.new_empty(0, *hidden.shape)


def gru_cell(input_says: Tensor, memory_says: Tensor, state: State) -> tuple[State, Tensor]:
    """Cho et al. (2014), in the form of cuDNN: the reset gate r acts on what the memory says.

    r, z = sigmoid(W x_t + b + U h_{t-1} + d);  n = tanh(W x_t + b + r (U h_{t-1} + d));  h_t = (1 - z) n + z h_{t-1}.
    """
    input_r, input_z, input_n = input_says.chunk(3, dim=-1)
    memory_r, memory_z, memory_n = memory_says.chunk(3, dim=-1)
    r = torch.sigmoid(input_r + memory_r)
    z = torch.sigmoid(input_z + memory_z)
    n = torch.tanh(input_n + r * memory_n)
    return State((1 - z) * n + z * state.hidden), torch.stack([r, z, n])


def lstm_cell(input_says: Tensor, memory_says: Tensor, state: State) -> tuple[State, Tensor]:
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    i, f, o = sigmoid(...), g = tanh(...) of W x_t + b + U h_{t-1} + d;  c_t = f c_{t-1} + i g;  h_t = o tanh(c_t).
    """
    assert state.cell is not None
    i, f, g, o = (input_says + memory_says).chunk(4, dim=-1)
    i, f, g, o = torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)
    c = f * state.cell + i * g
    return State(o * torch.tanh(c), c), torch.stack([i, f, g, o])


CELLS = {"rnn": rnn_cell, "gru": gru_cell, "lstm": lstm_cell}


@dataclass(frozen=True)
class Config:
    """Which cell, how many hidden units, and the characters in the order of their symbols."""

    cell: CellName = "lstm"
    units: int = 512
    alphabet: str = ALPHABET


class CharacterNetwork(nn.Module):
    """One recurrent layer between one-hot characters and a softmax over the next character."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        fused = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[config.cell]
        self.recurrent = fused(len(config.alphabet), config.units)
        self.dropout = nn.Dropout(0.0)
        self.output = nn.Linear(config.units, len(config.alphabet))

    def fresh_state(self, *batch: int) -> State:
        """The state of a network that has read nothing: zeros, [*batch, units]."""
        zeros = self.output.weight.new_zeros(*batch, self.config.units)
        return State(zeros, zeros if self.config.cell == "lstm" else None)

    def step(self, symbols: Tensor, state: State) -> Step:
        """Read one character (`symbols` [...] int64) with the equations of this module."""
        return self._advance(self.recurrent.weight_ih_l0.t()[symbols] + self.recurrent.bias_ih_l0, state)

    def _advance(self, input_says: Tensor, state: State) -> Step:
        memory_says = F.linear(state.hidden, self.recurrent.weight_hh_l0, self.recurrent.bias_hh_l0)
        state, gates = CELLS[self.config.cell](input_says, memory_says, state)
        return Step(state, gates, self.output(state.hidden))

    def scores(self, one_hot: Tensor) -> Tensor:
        """Logits [T, symbols] of a text [T, symbols] from a fresh state; differentiable in what was read."""
        state, logits = self.fresh_state(), []
        for x in one_hot.unbind():
            step = self._advance(F.linear(x, self.recurrent.weight_ih_l0, self.recurrent.bias_ih_l0), state)
            state = step.state
            logits.append(step.logits)
        return torch.stack(logits)

    def forward(self, symbols: Tensor, state: State) -> tuple[Tensor, State]:
        """Read windows: `symbols` [T, B], `state` [B, units]; returns logits [T, B, symbols] and the last state."""
        one_hot = F.one_hot(symbols, len(self.config.alphabet)).to(self.output.weight.dtype)
        before = state.map(lambda part: part.unsqueeze(0))
        hidden, after = self.recurrent(one_hot, before.hidden if before.cell is None else tuple(before))
        last = State(*after) if isinstance(after, tuple) else State(after)
        return self.output(self.dropout(hidden)), last.map(lambda part: part.squeeze(0))


def load(folder: Path) -> CharacterNetwork:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: CharacterNetwork(Config(**config)))


def describe(network: CharacterNetwork) -> dict[str, object]:
    """What `load` needs beside the weights."""
    return asdict(network.config)


def matrices(network: CharacterNetwork) -> dict[str, np.ndarray]:
    """The weight matrices by what they do; gates lie below one another in the first two, in the order of `GATES`."""
    layer = network.recurrent
    named = {"W, input": layer.weight_ih_l0, "U, memory": layer.weight_hh_l0, "V, output": network.output.weight}
    return {name: matrix.detach().float().cpu().numpy() for name, matrix in named.items()}
