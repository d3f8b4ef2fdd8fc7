"""Measure the sprite network that reads words: is what it draws of the colour and of the kind that was asked for?

Asked are all combinations of the colours and kinds ("purple tree"), those of the training and those kept aside
(`captions.UNSEEN`). The colour is measured from the pixels (`dominant_colours`). The kind is told by a linear
classifier on features of the embedded ViT, fitted to the training sprites. How often it is right on real sprites that
were held out, in their own and in other colours, stands beside it. What is drawn with guidance is more typical of its
class than real sprites are, and told more easily.
"""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from models import runtime
from models.diffusion.colours import COLOURS, dominant_colours, recoloured
from models.diffusion.data import ANY_CLASS, CLASSES
from models.diffusion.edits import begin, run_entry
from models.diffusion.novelty import Features, sprite_features
from models.diffusion.reading import NAME, SpriteWords, load_sprite_words
from models.diffusion.trace import Plan, finished_sprites
from models.diffusion.words_network import padded
from models.recipes.diffusion.captions import UNSEEN
from models.recipes.diffusion.data import Sprites

BATCH = 16
INVERSE_PENALTY = 0.03
"""Of the classifier that tells kinds: the best of five in a five-fold cross-validation on the training sprites."""
WORDS = {"scroll": "book"}
"""Of a class whose sprites are nearly all called something else."""


@dataclass(frozen=True)
class Asked:
    """A prompt: the place of its class in `CLASSES`, its colour, and whether training never had the two together."""

    label: int
    colour: str
    unseen: bool

    @property
    def prompt(self) -> str:
        """Its words."""
        return f"{self.colour} {WORDS.get(CLASSES[self.label], CLASSES[self.label])}"


def prompts(each: int, each_unseen: int) -> list[Asked]:
    """Every combination `each` times, and those kept aside `each_unseen` times."""
    asked = []
    for label, kind in enumerate(CLASSES):
        for colour in COLOURS:
            unseen = colour in UNSEEN.get(kind, ())
            asked += [Asked(label, colour, unseen)] * (each_unseen if unseen else each)
    return asked


def draw(asked: list[Asked], *, steps: int, seed: int, guidance: float, sampler: str) -> np.ndarray:
    """One sprite for each prompt, `[N, 32, 32, 4] uint8`."""
    model: SpriteWords = runtime.load(NAME, load_sprite_words).network
    made = []
    for start in range(0, len(asked), BATCH):
        texts = [one.prompt for one in asked[start : start + BATCH]]
        with torch.inference_mode():
            read, nothing = padded(model.reader(texts).each()), model.reader([""]).times(len(texts))
        plan = Plan(ANY_CLASS, len(texts), steps, seed * 1_000_003 + start, guidance, sampler)
        *_, last = run_entry(model.unet, begin(plan), (nothing, read))
        made.append(finished_sprites(last.x_0))
    return np.concatenate(made)


def teller(training: Features) -> Pipeline:
    """What tells the class of features `[N, D]`: multinomial logistic regression, every class counting alike."""
    classifier = LogisticRegression(C=INVERSE_PENALTY, class_weight="balanced", max_iter=1000)
    return make_pipeline(StandardScaler(), classifier).fit(training.values, training.labels)


def measure(asked: list[Asked], rgba: np.ndarray, tells: Pipeline) -> dict[str, float | int]:
    """Shares of what was asked for, of the combinations of the training and of those kept aside; in 0..1."""
    right_colour = np.array([found == one.colour for found, one in zip(dominant_colours(rgba), asked, strict=True)])
    right_kind = tells.predict(sprite_features(rgba)) == np.array([one.label for one in asked])
    unseen = np.array([one.unseen for one in asked])
    figures: dict[str, float | int] = {}
    for name, chosen in (("", ~unseen), ("unseen_", unseen)):
        figures |= {
            f"{name}colour_right": round(float(right_colour[chosen].mean()), 4),
            f"{name}kind_right": round(float(right_kind[chosen].mean()), 4),
            f"{name}both_right": round(float((right_colour & right_kind)[chosen].mean()), 4),
            f"{name}sprites": int(chosen.sum()),
        }
    return figures


def measure_kinds_of_real(real: Sprites, tells: Pipeline, seed: int) -> dict[str, float]:
    """How often the kind is told rightly of real held-out sprites, each class counting alike, in 0..1."""
    random = np.random.default_rng(seed)
    moved = np.stack([recoloured(sprite, str(random.choice(COLOURS))) for sprite in real.rgba])
    shares = {}
    for name, rgba in (("kind_right_of_real", real.rgba), ("kind_right_of_recoloured", moved)):
        right = tells.predict(sprite_features(rgba)) == real.labels
        shares[name] = round(float(np.mean([right[real.labels == one].mean() for one in np.unique(real.labels)])), 4)
    return shares
