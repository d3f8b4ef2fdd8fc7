"""A visitor's own detector as a file: which detector it began as, what it finds, and what it has learned in float16."""

from pathlib import Path

import torch

from models import runtime, session, weights
from models.detection.network import load_detector
from models.detection.own import Learned, keep
from models.detection.own_boxes import MAX_CLASSES, MAX_NAME_CHARS, is_frozen, with_new_classes
from models.errors import InputError
from models.inputs import check_name
from models.normal import same_name

KIND = "a detector of one's own"


def save(learned: Learned, folder: Path) -> Path:
    """Write the detector to `folder`; returns the path."""
    about = {"base": learned.base, "base_sha256": _sha256(learned.base), "labels": list(learned.labels)}
    tensors = {name: torch.from_numpy(array).half() for name, array in learned.weights.items()}
    return session.save(folder / "own-detector.safetensors", KIND, about, tensors)


def load(path: str) -> str:
    """Keep the detector of a file; returns the name it is kept under.

    Raises `InputError` for what `save` does not write, and where it stands on another detector or other weights of it.
    """
    saved = session.load(path, KIND)
    base = weights.find(saved.about.get("base"), "detection")
    if base.kind != "embedded" or saved.about.get("base_sha256") != _sha256(base.name):
        raise InputError("This detector was learned on other weights than this version of the app has: train it again.")
    labels = _labels(saved.about.get("labels"))
    network = with_new_classes(runtime.load(base.name, load_detector).network.network, labels)
    expected = {name: one for name, one in network.state_dict().items() if not is_frozen(name)}
    session.check_tensors(saved.tensors, expected)
    return keep(Learned(base.name, labels, {name: one.float().numpy() for name, one in saved.tensors.items()}))


def _labels(names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not 1 <= len(names) <= MAX_CLASSES:
        raise InputError(f"The file must name 1 to {MAX_CLASSES} kinds of things.")
    labels = tuple(check_name(name, name="A name in this file", max_chars=MAX_NAME_CHARS) for name in names)
    if len({same_name(label) for label in labels}) < len(labels):
        raise InputError("Two names in this file look alike.")
    return labels


def _sha256(name: str) -> str:
    return weights.sha256_of(weights.folder(name) / "model.safetensors")
