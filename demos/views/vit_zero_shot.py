"""CLIP's answer as a table: every sentence with its cosine, the scaled cosine and the probability."""

import html
from typing import TYPE_CHECKING

import numpy as np

from demos.views.tables import scrolls

if TYPE_CHECKING:
    from models.vit.clip import ZeroShot


def table_of_names(answer: "ZeroShot") -> str:
    """HTML, the most probable sentence first."""
    rows = "".join(_row(answer, int(place)) for place in np.argsort(-answer.probabilities, kind="stable"))
    head = "".join(
        f"<th>{name}</th>" for name in ("sentence", "cosine", f"times {answer.scale:.3g}", "probability (softmax)", "")
    )
    return f'<div {scrolls("Names by similarity")}><table class="gb-table"><tr>{head}</tr>{rows}</table></div>'


def _row(answer: "ZeroShot", place: int) -> str:
    cosine, probability = float(answer.cosines[place]), float(answer.probabilities[place])
    cells = (
        html.escape(answer.sentences[place]),
        f"{cosine:.3f}",
        f"{answer.scale * cosine:.2f}",
        f"{100 * probability:.1f}&nbsp;%",
        f'<span class="gb-bar" style="width:{120 * probability:.0f}px"></span>',
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
