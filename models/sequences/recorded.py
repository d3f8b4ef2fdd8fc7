"""A training that was recorded beforehand, by `python -m models.recipes.sequences.live --record`."""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np

from models import weights
from models.compute import Run
from models.sequences.live import History
from models.training import TrainStep

FILE = weights.EMBEDDED.parent / "figures" / "sequences_training.json"


@dataclass(frozen=True)
class Recorded:
    """What a training has come to: its `History`, what the text and the network were, and how long it took.

    bits: per character on the held-out part, of predictors that read nothing (`LiveTraining.baselines`).
    """

    history: History
    bits: dict[str, float]
    text: str
    characters: int
    run: Run

    @property
    def steps_done(self) -> int:
        """Optimiser steps that were taken."""
        return len(self.history.steps)

    def baselines(self) -> dict[str, float]:
        """As those of a running training."""
        return self.bits


@cache
def recorded() -> Recorded:
    """The training that comes with the app."""
    facts = json.loads(FILE.read_text(encoding="utf-8"))
    pairs = enumerate(zip(facts["losses"], facts["norms"], strict=True), 1)
    history = History(
        steps=[TrainStep(step, loss, norm, facts["rate"], 0.0) for step, (loss, norm) in pairs],
        held_out=[(step, bits) for step, bits in facts["held_out"]],
        samples=[(step, text) for step, text in facts["samples"]],
        distances=[(step, np.array(norms)) for step, norms in facts["distances"]],
    )
    title, source = facts["title"], "a training recorded beforehand"
    run = Run("recorded", title, facts["parameters"], source, facts["device"], facts["seconds"])
    return Recorded(history, facts["baselines"], facts["text"], facts["characters"], run)
