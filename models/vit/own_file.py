"""A classifier of one's own as two files, `classes.json` and `classes.safetensors`, written and strictly read back.

The first says which backbone it stands on (with the SHA-256 of its weights) and what the classes are called; the second
holds the head in float32 and, where last blocks were trained, these and the last normalisation in float16.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from models import runtime, weights
from models.errors import InputError
from models.vision import library
from models.vit.neighbours import BACKBONES
from models.vit.own_classes import MAX_CLASSES, MIN_CLASSES, check_labels, empty_classifier
from models.vit.own_training import BLOCKS, OwnClassifier

FORMAT = "glassbox-own-classes-1"
JSON_NAME, TENSORS_NAME = "classes.json", "classes.safetensors"
MAX_JSON_BYTES, MAX_TENSORS_BYTES = 16 * 2**10, 20 * 2**20
KEYS = {"format", "backbone", "backbone_sha256", "blocks", "labels"}


def save(own: OwnClassifier, folder: Path) -> list[Path]:
    """Write both files to `folder`; returns their paths."""
    described = {
        "format": FORMAT,
        "backbone": own.backbone,
        "backbone_sha256": _sha256(own.backbone),
        "blocks": len(own.tail),
        "labels": list(own.labels),
    }
    state = {name: _stored(name, tensor) for name, tensor in own.state_dict().items()}
    (folder / JSON_NAME).write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    safetensors.torch.save_file(state, folder / TENSORS_NAME, metadata={"format": "pt"})
    return [folder / JSON_NAME, folder / TENSORS_NAME]


def load(paths: Sequence[str | Path]) -> OwnClassifier:
    """The classifier in two files, given in any order.

    Raises `InputError` for anything that `save` does not write: other files, another backbone or other weights of it,
    names that could not have been given, tensors that are missing, unknown, of another shape or not finite.
    """
    described = _read_json(_the_one(paths, ".json", MAX_JSON_BYTES))
    stored = _read_tensors(_the_one(paths, ".safetensors", MAX_TENSORS_BYTES))
    network = runtime.load(described["backbone"], library.load).network
    own = empty_classifier(network, described["backbone"], described["labels"], described["blocks"])
    expected = own.state_dict()
    if set(stored) != set(expected):
        raise InputError(f"The tensors in {TENSORS_NAME} are not those that {JSON_NAME} tells of.")
    for name, tensor in stored.items():
        if tensor.shape != expected[name].shape or tensor.dtype != _stored(name, expected[name]).dtype:
            raise InputError(f"The tensor {name} in {TENSORS_NAME} has another shape or type than it should.")
        if not torch.isfinite(tensor).all():
            raise InputError(f"The tensor {name} in {TENSORS_NAME} holds numbers that are not finite.")
    own.load_state_dict({name: tensor.float() for name, tensor in stored.items()})
    return own.to(network.cls.device).eval().requires_grad_(False)


def _sha256(backbone: str) -> str:
    return weights.sha256_of(weights.folder(backbone) / "model.safetensors")


def _stored(name: str, tensor: torch.Tensor) -> torch.Tensor:
    return (tensor.float() if name.startswith("head.") else tensor.half()).cpu().contiguous()


def _the_one(paths: Sequence[str | Path], suffix: str, limit: int) -> bytes:
    """The bytes of the only file with that ending."""
    chosen = [Path(path) for path in paths if Path(path).suffix.lower() == suffix]
    if len(chosen) != 1 or len(paths) != 2:
        raise InputError(f"Give the two files of one download together: {JSON_NAME} and {TENSORS_NAME}.")
    if chosen[0].stat().st_size > limit:
        raise InputError(f"The {suffix} file has more than {limit / 2**20:.2g} MB: it was not saved here.")
    return chosen[0].read_bytes()


def _read_json(data: bytes) -> dict[str, Any]:
    refused = InputError(f"{JSON_NAME} is not one that this page has saved.")
    try:
        described = json.loads(data)
    except (ValueError, RecursionError):
        raise refused from None
    if not isinstance(described, dict) or set(described) != KEYS or described["format"] != FORMAT:
        raise refused
    names, backbone, blocks = described["labels"], described["backbone"], described["blocks"]
    if not isinstance(names, list) or not MIN_CLASSES <= len(names) <= MAX_CLASSES:
        raise refused
    if not isinstance(blocks, int) or isinstance(blocks, bool) or blocks not in BLOCKS:
        raise refused
    if not isinstance(backbone, str) or backbone not in BACKBONES.values():
        raise InputError(f"{JSON_NAME} names a backbone that is not offered here.")
    if described["backbone_sha256"] != _sha256(backbone):
        raise InputError("These classes were learned on other weights of the backbone: train them again.")
    return described | {"labels": check_labels(names)}


def _read_tensors(data: bytes) -> dict[str, torch.Tensor]:
    try:
        return safetensors.torch.load(data)
    except Exception:  # the reader raises several unrelated types on damaged files
        raise InputError(f"{TENSORS_NAME} is damaged or not a safetensors file.") from None
