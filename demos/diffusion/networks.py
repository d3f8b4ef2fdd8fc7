"""Which network a page of this tab runs: the embedded one, or the one the visitor has trained on the page "Train one".

Everywhere else a network is told by its name: empty for the embedded one, else the one it is kept under
(`models.diffusion.trained`), which nobody can guess.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.base import empty_strip
from demos.tab import LIGHT, private
from models import runtime
from models.diffusion.data import ANY_CLASS
from models.diffusion.trained import TRAINED
from models.inputs import check_choice

if TYPE_CHECKING:
    from models.diffusion.trace import Plan

NAME = "sprites-unet"
EMBEDDED, OWN = "embedded", "own"
CHOICES = [("embedded", EMBEDDED)]
ADVICE = "One that you train on the page “Train one” is offered here too."
BOTH = "The embedded one knows classes, yours only the pictures that you gave it."
CLASSLESS = "Trained without classes: there is none to choose, and no guidance, which needs one."


def chosen_network(choice: object, own: object) -> str:
    """Name of the network for a choice. Raises `InputError` for another choice, or where the visitor's is not kept."""
    if check_choice(choice, [EMBEDDED, OWN], name="The network") == EMBEDDED:
        return ""
    TRAINED.find(own)
    return str(own)


def size_of(network: str) -> int:
    """Pixels a side of the network's pictures."""
    from models.diffusion.network import SIZE

    return TRAINED.find(network).settings.size if network else SIZE


def plan_for(network: str, plan: "Plan") -> "Plan":
    """The plan as far as the network can follow it: one trained by a visitor knows neither classes nor guidance."""
    return replace(plan, sprite_class=ANY_CLASS, guidance=1.0, size=size_of(network)) if network else plan


def loading(network: str = "") -> str | None:
    """What to say while the network is loaded, if it is not yet."""
    return None if network or NAME in runtime.names_in_memory() else empty_strip("Loading the sprite model …")


def network_choice(elem_id: str) -> gr.Radio:
    """The choice, so far without a network of the visitor's own."""
    return gr.Radio(CHOICES, value=EMBEDDED, label="Model", info=ADVICE, elem_id=elem_id)


def view_choice(choice: object, own: object) -> tuple[Any, bool]:
    """What there is to choose now, and whether the chosen network knows classes."""
    choice = check_choice(choice, [EMBEDDED, OWN], name="The network")
    if choice == OWN:
        TRAINED.find(own)
    offered = [(TRAINED.find(own).title, OWN)] if own in TRAINED else []
    info = CLASSLESS if choice == OWN else BOTH if offered else ADVICE
    return gr.update(choices=[*CHOICES, *offered], value=choice, info=info), choice == EMBEDDED


def follow_choice(network: gr.Radio, own: gr.State, classed: Sequence[Any]) -> None:
    """Offer the visitor's network as soon as there is one, and hide the controls `classed` while it is chosen."""

    def view(choice: object, name: object) -> list[Any]:
        shown, knows_classes = view_choice(choice, name)
        return [shown, *(gr.update(visible=knows_classes) for _ in classed)]

    gr.on([network.input, own.change], view, [network, own], [network, *classed], **private(), **LIGHT)
