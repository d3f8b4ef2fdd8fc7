"""What was measured beforehand for the page "Why this box?", as tables."""

import html
from collections.abc import Mapping
from typing import Any

from demos.views.tables import scrolls

SIZES = ("small", "medium", "large")
KIND_NAMES = {
    "hands": "hand signs",
    "sprites": "game sprites",
    "cards": "real photos of cards",
    "mixed": "mixed scenes",
    "far": "the same, from twice as far",
    "photos": "photographs of everyday things",
}
PUBLISHED = (
    ("DETR, ResNet-50", 20.5, 45.8, 61.1, 42.0),
    ("Faster R-CNN-FPN+, ResNet-50", 26.6, 45.4, 53.4, 42.0),
)
"""COCO val AP of small, medium, large and all objects: Carion et al. 2020 (arXiv 2005.12872), table 1."""


def table_of_sizes(measured: Mapping[str, Any]) -> str:
    """HTML: average precision by size of object, what was measured here above what others published."""
    head = "".join(f"<th>{name}</th>" for name in ("model", *SIZES, "all", "AP50"))
    rows = [_measured_row(KIND_NAMES[kind], found) for kind, found in measured["kinds"].items()]
    published = [
        f"<tr><th>{html.escape(name)}</th>{''.join(_bar(value / 100) for value in values)}<td></td></tr>"
        for name, *values in PUBLISHED
    ]
    return (
        f'<div {scrolls("Found by size")}><table class="gb-table" id="detection-sizes">'
        f"<thead><tr>{head}</tr></thead><tbody>"
        f'<tr><th colspan="6">Measured for {html.escape(measured["model"])} on held-out data; in brackets: '
        f"how many objects</th></tr>{''.join(rows)}"
        '<tr><th colspan="6">Published, on COCO val (Carion et al. 2020, table 1)</th></tr>'
        f"{''.join(published)}</tbody></table></div>"
    )


def table_of_windows(measured: Mapping[str, Any]) -> str:
    """HTML: average precision of whole pictures, and with four parts of each, by size; measured beforehand."""
    head = "".join(f"<th>{name}</th>" for name in ("picture", *SIZES, "all", "AP50"))
    rows = "".join(
        f'<tr><th colspan="6">{html.escape(KIND_NAMES[kind])}: {html.escape(found["model"])}</th></tr>'
        f"{_measured_row('whole', found['whole'])}{_measured_row('with its parts', found['closer'])}"
        for kind, found in measured["kinds"].items()
    )
    return (
        '<p class="gb-note">Measured beforehand on held-out pictures: average precision in percent by size of object; '
        f"in brackets how many objects. Command: <code>{html.escape(measured['command'])}</code></p>"
        f'<div {scrolls("Whole pictures and their parts")}><table class="gb-table" id="detection-by-window">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def table_of_stages(measured: Mapping[str, Any]) -> str:
    """HTML: average precision of every stage's answers with and without suppression, measured beforehand."""
    head = "".join(f"<th>{name}</th>" for name in ("after", "AP", "AP with NMS", "boxes", "NMS removes"))
    rows = "".join(
        f"<tr><th>{html.escape(stage['stage'])}</th>{_bar(stage['ap'])}{_bar(stage['ap_nms'])}"
        f"<td>{stage['boxes']}</td><td>{stage['removed']}</td></tr>"
        for stage in measured["stages"]
    )
    return (
        f'<p class="gb-note">Measured beforehand for {html.escape(measured["model"])} on {measured["scenes"]} held-out '
        f"scenes with {measured['objects']} objects: average precision in percent, boxes with a score above 0.5, and "
        f"how many of these NMS at an overlap of 0.5 removes.</p><div {scrolls('Found layer by layer')}>"
        f'<table class="gb-table" id="detection-by-layer"><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _measured_row(name: str, found: Mapping[str, Any]) -> str:
    sizes = "".join(_bar(found["sizes"][size]["ap"], found["sizes"][size]["objects"]) for size in SIZES)
    return f"<tr><th>{html.escape(name)}</th>{sizes}{_bar(found['ap'])}<td>{100 * found['ap50']:.1f}</td></tr>"


def _bar(value: float | None, objects: int | None = None) -> str:
    if value is None:
        return "<td>none</td>"
    count = f" <small>({objects})</small>" if objects is not None else ""
    return f'<td><span class="gb-bar" style="width:{value * 3:.2f}em"></span> {100 * value:.1f}{count}</td>'
