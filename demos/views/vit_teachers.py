"""The same network taught by labels, by itself, and not at all: where CLS looks, and what was measured."""

import html
from typing import TYPE_CHECKING, Any

import numpy as np

from demos import wire
from demos.sentences import percent
from demos.views.tables import scrolls
from demos.views.tasks import draw_table
from demos.views.vit_zero_shot import over_picture

if TYPE_CHECKING:
    from models.vit.teachers import Teachers

NAMES = {"labels": "from labels", "DINO": "from pictures alone (DINOv2)", "nothing": "from nothing (random weights)"}


def maps_of_teachers(found: "Teachers") -> str:
    """HTML: what CLS takes in the last layer, in the head that puts most on the thing, one picture a network."""
    figures = "".join(
        f'<figure><img src="{wire.picture(over_picture(found.square, _shade(one.attention)))}" '
        f'alt="Where CLS looks, taught {html.escape(NAMES[name])}"><figcaption>{html.escape(NAMES[name])}: head '
        f"{one.head + 1} puts {percent(one.share)} on the thing, all heads {percent(one.mean)}</figcaption></figure>"
        for name, one in found.teachers.items()
    )
    return (
        f'<p class="gb-said">{html.escape(sentence_of_teachers(found))}</p><div class="gb-fields">{figures}</div>'
        '<p class="gb-caption">Each on its own scale, square root: dark 0, bright the largest share of a patch.</p>'
    )


def sentence_of_teachers(found: "Teachers") -> str:
    """How much each network's best head puts on the thing, against what looking everywhere alike would."""
    shares = {name: percent(found.teachers[name].share) for name in NAMES}
    return (
        f"The thing takes {percent(found.part)} of the patches. In the last layer one head of CLS puts "
        f"{shares['DINO']} on it when the network was taught by pictures alone, {shares['labels']} when it was then "
        f"taught labels, and {shares['nothing']} when it was taught nothing."
    )


def table_of_teachers(measured: dict[str, Any]) -> str:
    """HTML: what was measured beforehand of the three, in percent."""
    head = ("", *(NAMES[name] for name in measured["networks"]))
    rows = [
        (title, *(f"{100 * one[key]:.1f}" for one in measured["networks"].values()))
        for title, key in (("5 nearest neighbours", "knn_cls"), ("linear layer on CLS and mean", "linear_cls+mean"))
    ]
    return f"<div {scrolls('Three ways to be taught')}>{draw_table(head, rows)}</div>"


def _shade(attention: np.ndarray) -> np.ndarray:
    return np.sqrt(attention / max(float(attention.max()), 1e-12))
