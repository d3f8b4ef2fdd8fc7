"""The nearest labelled photos of a picture, before and after fine-tuning, as two lists of bars."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.vit.neighbours import Neighbour

TITLES = {
    "before": "Before: pretrained, nothing named",
    "after": "After: fine-tuned on 101 categories",
}


@dataclass(frozen=True)
class Column:
    """What one backbone found: `neighbours`, nearest first; `vote`: the majority's category and how many of the first
    `voters` have it; `typical`: the median cosine of the picture with all photos.
    """

    neighbours: "Sequence[Neighbour]"
    vote: tuple[str, int]
    voters: int
    typical: float


def draw_neighbours(found: dict[str, Column]) -> str:
    """HTML: one column a backbone. A bar begins at the median cosine and would be full at 1; the category of the
    majority is set in bold.
    """
    columns = "".join(_column(TITLES[name], column) for name, column in found.items())
    return f'<div class="gb-neighbours">{columns}</div>'


def _column(title: str, column: Column) -> str:
    label, count = column.vote
    rows = "".join(_row(place, one, label, column.typical) for place, one in enumerate(column.neighbours, 1))
    verdict = f"{count} of the first {column.voters} are <b>{html.escape(readable(label))}</b>"
    scale = f"<small>Bars from {column.typical:.2f}, the median of all photos, to 1.</small>"
    return f"<section><h4>{html.escape(title)}</h4><p>{verdict}</p><ol>{rows}</ol>{scale}</section>"


def _row(place: int, neighbour: "Neighbour", majority: str, typical: float) -> str:
    kind = ' class="is-majority"' if neighbour.label == majority else ""
    share = max(0.0, (neighbour.cosine - typical) / max(1 - typical, 1e-6))
    return (
        f"<li{kind}><span>{place}</span><b>{html.escape(readable(neighbour.label))}</b>"
        f"<span>{html.escape(neighbour.file)}</span><span>{neighbour.cosine:.2f}</span>"
        f'<i style="--share: {100 * share:.1f}%"></i></li>'
    )


def readable(label: str) -> str:
    """The data set's name of a category with spaces."""
    return label.replace("_", " ")
