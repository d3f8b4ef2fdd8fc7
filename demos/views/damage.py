"""The comparison of ViT and CNN under damage, drawn: points of a curve, feature maps, receptive fields, the table."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from demos import wire
from demos.views.colors import sequential
from demos.views.vit import readable
from demos.wire import Jpeg, Uint8, view
from models.vit.damage import DAMAGES
from models.vit.found import parting

if TYPE_CHECKING:
    from models.vit.curve import Curve, Inside, Reading, Wish
    from models.vit.gradcam import ReceptiveField

TOP = 5
TOP_OF_MAP = 98  # percentile: a few patches of huge attention would hide all others (Darcet et al. 2024)
NAMES = {"vit": "ViT", "cnn": "CNN"}
COLORS = {"vit": ("query", ""), "cnn": ("key", "7 4")}


@view
class ReadingView:
    """One network on one damaged picture.

    p: probability of the category that is followed, 0 to 1. top: the most probable categories. side: rows of the map.
    map: `[side * side]`, 0 to 255 of the map's 98th percentile.
    """

    p: float
    top: list[tuple[str, float]]
    side: int
    map: Uint8


@view
class DamagePoint:
    """One strength, 0 to 1: what it means in words, the pixels both were given, and how both read them."""

    strength: float
    unit: str
    image: Jpeg
    vit: ReadingView
    cnn: ReadingView


@view
class DamageView:
    """Two networks while a damage grows (`damage_view`): the points measured so far, of `total` that will be.

    category: the one followed. map: what the ViT's map is. paint: the picture can be painted on.
    first: place of the point worth seeing first, where the networks differ most; None before all points are there.
    painted: what is covered, as `demos/inputs/mask.py` reads it.
    """

    run: str
    category: str
    total: int
    note: str
    map: str
    paint: bool
    points: list[DamagePoint]
    first: int | None
    painted: str


def view_of_curve(
    curve: "Curve", wish: "Wish", labels: Sequence[str], *, total: int, map_title: str, painted: str = ""
) -> DamageView:
    """What `damage_view` shows of a curve so far."""
    kind = DAMAGES[wish.kind]
    return DamageView(
        run=wish.key,
        category=readable(labels[curve.category]),
        total=total,
        note=kind.note,
        map=map_title,
        paint=wish.kind == "occlude",
        points=[
            DamagePoint(
                strength=point.strength,
                unit=kind.unit(point.strength),
                image=point.pixels,
                vit=_reading(point.vit, labels, curve.category),
                cnn=_reading(point.cnn, labels, curve.category),
            )
            for point in curve.points
        ],
        first=_parting(curve) if len(curve.points) == total else None,
        painted=painted,
    )


def _parting(curve: "Curve") -> int:
    followed = ([getattr(one, name).probabilities[curve.category] for one in curve.points] for name in ("vit", "cnn"))
    return parting(*followed)


def _reading(reading: "Reading", labels: Sequence[str], category: int) -> ReadingView:
    order = np.argsort(-reading.probabilities, kind="stable")[:TOP]
    share = np.minimum(1, reading.map / max(float(np.percentile(reading.map, TOP_OF_MAP)), 1e-12))
    return ReadingView(
        p=float(reading.probabilities[category]),
        top=[(readable(labels[int(index)]), float(reading.probabilities[index])) for index in order],
        side=reading.map.shape[0],
        map=np.rint(255 * share).astype(np.uint8).ravel(),
    )


def figures_of_stages(inside: "Inside") -> str:
    """HTML: a row for each stage with its Grad-CAM over the picture and its strongest channels."""
    rows = []
    for found, cam in zip(inside.stages, inside.cams, strict=True):
        side = found.maps.shape[1]
        name = "stem" if found.stage == 0 else f"stage {found.stage}"
        pictures = [_figure(overlay(inside.pixels, cam), "Grad-CAM")]
        for channel, values in zip(found.chosen, found.maps, strict=True):
            low, high = float(values.min()), float(values.max())
            shown = sequential((values - low) / max(high - low, 1e-12))
            pictures.append(_figure(shown, f"channel {channel + 1}: {low:.2g} to {high:.2g}"))
        facts = f"<b>{name}</b><br>{found.channels} channels<br>{side} x {side} places"
        rows.append(f'<div class="gb-maps-row"><div>{facts}</div>{"".join(pictures)}</div>')
    return f'<div class="gb-maps">{"".join(rows)}</div>'


def figures_of_fields(fields: "dict[str, Sequence[ReceptiveField]]") -> str:
    """HTML: for each network, which pixels move the unit in the middle, layer by layer."""
    parts = []
    for name, layers in fields.items():
        pictures = [
            _figure(
                sequential(np.sqrt(shrink(field.influence))),
                f"{field.layer}: {field.distance:.3g} px; can see {field.possible} px",
            )
            for field in layers
        ]
        parts.append(f'<h3>{html.escape(name)}</h3><div class="gb-fields">{"".join(pictures)}</div>')
    return "".join(parts)


def chart_of_distances(series: Sequence[tuple[str, str, str, Sequence[float | None]]]) -> dict[str, Any]:
    """The value of a chart: `(name, colour, dash, distance in pixels by layer)`, over the share of the depth.

    None where a layer has no distance.
    """
    return {
        "x": "depth, share of the layers",
        "y": "mean distance in pixels",
        "low": 0,
        "dots": True,
        "unit": "px",
        "series": [
            {
                "name": name,
                "color": color,
                "dash": dash,
                "points": [
                    [index / (len(values) - 1), value] for index, value in enumerate(values) if value is not None
                ],
            }
            for name, color, dash, values in series
        ],
    }


def figures_of_robustness(table: dict[str, Any], titles: dict[str, str]) -> str:
    """HTML: one small chart for each damage, accuracy of both networks over strength."""
    strengths = [0.0, *table["strengths"]]
    charts = []
    for kind, lines in table["damages"].items():
        drawn = "".join(_line(name, strengths, [table["undamaged"][name], *lines[name]]) for name in NAMES)
        ends = "; ".join(f"{NAMES[name]} {100 * lines[name][-1]:.0f} %" for name in NAMES)
        title = html.escape(titles[kind])
        charts.append(
            f'<figure><figcaption>{title}</figcaption><svg viewBox="0 0 170 96" role="img" aria-label="{title}: '
            f'accuracy over strength; at the end {ends}">{_AXES}{drawn}</svg>'
            f"<span>at {strengths[-1]:g}: {ends}</span></figure>"
        )
    legend = " ".join(
        f'<span><svg viewBox="0 0 26 8" width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" '
        f'stroke="var(--gb-{color})" stroke-width="2.5" stroke-dasharray="{dash or "none"}"/></svg> {NAMES[name]}, '
        f"{100 * table['undamaged'][name]:.1f} % undamaged</span>"
        for name, (color, dash) in COLORS.items()
    )
    return f'<div class="gb-legend">{legend}</div><div class="gb-robust">{"".join(charts)}</div>'


_AXES = "".join(
    f'<line x1="30" x2="166" y1="{6 + 70 * (1 - level)}" y2="{6 + 70 * (1 - level)}" stroke="var(--gb-line)"/>'
    f'<text x="26" y="{10 + 70 * (1 - level)}" text-anchor="end">{100 * level:.0f}</text>'
    for level in (0, 0.5, 1)
) + "".join(f'<text x="{30 + 136 * x}" y="92" text-anchor="middle">{x:g}</text>' for x in (0, 0.5, 1))


def _line(name: str, xs: Sequence[float], ys: Sequence[float]) -> str:
    color, dash = COLORS[name]
    points = " ".join(f"{30 + 136 * x:.1f},{6 + 70 * (1 - y):.1f}" for x, y in zip(xs, ys, strict=True))
    return (
        f'<polyline points="{points}" fill="none" stroke="var(--gb-{color})" stroke-width="2" '
        f'stroke-dasharray="{dash or "none"}"/>'
    )


def overlay(picture: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`values` `(rows, columns)`, at least 0, in colours over `picture` `(side, side, 3)` uint8."""
    side = len(picture)
    share = np.sqrt(values / max(float(values.max()), 1e-12))
    small = Image.fromarray(np.rint(255 * share).astype(np.uint8))
    large = np.asarray(small.resize((side, side), Image.Resampling.NEAREST), np.float32) / 255
    weight = (0.25 + 0.5 * large)[..., None]
    return np.rint(picture * (1 - weight) + sequential(large) * weight).astype(np.uint8)


def shrink(influence: np.ndarray) -> np.ndarray:
    """A quarter of the side: the largest value of every 4 x 4 pixels, so that single pixels stay visible."""
    rows, columns = (side // 4 for side in influence.shape)
    return influence[: rows * 4, : columns * 4].reshape(rows, 4, columns, 4).max((1, 3))


def _figure(pixels: np.ndarray, caption: str) -> str:
    text = html.escape(caption)
    return f'<figure><img src="{wire.picture(pixels)}" alt="{text}"><figcaption>{text}</figcaption></figure>'
