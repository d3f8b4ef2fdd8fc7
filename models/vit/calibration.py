"""How sure a classifier may be: probabilities calibrated on held-out photos, and when it should say "none of these".

Guo et al. 2017, "On Calibration of Modern Neural Networks": dividing all logits by one temperature changes no answer,
and makes 80 % mean right in 80 % of cases. Hendrycks & Gimpel 2017: what is in none of the categories gets a lower
highest probability. Both numbers are fitted by `models.recipes.vit.calibrate`.
"""

import json
from dataclasses import dataclass
from functools import cache

import numpy as np

from models import weights

FILE = weights.EMBEDDED.parent / "figures" / "vit_calibration.json"


@dataclass(frozen=True)
class Calibration:
    """temperature: what logits are divided by. doubtful: calibrated probability of the first answer below which the
    picture probably shows none of the categories; 0 where that was not measured. kept, refused: shares of held-out
    photos of the categories that are above it, and of photos of other things that are below it.
    """

    temperature: float = 1.0
    doubtful: float = 0.0
    kept: float = 0.0
    refused: float = 0.0


@cache
def calibration_of(model: str) -> Calibration:
    """That of a model by its name; one that changes nothing where none was fitted."""
    found = json.loads(FILE.read_text(encoding="utf-8"))["models"].get(model, {})
    none = found.get("none", {})
    return Calibration(
        found.get("temperature", 1.0), none.get("threshold", 0.0), none.get("kept", 0.0), none.get("refused", 0.0)
    )


def calibrated(probabilities: np.ndarray, model: str) -> np.ndarray:
    """The softmax of the same logits over the model's temperature: `(..., C)`, sums 1."""
    powers = np.maximum(probabilities.astype(np.float64), 1e-30) ** (1 / calibration_of(model).temperature)
    return powers / powers.sum(-1, keepdims=True)
