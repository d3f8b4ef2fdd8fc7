"""How much is remembered after N characters? The share of names written right, for each network and distance.

    python -m models.recipes.sequences.recall.evaluate [--data FILE.txt] [--count 1000] [--seed 0]

prints one JSON line a network. The filler is cut from the file (any text, UTF-8; for the figures of the model card the
test passages of the nine books), or made of random lower-case letters without one. What counts as right: `measure.py`.
"""

import argparse
import json
from pathlib import Path

from models import runtime
from models.sequences.recall.measure import measure_recall
from models.sequences.recall.network import CELLS, load

NAME = "recall-cells"
DISTANCES = (0, 5, 10, 20, 40, 80, 120, 160, 200, 300, 400)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Share of names written right, by network and distance.")
    parser.add_argument("--data", type=Path, help="a text file, UTF-8, to cut the filler from")
    parser.add_argument("--count", type=int, default=1_000, help="sequences for each network and distance")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    filler = arguments.data.read_text(encoding="utf-8", errors="replace") if arguments.data else None
    networks = runtime.load(NAME, load).network
    points = list(measure_recall(networks, DISTANCES, count=arguments.count, seed=arguments.seed, filler=filler))
    about = {"count": arguments.count, "filler": arguments.data.name if arguments.data else "random words"}
    for cell in CELLS:
        accuracy = {point.distance: round(point.accuracy, 4) for point in points if point.cell == cell}
        line = {"model": NAME, "cell": cell, "parameters": networks.sizes()[cell], "accuracy_by_distance": accuracy}
        print(json.dumps({**line, "trained_to": networks.config.trained_to, **about}))


if __name__ == "__main__":
    main()
