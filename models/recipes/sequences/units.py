"""Which units keep track of something? Found by correlation on text that no network was trained on.

    python -m models.recipes.sequences.units --data DIR [--model NAME ...]

reads the books of `books.py`, chooses for each feature the units with the largest correlation (Pearson, either sign) on
the validation passages, measures them again on the test passages, and writes `units.json` beside the weights.
The idea of looking for such units: Karpathy et al. (2015), "Visualizing and understanding recurrent networks".
"""

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from models import runtime, weights
from models.sequences.features import FEATURES, correlations
from models.sequences.units import FILE, TrackedUnit
from models.text import books
from models.text.recurrent import CharacterNetwork, State, load
from models.text.symbols import ALPHABET, START, encode

STRETCHES = 64
UNITS_PER_FEATURE = 3


@torch.inference_mode()
def states_of(network: CharacterNetwork, text: str) -> dict[str, np.ndarray]:
    """Hidden state and, in an LSTM, cell state after every character of `text`: by layer, [T, units] float32.

    The text is read in `STRETCHES` side by side, each from a fresh state; a rest shorter than a stretch is left out.
    """
    length = len(text) // STRETCHES
    symbols = torch.from_numpy(encode(text[: length * STRETCHES]).symbols).view(STRETCHES, length).to(runtime.device())
    start = torch.full((STRETCHES,), ALPHABET.index(START), device=symbols.device)
    state = network.step(start, network.fresh_state(STRETCHES)).state
    states: list[State] = []
    for column in symbols.unbind(1):
        state = network.step(column, state).state
        states.append(state)
    layers = {"hidden state": torch.stack([s.hidden for s in states], 1)}
    cells = [s.cell for s in states if s.cell is not None]
    if cells:
        layers["cell state"] = torch.stack(cells, 1)
    return {name: values.flatten(0, 1).float().cpu().numpy() for name, values in layers.items()}


def find_units(network: CharacterNetwork, choose_on: str, measure_on: str) -> list[TrackedUnit]:
    """For each feature the units that follow it best on one text, measured on the other."""
    chosen, measured, chance = (
        _all_correlations(network, text, other)
        for text, other in ((choose_on, choose_on), (measure_on, measure_on), (measure_on, choose_on))
    )
    found = []
    for column, feature in enumerate(FEATURES):
        places = [(layer, unit) for layer, table in chosen.items() for unit in range(len(table))]
        places.sort(key=lambda place: -abs(chosen[place[0]][place[1], column]))
        best = {unit: layer for layer, unit in reversed(places)}  # each unit once, in the layer that follows better
        highest = max(float(np.abs(table[:, column]).max()) for table in chance.values())
        for layer, unit in [place for place in places if best[place[1]] == place[0]][:UNITS_PER_FEATURE]:
            score = float(measured[layer][unit, column])
            found.append(TrackedUnit(feature, layer, unit, round(score, 3), round(highest, 3)))
    return found


def _all_correlations(network: CharacterNetwork, read: str, described: str) -> dict[str, np.ndarray]:
    """Correlations of the states while reading one text with the features of another (the same, but for `chance`)."""
    characters = np.array(list(described))
    features = np.stack([np.asarray(feature(characters), np.float64) for feature in FEATURES.values()], axis=1)
    tables = {}
    for layer, states in states_of(network, read).items():
        length = min(len(states), len(features))
        tables[layer] = correlations(states[:length], features[:length])
    return tables


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Find units that track something.")
    parser.add_argument("--data", type=Path, required=True, help="folder with the nine books of books.py")
    parser.add_argument("--model", nargs="*", default=weights.offered("sequences"))
    arguments = parser.parse_args()
    texts = [books.read(arguments.data, part) for part in ("validation", "test")]
    for name in arguments.model:
        found = find_units(runtime.load(name, load).network, *texts)
        partial = weights.EMBEDDED / name / "units.partial"
        partial.write_text(json.dumps([asdict(unit) for unit in found], indent=1) + "\n")
        os.replace(partial, partial.with_name(FILE))
        weights.record(name)
        for unit in found:
            print(json.dumps({"model": name, **asdict(unit)}), flush=True)


if __name__ == "__main__":
    main()
