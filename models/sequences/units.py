"""Units that keep track of something, as `python -m models.recipes.sequences.units` found them."""

import json
from dataclasses import dataclass

from models import weights

FILE = "units.json"
LEAST_CORRELATION = 0.4
"""A unit whose correlation is smaller does not follow the feature in any text one looks at."""


@dataclass(frozen=True)
class TrackedUnit:
    """A unit that follows a feature of the text.

    layer: `hidden state` or `cell state`; correlation: on the test passages, -1..1; chance: the largest of any unit
    with a feature of another text, what to expect of a unit that follows nothing
    """

    feature: str
    layer: str
    unit: int
    correlation: float
    chance: float


def tracked_units(name: str) -> tuple[TrackedUnit, ...]:
    """What the command found for an embedded network, but for what it found to follow too weakly; nothing where it was
    not run.
    """
    path = weights.folder(name) / FILE
    found = [TrackedUnit(**entry) for entry in json.loads(path.read_text())] if path.exists() else []
    return tuple(unit for unit in found if abs(unit.correlation) >= LEAST_CORRELATION)
