"""A network of our own from its folder: `config.json` says how it is built, `model.safetensors` what it has learned."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from models.errors import WeightsError

Network = TypeVar("Network", bound=nn.Module)


def load_stored(folder: Path, build: Callable[[dict[str, Any]], Network]) -> Network:
    """The network that `build` makes of the configuration, with the weights of `folder`, in float32.

    Raises `WeightsError` if they do not fit, or if `build` complains of a file.
    """
    try:
        network = build(json.loads((folder / "config.json").read_text()))
        tensors = load_file(folder / "model.safetensors")
        network.load_state_dict({key: t.float() if t.is_floating_point() else t for key, t in tensors.items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as error:
        raise WeightsError(f"The weights in {folder.name} cannot be used ({type(error).__name__}).") from error
    return network
