"""Handlers of the page "Break it": wishes checked, curves measured or found again, deeper views."""

import html
import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.base import empty_strip, strip_of
from demos.finding import html_of_finding
from demos.inputs.mask import MAX_CHARS, read_mask
from demos.tab import payload
from demos.views import damage as figures
from demos.views.damage import DamageView
from demos.views.vit import readable
from demos.views.vit_found import sentence_of_curve
from demos.vit.shared import EMBEDDED
from models import runtime, weights
from models.errors import InputError
from models.images import read_image
from models.inputs import check_choice, check_integer, check_number, check_text
from models.store import Store
from models.vit.damage import DAMAGES, GRIDS

if TYPE_CHECKING:
    from models.vit.curve import Curve, Fields, Wish

CNN = "efficientnet-lite0-caltech101"
OWNERS = {"the ViT's map": "vit", "the CNN's Grad-CAM": "cnn"}
ROLLOUT = "attention rollout"
MAPS = {ROLLOUT: False, "attention by gradient": True}
TOGETHER = "the undamaged answer of both"
MAX_SEED = 2**31 - 1
SHOWN_LAYERS = (0, 1, 2, 3, 6, 9, 11, 12)

CURVES: "Store[Curve]" = Store(
    "damage curves",
    64 * 2**20,
    size=lambda curve: curve.nbytes,
    gone="This curve is no longer kept: choose its damage again.",
    max_age=1800,
)


@cache
def categories() -> tuple[str, ...]:
    """The names of the categories in the order of both networks, as stored."""
    names = json.loads((weights.EMBEDDED / EMBEDDED / "config.json").read_text())["id2label"]
    return tuple(names[str(index)] for index in range(len(names)))


def check_wish(
    image: Any, kind: Any, tracked: Any, grid: Any, owner: Any, seed: Any, mask: Any, vit_map: Any
) -> "Wish":
    """All inputs of a curve, or `InputError`."""
    kind = check_choice(kind, DAMAGES, name="The damage")
    if tracked not in (*categories(), TOGETHER):
        raise InputError("The category to track must be one of the list.")
    grid = check_integer(grid, name="The grid", low=min(GRIDS), high=max(GRIDS))
    if grid not in GRIDS:
        raise InputError(f"The grid must be one of: {', '.join(map(str, GRIDS))}.")
    owner = check_choice(owner, list(OWNERS.values()), name="The map")
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    vit_map = check_choice(vit_map, MAPS, name="The ViT's map")
    from models.vit.contenders import SIDE, square
    from models.vit.curve import Wish

    painted = read_mask(mask, SIDE) if kind == "occlude" else None
    category = None if tracked == TOGETHER else categories().index(tracked)
    return Wish(square(read_image(image)), kind, category, grid, owner, seed, painted, MAPS[vit_map])


def compute_damage(
    image: Any, kind: Any, tracked: Any, grid: Any, owner: Any, seed: Any, mask: Any, vit_map: Any
) -> Iterator[tuple[DamageView | Any | None, str | Any, str]]:
    """Both networks while the damage grows. Yields (view, finding, strip), point by point; at once if it was measured
    before.
    """
    if image is None:
        yield None, "", empty_strip("No picture yet.")
        return
    wish = check_wish(image, kind, tracked, grid, owner, seed, mask, vit_map)
    if {EMBEDDED, CNN} - set(runtime.names_in_memory()):
        yield gr.skip(), gr.skip(), empty_strip("Loading the ViT (44 MB) and the CNN (7 MB) …")
    from models.vit.curve import STRENGTHS, measure_curve

    curves = iter([CURVES.find(wish.key)]) if wish.key in CURVES else measure_curve(wish)
    for curve in curves:
        shown = figures.view_of_curve(
            curve,
            wish,
            categories(),
            total=len(STRENGTHS),
            map_title=vit_map,
            painted=mask if kind == "occlude" else "",
        )
        over = len(curve.points) == len(STRENGTHS)
        said = html_of_finding(sentence_of_curve(curve, categories())) if over else ""
        yield shown, said, strip_of(curve.vit) + strip_of(curve.cnn)
        if over:
            CURVES.put(curve, wish.key)


def view_choices(kind: Any) -> tuple[Any, Any, Any]:
    """Shows the controls that a damage uses: grid, whose map, seed."""
    uses = DAMAGES[check_choice(kind, DAMAGES, name="The damage")].uses
    return tuple(gr.update(visible=name in uses) for name in ("grid", "importance", "seed"))  # pyright: ignore[reportReturnType]


def keep_mask(event: gr.EventData) -> str:
    """The painted mask, checked."""
    text = check_text(payload(event, "mask"), name="The painting", max_chars=MAX_CHARS, allow_empty=True)
    read_mask(text, 224)
    return text


def compute_maps(
    image: Any, kind: Any, tracked: Any, grid: Any, owner: Any, seed: Any, mask: Any, vit_map: Any, strength: Any
) -> Iterator[str]:
    """Feature maps and Grad-CAM of every stage for the picture at one strength, as HTML."""
    strength = check_number(strength, name="The strength", low=0, high=1)
    wish = check_wish(image, kind, tracked, grid, owner, seed, mask, vit_map)
    yield empty_strip("Computing …")
    from models.vit.curve import look_inside

    inside = look_inside(wish, strength)
    said = (
        f"{DAMAGES[wish.kind].title} at strength {strength:.1f}, Grad-CAM of {readable(categories()[inside.category])}."
    )
    yield f'<p class="gb-note">{html.escape(said)}</p>{figures.figures_of_stages(inside)}'


def compute_fields(image: Any) -> Iterator[tuple[str, Any]]:
    """Effective receptive fields of both networks on a picture: (HTML, chart)."""
    from models.vit.contenders import square
    from models.vit.curve import measure_fields

    pixels = square(read_image(image))
    yield empty_strip("Computing some ninety gradients: a few seconds …"), gr.skip()
    for found in measure_fields(pixels):
        if not found.attention:
            done = len(found.cnn) + len(found.vit)
            yield empty_strip(f"Computing some ninety gradients: {done} layers are done …"), gr.skip()
            continue
        yield _shown_fields(found)


def _shown_fields(found: "Fields") -> tuple[str, Any]:
    series = [
        ("CNN, gradient", "key", "7 4", [field.distance for field in found.cnn]),
        ("ViT, gradient", "query", "", [field.distance for field in found.vit]),
        ("ViT, attention of one layer", "value", "2 3", [None, *found.attention]),
    ]
    shown = [found.vit[layer] for layer in SHOWN_LAYERS if layer < len(found.vit)]
    return figures.figures_of_fields({"CNN": found.cnn, "ViT": shown}), figures.chart_of_distances(series)
