"""A visitor's own sprite network as a file: its weights in float32, its settings, and the pictures it was given."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from models import session
from models.diffusion.network import Config, SpriteUNet, channels_last
from models.diffusion.trained import MAX_STEPS, TARGETS, TRAINED, Settings, Trained
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number

KIND = "a sprite network of one's own"
NETWORK, PICTURES = "network.", "pictures"
SIZES, STARTS = (16, 32), ("noise", "embedded")
MAX_PICTURES, MOST_STEPS, MAX_SEED = 4096, 10**7, 2**31 - 1
MAX_WIDTH, MAX_BLOCKS, MAX_CLASSES = 160, 2, 100


def save(trained: Trained, folder: Path) -> Path:
    """Write the network to `folder`; returns the path."""
    about = {"config": asdict(trained.network.config), "settings": asdict(trained.settings), "steps": trained.steps}
    tensors = {f"{NETWORK}{name}": one for name, one in trained.network.state_dict().items()}
    name = f"trained-{trained.settings.size}px-{trained.steps}-steps.safetensors"
    return session.save(folder / name, KIND, about, {**tensors, PICTURES: torch.from_numpy(trained.rgba)})


def load(path: str) -> str:
    """Keep the network of a file; returns the name it is kept under in `TRAINED`.

    Raises `InputError` for what `save` does not write.
    """
    saved = session.load(path, KIND)
    settings = _settings(saved.about.get("settings"))
    config = _config(saved.about.get("config"), settings.target)
    steps = check_integer(saved.about.get("steps"), name="The number of steps in this file", low=1, high=MOST_STEPS)
    rgba = saved.tensors.get(PICTURES)
    shape = (settings.size, settings.size, 4)
    if rgba is None or rgba.dtype != torch.uint8 or rgba.shape[1:] != shape or not 1 <= len(rgba) <= MAX_PICTURES:
        raise InputError("The pictures in this file are not of the size that it tells of.")
    network = session.filled(channels_last(SpriteUNet(config)), saved.part(NETWORK))
    return TRAINED.put(Trained(network, settings, rgba.numpy(), steps))


def _settings(told: Any) -> Settings:
    told = told if isinstance(told, dict) else {}
    size = check_integer(told.get("size"), name="The size in this file", low=min(SIZES), high=max(SIZES))
    if size not in SIZES:
        raise InputError("The size in this file must be 16 or 32.")
    return Settings(
        size,
        check_choice(told.get("start"), STARTS, name="The start in this file"),
        check_number(told.get("seconds"), name="The seconds in this file", low=0, high=3600),
        check_integer(told.get("seed"), name="The seed in this file", low=0, high=MAX_SEED),
        check_choice(told.get("target", "v"), TARGETS, name="What the network in this file learned to say"),
        check_integer(told.get("steps", MAX_STEPS), name="The steps asked for in this file", low=1, high=MAX_STEPS),
    )


def _config(told: Any, target: str) -> Config:
    """The configuration of a network no larger than the embedded one."""
    told = told if isinstance(told, dict) else {}
    classes, widths = told.get("classes"), told.get("widths")
    named = isinstance(classes, list) and len(classes) <= MAX_CLASSES and all(isinstance(one, str) for one in classes)
    if not named or not isinstance(widths, list) or len(widths) != 2:
        raise InputError("This file does not tell of a network that can be built here.")
    high, low = (check_integer(one, name="A width in this file", low=8, high=MAX_WIDTH) for one in widths)
    blocks = check_integer(told.get("blocks"), name="The number of blocks in this file", low=1, high=MAX_BLOCKS)
    heads = check_integer(told.get("heads"), name="The number of heads in this file", low=1, high=8)
    embedding = check_integer(told.get("embedding"), name="The embedding in this file", low=8, high=256)
    if high % 8 or low % 8 or low % heads:
        raise InputError("This file does not tell of a network that can be built here.")
    return Config(tuple(classes), (high, low), blocks, heads, embedding, target)
