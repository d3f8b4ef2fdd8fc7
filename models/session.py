"""What a visitor has trained, as one file that is dropped back in later: safetensors, with JSON in its metadata.

A file says its format, what kind of thing it holds, and what is needed to build the network again; it is read strictly.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from models.errors import InputError

FORMAT, VERSION = "glassbox-session", 1
MAX_BYTES, MAX_ABOUT_CHARS = 20 * 2**20, 20_000
NOT_OURS = "This file is damaged, or was not saved by this app."

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class Saved:
    """about: what was said of it when it was saved, unchecked. tensors: finite, by name."""

    about: dict[str, Any]
    tensors: dict[str, Tensor]

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors whose names begin with `prefix`, without it."""
        return {name.removeprefix(prefix): one for name, one in self.tensors.items() if name.startswith(prefix)}


def save(path: Path, kind: str, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Path:
    """Write a file. `kind`: what it holds, as the sentences of `load` say it."""
    from safetensors.torch import save_file

    told = json.dumps({"format": FORMAT, "version": VERSION, "kind": kind, "about": dict(about)}, ensure_ascii=False)
    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(stored, path, metadata={"format": "pt", FORMAT: told})
    return path


def load(path: str | Path, kind: str) -> Saved:
    """Read a file of that kind.

    Raises `InputError` for another kind or version, and where it is damaged or holds numbers that are not finite.
    """
    path = Path(path)
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"The file has more than {MAX_BYTES // 2**20} MB: it was not saved by this app.")
    told, tensors = _read(path)
    if told.get("version") != VERSION:
        raise InputError("This file was saved by another version of the app, which stores it in another way.")
    if told.get("kind") != kind:
        raise InputError(f"This file does not hold {kind}: give it to the page that saved it.")
    about = told.get("about")
    if not isinstance(about, dict):
        raise InputError(NOT_OURS)
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"The tensor {name[:60]} in this file holds numbers that are not finite.")
    return Saved(about, tensors)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import safe_open

    try:
        with safe_open(path, "pt") as file:
            text = (file.metadata() or {}).get(FORMAT, "")
            told = json.loads(text) if len(text) <= MAX_ABOUT_CHARS else None
            if not isinstance(told, dict) or told.get("format") != FORMAT:
                raise InputError(NOT_OURS)
            return told, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
    except InputError:
        raise
    except Exception:  # the reader raises several unrelated types on damaged files
        raise InputError(NOT_OURS) from None


def check_tensors(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise `InputError` unless `tensors` are those of the architecture that `expected` is of, name by name."""
    if tensors.keys() != expected.keys():
        raise InputError("This file holds a network of another architecture: its tensors are not those it tells of.")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape or tensor.is_floating_point() != expected[name].is_floating_point():
            raise InputError(
                f"This file holds a network of another architecture: {name[:60]} has another shape or type."
            )


def filled(network: Network, tensors: Mapping[str, Tensor]) -> Network:
    """The network with these tensors, ready to be used. Raises `InputError` where they are of another architecture."""
    check_tensors(tensors, network.state_dict())
    network.load_state_dict({name: tensor.to(network.state_dict()[name].dtype) for name, tensor in tensors.items()})
    return network.eval().requires_grad_(False)
