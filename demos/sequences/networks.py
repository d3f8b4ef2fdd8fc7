"""Which network a page of this tab runs: one of the three embedded cells, or the one the visitor has trained here."""

from dataclasses import dataclass

import gradio as gr

from demos.base import usable_model
from models.errors import InputError
from models.sequences.networks import OWN

CELLS = {"char-rnn": "RNN", "char-gru": "GRU", "char-lstm": "LSTM"}
YOURS = "yours"
CHOICES = [(title, name) for name, title in CELLS.items()]
FIRST = "char-lstm"


@dataclass(frozen=True)
class Page:
    """The fields of a page that the tab fills from outside: the text, and which network reads it."""

    text: gr.Textbox
    model: gr.Radio


def choices(own: str | None) -> list[tuple[str, str]]:
    """What the visitor can choose from, as (title, name); `own` is the name their network is kept under, if any."""
    return [*CHOICES, (OWN.find(own).title, YOURS)] if own in OWN else CHOICES


def usable_network(model: object, own: str | None) -> tuple[str, str]:
    """The name of the network to run for a choice, and a sentence if it is not the chosen one.

    Raises `InputError` for another name, or where nothing was trained yet or it is no longer kept.
    """
    if model != YOURS:
        return usable_model(model, "sequences")
    if own is None:
        raise InputError("You have not kept a network of your own yet: train one on the last page of this tab.")
    OWN.find(own)
    return own, ""
