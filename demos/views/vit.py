"""One Vision Transformer run as plain values for the browser: picture and answers, patches in numbers, attention."""

import base64
import html
import io
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from demos import wire
from demos.sentences import percent
from demos.views.picture import Picture
from demos.wire import Float16, Float32, Steps8, view

if TYPE_CHECKING:
    from models.vit.trace import Positions, VitResult, VitTrace

TOP = 5
MAX_TRAVELLING_TOKENS = 325
"""Runs of more tokens are not handed out as a file."""


@view
class Answer:
    """A category in words and its probability, 0 to 1."""

    label: str
    probability: float


@view
class LensAnswer:
    """What the head would answer after some layers, and what it gives the final answer there (both 0 to 1)."""

    label: str
    probability: float
    final: float


@view
class AnswersView:
    """The picture with its grid, the answer, and the answer after every layer (`patch_view`).

    run: names the run, so that the views of one run choose the same patch.
    side: pixels of a patch.
    lens, probed: after every layer, by the last head and by the layer's own probe; no probes for a model without.
    look: how much of what CLS takes from patches comes from each, in the head that looks at the thing `[patches]`.
    before, title: the answer of the run it is compared with, and what that run was; empty where there is none.
    """

    run: str
    picture: Picture
    side: int
    top: list[Answer]
    lens: list[LensAnswer]
    probed: list[Answer]
    look: Float32
    title: str
    before: list[Answer]


def view_of_answers(
    trace: "VitTrace",
    picture: Picture,
    run: str,
    head: tuple[int, int],
    *,
    probed: "np.ndarray | None" = None,
    title: str = "",
    before: list[tuple[str, float]] | None = None,
) -> AnswersView:
    """The answers of a run; `head`: layer and head that look at the thing; `probed`: what probes say `[L + 1, C]`;
    `before` as `trace.top` gives it.
    """
    firsts = [] if probed is None else [(trace.labels[int(row.argmax())], float(row.max())) for row in probed]
    return AnswersView(
        run=run,
        picture=picture,
        side=trace.patches.shape[2],
        top=answers(trace.top(TOP)),
        lens=logit_lens(trace),
        probed=answers(firsts),
        look=trace.attention[*head, 0, 1:],
        title=title,
        before=answers(before or []),
    )


@view
class PatchesView:
    """How pixels become numbers: the linear layer whole, embeddings and positions (`patch_steps`).

    edited: what was done to the positions of this run. side: pixels p of a patch. width: D.
    mean, std: of red, green and blue, 0 to 1.
    filters: `[D, 3 p p]`. bias: `[D]`. embeddings: `[patches, D]`. positions: `[patches, D]`, CLS left out.
    """

    run: str
    edited: Literal["kept", "removed", "shuffled"]
    picture: Picture
    side: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    filters: Float16
    bias: Float32
    embeddings: Float16
    positions: Steps8


def view_of_patches(result: "VitResult", picture: Picture, run: str, *, edited: "Positions" = "kept") -> PatchesView:
    """The way of the patches of a run."""
    trace, embedding = result.trace, result.embedding
    return PatchesView(
        run=run,
        edited=edited,
        picture=picture,
        side=trace.patches.shape[2],
        width=trace.positions.shape[1],
        mean=embedding.mean,
        std=embedding.std,
        filters=embedding.filters,
        bias=embedding.bias,
        embeddings=trace.embeddings,
        positions=trace.positions[1:],
    )


def table_of_costs(runs: "dict[str, VitResult]") -> str:
    """An HTML table of what runs cost, counted and measured, by what they are called."""
    results = runs.values()
    rows = [
        ("", list(runs)),
        ("pixels a side", [str(len(one.trace.image)) for one in results]),
        ("tokens", [f"{one.cost.tokens:,}" for one in results]),
        ("numbers in attention maps", [_short(one.cost.attention) for one in results]),
        ("multiply-adds", [_short(one.cost.multiply_adds) for one in results]),
        ("of them between tokens", [percent(one.cost.looks / one.cost.multiply_adds) for one in results]),
        ("model time, measured", [f"{one.run.seconds:.2f} s" for one in results]),
    ]
    body = "".join(
        f"<tr><td>{html.escape(name)}</td>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in rows
    )
    return f'<table class="gb-table" id="vit-costs">{body}</table>'


def logit_lens(trace: "VitTrace") -> list[LensAnswer]:
    """For every number of layers: the answer the head would give, and its probability of the final answer."""
    if not trace.labels:
        return []
    final = int(trace.probabilities.argmax())
    return [
        LensAnswer(readable(trace.labels[int(row.argmax())]), float(row.max()), float(row[final])) for row in trace.lens
    ]


def answers(top: list[tuple[str, float]]) -> list[Answer]:
    """Categories in words with their probabilities."""
    return [Answer(readable(label), probability) for label, probability in top]


def readable(label: str) -> str:
    """A category's name in words: `grand_piano` to `grand piano`."""
    return label.replace("_", " ").lower()


def _short(count: int) -> str:
    for size, unit in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)


def picture_of(trace: "VitTrace") -> Picture:
    """The picture and its grid: made once a run, for all its views."""
    return Picture(wire.picture(trace.image), *trace.grid)


def jpeg(pixels: np.ndarray) -> str:
    """A small photo `[height, width, 3]` uint8 as an address that holds the picture itself."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def png(pixels: np.ndarray) -> str:
    """Pixels `[height, width, 3]` uint8 as an address that holds the picture itself."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
