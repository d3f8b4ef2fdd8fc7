"""One button for a better model from the hub: what it is, its size, its licence; progress, stop; then the page uses it.

Nothing is fetched that was not asked for. `model_offer` stands under a page's menu of models; when what was fetched is
there, it chooses it in the menu, and the page runs once more.
"""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from demos.tab import LIGHT, RUN, answering, built, payload, private
from demos.ui import component
from demos.views.offer import OfferView
from models import hub, weights


def offer_view(name: str, *, chosen: bool) -> OfferView:
    """Where a hub model stands."""
    entry, state = weights.find(name), hub.state_of(name)
    share = state.bytes_done / state.bytes_total if state.bytes_total else 0.0
    sentence = hub.describe(name) if state.status in ("running", "failed") else ""
    megabytes = round(state.bytes_total / 1e6) or entry.megabytes
    return OfferView(
        name, entry.title, entry.does, megabytes, entry.licence, state.status, round(share, 4), sentence, chosen
    )


def offer_for(model: object, better: Sequence[str]) -> OfferView | None:
    """What to offer beside a choice: that very model where it is not here, else a better one; None for neither.

    Where the host prefers models of the hub, a better one that is on its way counts as chosen.
    """
    name = model if isinstance(model, str) and model in weights.CATALOGUE else ""
    if name and not hub.is_here(name):
        return offer_view(name, chosen=True)
    if not better or name in better:
        return None
    return offer_view(better[0], chosen=weights.mode() == "hub" and not hub.is_here(better[0]))


def _named(request: dict[str, Any]) -> str:
    return weights.find(request.get("name")).name


def _standing(request: dict[str, Any]) -> OfferView:
    return offer_view(_named(request), chosen=False)  # who asks knows what was chosen


@answering
def fetch_model(request: dict[str, Any]) -> OfferView:
    """Begin to fetch the model called `name`."""
    hub.start(_named(request))
    return _standing(request)


@answering
def follow_model(request: dict[str, Any]) -> OfferView:
    """Where the model called `name` stands."""
    return _standing(request)


@answering
def stop_model(request: dict[str, Any]) -> OfferView:
    """End the download of the model called `name`; what has arrived stays for the next time."""
    hub.cancel(_named(request))
    return _standing(request)


def _arrived(event: gr.EventData) -> str:
    return weights.find(payload(event, "name")).name


def model_offer(model: gr.Dropdown | str, better: Sequence[str] = ()) -> None:
    """The offer beside a menu of models, or for the one model of a page; nothing where the hub is not offered.

    better: what to offer beside a model that is here, best first.
    """
    if weights.mode() == "embedded":
        return
    chosen = model.value if isinstance(model, gr.Dropdown) else model
    offer = component(
        "model_offer",
        offer_for(chosen, better),
        taken=False,
        events=["arrived"],
        server_functions=[fetch_model, follow_model, stop_model],
        elem_id=_id_of(model),
    )
    if isinstance(model, gr.Dropdown):
        model.change(lambda name: offer_for(name, better), model, offer, **private(), **LIGHT)


def _id_of(model: gr.Dropdown | str) -> str:
    return f"{model.elem_id if isinstance(model, gr.Dropdown) else model}-offer"


def run_on_arrival(
    model: gr.Dropdown | str, run: Callable[..., Any] | None, inputs: Any = None, outputs: Any = None
) -> None:
    """When the model that a visitor asked for is there, the menu has it chosen and `run` runs with it."""
    if weights.mode() == "embedded":
        return
    arrived: Any = built(_id_of(model)).arrived  # pyright: ignore[reportAttributeAccessIssue]  # the component's event
    menu = model if isinstance(model, gr.Dropdown) else None
    chosen = arrived(_arrived if menu else None, None, menu, **private(), **LIGHT)
    if run is not None:
        chosen.then(run, inputs, outputs, **private(), **RUN)
