"""Does a hidden layer know more about rain than a logistic regression, or than no inputs at all?

    python -m models.recipes.sequences.weather.evaluate [--data CSV] [--seeds N]

prints one JSON line a protocol, each with accuracy, log loss (nats) and Brier score of the network, of the logistic
regression on the same inputs, and of the base rate of the training days:

- "2015": the embedded weights, trained on 2012 to 2014, on the year held out;
- "leave one year out": four trainings, each measured on the year it has not seen, all days pooled;
- "10-fold cross-validation": all days, N shuffles (each with its own seed of the network); mean and standard deviation
  over the shuffles, and how much more often the network is right than the logistic regression.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import KFold

from models import runtime
from models.recipes.sequences.weather.data import Days, packaged_file, read, split
from models.recipes.sequences.weather.train import fit
from models.sequences.weather.network import RainNetwork, load

FOLDS = 10
MEASURES = ("accuracy", "log_loss", "brier")
Predictions = dict[str, np.ndarray]


@torch.inference_mode()
def predict(network: RainNetwork, features: np.ndarray) -> Predictions:
    """Probabilities of rain [days] by the network and by both baselines of its training days."""
    inputs = torch.from_numpy(features).float().to(network.mean.device)
    _, logits = network(inputs)
    config = network.config
    logistic = network.scaled(inputs).double().cpu() @ torch.tensor(config.logistic_weights).double()
    return {
        "network": logits.double().sigmoid().cpu().numpy(),
        "logistic regression": (logistic + config.logistic_bias).sigmoid().numpy(),
        "base rate": np.full(len(features), config.base_rate),
    }


def measure(probabilities: np.ndarray, rain: np.ndarray) -> np.ndarray:
    """Accuracy, mean log loss in nats and Brier score, [3], of `probabilities` [days] for `rain` [days] bool."""
    given = np.where(rain, probabilities, 1 - probabilities)
    right = (probabilities > 0.5) == rain
    return np.array([right.mean(), -np.log(np.maximum(given, 1e-12)).mean(), np.square(1 - given).mean()])


def predict_unseen(days: Days, fold_of_day: np.ndarray, seed: int) -> Predictions:
    """Every fold predicted by a network that was trained on the other folds, [days]."""
    pooled = {}
    for fold in np.unique(fold_of_day):
        unseen = fold_of_day == fold
        for name, probabilities in predict(fit(days.where(~unseen), seed), days.features[unseen]).items():
            pooled.setdefault(name, np.zeros(len(days.rain)))[unseen] = probabilities
    return pooled


def cross_validate(days: Days, seeds: int) -> dict[str, Any]:
    """Mean and standard deviation over `seeds` shuffles of all measures, and of the gain in accuracy."""
    results = {}
    for seed in range(seeds):
        folds = np.zeros(len(days.rain), np.int64)
        for fold, (_, unseen) in enumerate(KFold(FOLDS, shuffle=True, random_state=seed).split(days.features)):
            folds[unseen] = fold
        for name, probabilities in predict_unseen(days, folds, seed).items():
            results.setdefault(name, []).append(measure(probabilities, days.rain))
    gain = np.array(results["network"])[:, 0] - np.array(results["logistic regression"])[:, 0]
    spread = {name: _named(np.mean(rows, 0)) | {"deviation": _named(np.std(rows, 0))} for name, rows in results.items()}
    return spread | {"accuracy_gain": {"mean": round(gain.mean(), 4), "lowest": round(gain.min(), 4)}}


def _named(measures: np.ndarray) -> dict[str, Any]:
    return {name: round(float(value), 4) for name, value in zip(MEASURES, measures, strict=True)}


def _report(protocol: str, days: Days, figures: dict[str, Any]) -> None:
    line = {"protocol": protocol, "days": len(days.rain), "rain": round(float(days.rain.mean()), 4), **figures}
    print(json.dumps(line), flush=True)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Accuracy, log loss and Brier score of the rain network.")
    parser.add_argument("--data", type=Path, help="seattle-weather.csv; without it, that of the package vega_datasets")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    days = read(arguments.data or packaged_file())
    _, held_out = split(days)
    embedded = predict(runtime.load("rain-network", load).network, held_out.features)
    _report("2015", held_out, {name: _named(measure(p, held_out.rain)) for name, p in embedded.items()})
    pooled = predict_unseen(days, days.year, seed=0)
    _report("leave one year out", days, {name: _named(measure(p, days.rain)) for name, p in pooled.items()})
    _report("10-fold cross-validation", days, cross_validate(days, arguments.seeds))


if __name__ == "__main__":
    main()
