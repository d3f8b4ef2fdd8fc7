"""How far back does a network remember? The gradient of every prediction with respect to every earlier character.

The measure is the connectivity of Madsen (2019), "Visualizing memorization in RNNs": how much the score of the most
probable next character at t would change if the character read at s were a little different,

    influence[t, s] = || d logit_best(t) / d x_s ||,   x_s the one-hot vector of the character at s.

It is a statement about small changes, not about what the network would do with another character.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from models.text.symbols import ALPHABET, START, encode

MAX_CHARACTERS = 200
BLOCK = 50


class ReadsOneHot(Protocol):
    """Any network that turns a text as one-hot vectors [T, symbols] into logits [T, symbols], each from its past."""

    def scores(self, one_hot: Tensor) -> Tensor:
        """Logits [T, symbols]; differentiable."""
        ...


@dataclass(frozen=True)
class InfluenceTrace:
    """What every prediction owes to every earlier character.

    text: T characters, the line break that is read before every text first
    influence: [T, T] float32; row t: the prediction after t; column s: the character at s; zero where s > t
    best: T characters, the most probable one after each
    """

    text: str
    influence: np.ndarray
    best: str

    def __post_init__(self) -> None:
        length = len(self.text)
        if self.influence.shape != (length, length) or len(self.best) != length:
            raise ValueError(f"influence {self.influence.shape} does not fit a text of {length} characters")

    def shares(self) -> np.ndarray:
        """[T, T] float32: each row divided by its sum, so that networks of any kind can be compared."""
        return self.influence / np.maximum(self.influence.sum(axis=1, keepdims=True), 1e-30)

    def by_distance(self, warm_up: int = 20) -> np.ndarray:
        """[T] float32: mean share of the character d places back, d = 0 for the one just read.

        Only predictions that have `warm_up` characters or more before them count (all, where the text is shorter).
        """
        shares = self.shares()
        rows = range(min(warm_up, len(self.text) - 1), len(self.text))
        flipped = [shares[t, t::-1] for t in rows]
        return np.array(
            [np.mean([row[d] for row in flipped if d < len(row)]) for d in range(len(self.text))], np.float32
        )


def trace_influence(network: ReadsOneHot, text: str) -> Iterator[InfluenceTrace | float]:
    """The influence of each of the last `MAX_CHARACTERS` characters of `text`; yields the share done, then the trace.

    One backward pass for `BLOCK` predictions at a time, so that a visitor who leaves stops the work.
    """
    text = START + text[-MAX_CHARACTERS:]
    device = next(network.parameters()).device if isinstance(network, torch.nn.Module) else None
    one_hot = F.one_hot(torch.from_numpy(encode(text).symbols), len(ALPHABET)).float().to(device).requires_grad_()
    with torch.enable_grad():
        best = network.scores(one_hot).max(dim=-1)
    outputs = best.values.unbind()
    influence = np.zeros((len(text), len(text)), np.float32)
    for first in range(0, len(text), BLOCK):
        block = outputs[first : first + BLOCK]
        grad_outputs = tuple(torch.eye(len(block), device=device).unbind())
        gradients = torch.autograd.grad(
            block, one_hot, grad_outputs=grad_outputs, is_grads_batched=True, retain_graph=True
        )[0]
        influence[first : first + len(block)] = gradients.norm(dim=-1).cpu().numpy()
        yield (first + len(block)) / len(text)
    yield InfluenceTrace(text, influence, "".join(ALPHABET[index] for index in best.indices.tolist()))
