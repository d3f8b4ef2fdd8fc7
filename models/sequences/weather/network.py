"""A recurrent cell that takes one step: h = tanh(W x + b), p = sigmoid(V h + c).

With no step before it the memory h_0 is zero and says nothing, so the cell of Elman (1990) is an ordinary network with
one hidden layer. What makes a network recurrent is only that the cell is used again.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from models.sequences.weather.features import FEATURES
from models.text.recurrent import State, rnn_cell
from models.text.stored import load_stored


@dataclass(frozen=True)
class Config:
    """The size of the cell, and what was computed from the training days beside its weights.

    mean, deviation: [5] of every feature, to bring them to one scale
    logistic_weights, logistic_bias: [5] and a scalar of the logistic regression on the same scaled features
    base_rate: share of training days with rain
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    logistic_weights: tuple[float, ...]
    logistic_bias: float
    base_rate: float
    units: int = 16

    def __post_init__(self) -> None:
        if any(len(row) != len(FEATURES) for row in (self.mean, self.deviation, self.logistic_weights)):
            raise ValueError(f"mean, deviation and logistic_weights need {len(FEATURES)} numbers each")


class RainNetwork(nn.Module):
    """One step between five numbers and the logit of rain. `mean` and `deviation` are part of the network."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.input = nn.Linear(len(FEATURES), config.units)
        self.output = nn.Linear(config.units, 1)
        self.register_buffer("mean", torch.tensor(config.mean), persistent=False)
        self.register_buffer("deviation", torch.tensor(config.deviation), persistent=False)

    def scaled(self, features: Tensor) -> Tensor:
        """`features` [..., 5] in degrees, m/s, sine and cosine, brought to one scale."""
        return (features - self.mean) / self.deviation

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden state [..., units] and logit of rain [...] for `features` [..., 5]."""
        input_says = self.input(self.scaled(features))
        nothing = torch.zeros_like(input_says)
        state, _ = rnn_cell(input_says, nothing, State(nothing))
        return state.hidden, self.output(state.hidden).squeeze(-1)


def load(folder: Path) -> RainNetwork:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: RainNetwork(Config(**config)))


def describe(network: RainNetwork) -> dict[str, object]:
    """What `load` needs beside the weights."""
    return asdict(network.config)
