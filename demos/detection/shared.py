"""What the pages of the Detection tab share: the models, how one is loaded, options of their events."""

from functools import partial

from models import runtime, weights
from models.kept import Kept

THRESHOLD = 0.5
NETWORK = {"concurrency_id": "detection", "concurrency_limit": 2}
LATEX = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "$", "right": "$", "display": False},
]

private = partial(dict, api_visibility="private", show_progress="hidden")

OWN: Kept[runtime.Loaded] = Kept(8)
"""Detectors that visitors have trained, under names that begin with `own-`."""


def load_detection(name: str) -> runtime.Loaded:
    """The detector of that name, loaded once."""
    from models.detection.network import load_detector

    return runtime.load(name, load_detector)


def choices() -> list[tuple[str, str]]:
    """(title, name) of the detectors that may be chosen."""
    entries = [weights.find(name) for name in weights.offered("detection")]
    return [(f"{e.title}, from the hub" if e.kind == "hub" else e.title, e.name) for e in entries]
