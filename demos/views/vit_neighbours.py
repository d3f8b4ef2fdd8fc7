"""The nearest labelled photos of a picture, before and after fine-tuning, as two lists of bars."""

import html
from typing import TYPE_CHECKING

from demos.views.vit import jpeg

if TYPE_CHECKING:
    from models.vit.gallery import ShownPhoto
    from models.vit.neighbours import Found, Neighbour

TITLES = {
    "before": "Before: pretrained, nothing named",
    "after": "After: fine-tuned on 101 categories",
}


def photos_of_neighbours(found: "dict[str, Found]") -> str:
    """HTML: the nearest of the photos that may be shown, one row a backbone, each with its page and licence."""
    rows = "".join(
        f"<section><h3>{html.escape(TITLES[name])}</h3><ul>{''.join(map(_photo, one.shown))}</ul></section>"
        for name, one in found.items()
    )
    return f'<div class="gb-shown">{rows}</div>'


def _photo(photo: "ShownPhoto") -> str:
    things, licence = html.escape(photo.things), html.escape(photo.licence)
    said = f"{things}, cosine {photo.cosine:.2f}"
    return (
        f'<li><img src="{jpeg(photo.picture)}" alt="{things}" width="112" height="112"><span>{said}</span>'
        f'<a href="{html.escape(photo.page)}" target="_blank" rel="noopener noreferrer">photo, {licence}</a></li>'
    )


def table_of_neighbours(found: "dict[str, Found]", voters: int) -> str:
    """HTML: one column a backbone. A bar begins at the median cosine and would be full at 1; the category of the
    majority of the first `voters` is set in bold.
    """
    columns = "".join(_column(TITLES[name], one, voters) for name, one in found.items())
    return f'<div class="gb-neighbours">{columns}</div>'


def _column(title: str, found: "Found", voters: int) -> str:
    label, count = found.vote
    rows = "".join(_row(place, one, label, found.typical) for place, one in enumerate(found.neighbours, 1))
    verdict = f"{count} of the first {voters} are <b>{html.escape(readable(label))}</b>"
    scale = f'<small class="gb-scale">Bars from {found.typical:.2f}, the median of all photos, to 1.</small>'
    return f"<section><h3>{html.escape(title)}</h3><p>{verdict}</p><ol>{rows}</ol>{scale}</section>"


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
