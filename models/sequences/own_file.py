"""A visitor's own character network as a file: its cell and units, and its weights in float32."""

import re
from dataclasses import asdict
from pathlib import Path

from models import runtime, session
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_name
from models.sequences.networks import OWN, OwnNetwork
from models.text.recurrent import CELLS, CharacterNetwork, Config
from models.text.symbols import ALPHABET

KIND = "a sequence network of one's own"
MAX_UNITS, MAX_TITLE_CHARS = 512, 80


def save(own: OwnNetwork, folder: Path) -> Path:
    """Write the network to `folder`; returns the path."""
    name = re.sub(r"[^a-z0-9]+", "-", own.title.lower()).strip("-")
    about = {**asdict(own.network.config), "title": own.title}
    return session.save(folder / f"{name}.safetensors", KIND, about, own.network.state_dict())


def load(path: str) -> str:
    """Keep the network of a file; returns the name it is kept under in `OWN`.

    Raises `InputError` for what `save` does not write, and for a network that reads other characters.
    """
    saved = session.load(path, KIND)
    about = saved.about
    cell = check_choice(about.get("cell"), list(CELLS), name="The cell in this file")
    units = check_integer(about.get("units"), name="The number of units in this file", low=1, high=MAX_UNITS)
    title = check_name(about.get("title"), name="The title in this file", max_chars=MAX_TITLE_CHARS)
    if about.get("alphabet") != ALPHABET:
        raise InputError("The network in this file reads other characters than this version of the app.")
    network = session.filled(CharacterNetwork(Config(cell, units)), saved.tensors)  # pyright: ignore[reportArgumentType]
    return OWN.put(OwnNetwork(network.to(runtime.device()), title))
