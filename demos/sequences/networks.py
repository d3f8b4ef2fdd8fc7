"""Which network a page of this tab runs: one of the three embedded cells, or the one the visitor has trained here."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demos.base import usable_model
from models import runtime, weights
from models.errors import InputError

CELLS = {"char-rnn": "RNN", "char-gru": "GRU", "char-lstm": "LSTM"}
OWN = "yours"
CHOICES = [(title, name) for name, title in CELLS.items()]
FIRST = "char-lstm"


@dataclass(frozen=True)
class Own:
    """A network trained on the page "Train one", kept for this session. `number` tells one from the next."""

    network: Any
    title: str
    number: str


@dataclass(frozen=True)
class Page:
    """The fields of a page that the tab fills from outside: the text, and which network reads it."""

    text: gr.Textbox
    model: gr.Radio


def choices(own: Own | None) -> list[tuple[str, str]]:
    """What the visitor can choose from, as (title, name)."""
    return [*CHOICES, (own.title, OWN)] if own else CHOICES


def usable_network(model: object, own: Own | None) -> tuple[runtime.Loaded, str]:
    """The network in memory for a choice, and a sentence if it is not the chosen one.

    Raises `InputError` for another name, or where nothing was trained yet.
    """
    if model == OWN:
        if own is None:
            raise InputError("You have not kept a network of your own yet: train one on the last page of this tab.")
        return _loaded_own(own), ""
    name, note = usable_model(model, "sequences")
    from models.text import recurrent as network

    return runtime.load(name, network.load), note


def _loaded_own(own: Own) -> runtime.Loaded:
    entry = weights.Weights(own.number, "sequences", own.title, "session", "trained in this tab", "yours")
    parameters = list(own.network.parameters())
    count = sum(p.numel() for p in parameters)
    return runtime.Loaded(own.number, own.network, entry, count, 4 * count, str(parameters[0].device))
