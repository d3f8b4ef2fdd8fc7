"""Teach one step of a recurrent cell when it rains in Seattle, in seconds.

    python -m models.recipes.sequences.weather.train [--data CSV]       write assets/weights/rain-network/

All training days at once, 300 steps of Adam with a learning rate that falls to zero, squared weights in the loss. The
number of units and the weight of the squares were chosen by leaving out one year of 2012 to 2014; 2015 is held out.
The logistic regression and the base rate of the same days are stored beside the weights.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from models import training
from models.recipes.sequences.weather.data import Days, packaged_file, read, split
from models.sequences.weather.network import Config, RainNetwork, describe

STEPS = 300
LEARNING_RATE = 0.03
WEIGHT_OF_SQUARES = 4e-3


class Logistic(NamedTuple):
    """Logistic regression without penalty: weights [5] of the scaled features, and bias."""

    weights: np.ndarray
    bias: float


def fit_logistic(scaled: np.ndarray, rain: np.ndarray) -> Logistic:
    """The most likely logistic regression for `scaled` [days, 5] and `rain` [days] bool."""
    fitted = LogisticRegression(C=np.inf, max_iter=1000).fit(scaled, rain)
    return Logistic(fitted.coef_[0], float(fitted.intercept_[0]))


def fit(days: Days, seed: int = 0) -> RainNetwork:
    """A network taught with `days`. The same days and seed give the same network."""
    mean, deviation = days.features.mean(0), days.features.std(0)
    logistic = fit_logistic((days.features - mean) / deviation, days.rain)
    torch.manual_seed(seed)
    scale, offset, slopes = (tuple(row.tolist()) for row in (deviation, mean, logistic.weights))
    network = RainNetwork(Config(offset, scale, slopes, logistic.bias, float(days.rain.mean())))
    _descend(network, torch.from_numpy(days.features).float(), torch.from_numpy(days.rain).float())
    return network.eval().requires_grad_(False)


def _descend(network: RainNetwork, features: torch.Tensor, rain: torch.Tensor) -> None:
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, STEPS)
    matrices = (network.input.weight, network.output.weight)
    for _ in range(STEPS):
        _, logits = network(features)
        squares = torch.stack([matrix.square().sum() for matrix in matrices]).sum()
        loss = F.binary_cross_entropy_with_logits(logits, rain) + WEIGHT_OF_SQUARES * squares
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Train the rain network.")
    parser.add_argument("--data", type=Path, help="seattle-weather.csv; without it, that of the package vega_datasets")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    days, _ = split(read(arguments.data or packaged_file()))
    network = fit(days)
    training.export("rain-network", network.state_dict(), describe(network), half=True)


if __name__ == "__main__":
    main()
