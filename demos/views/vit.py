"""One Vision Transformer run as plain values for the browser: picture and answers, patches in numbers, attention."""

import base64
import html
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from demos import wire
from demos.wire import Float16, Float32, Steps8, view

if TYPE_CHECKING:
    from models.vit.trace import Positions, VitResult, VitTrace

TOP = 5
MAX_TRAVELLING_TOKENS = 325
"""With more tokens, attention stays on the server and travels one looking token at a time."""


@view
class Picture:
    """A picture, by its address, and the grid of patches on it."""

    image: str
    rows: int
    columns: int


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
    before, title: the answer of the run it is compared with, and what that run was; empty where there is none.
    """

    run: str
    picture: Picture
    side: int
    top: list[Answer]
    lens: list[LensAnswer]
    title: str
    before: list[Answer]


def view_of_answers(
    trace: "VitTrace", picture: Picture, run: str, *, title: str = "", before: list[tuple[str, float]] | None = None
) -> AnswersView:
    """The answers of a run; `before` as `trace.top` gives it."""
    return AnswersView(
        run=run,
        picture=picture,
        side=trace.patches.shape[2],
        top=answers(trace.top(TOP)),
        lens=logit_lens(trace),
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
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
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


@dataclass(frozen=True)
class PackedAttention:
    """All attention of one run in a quarter of its size.

    steps: `[L, H + 1, T, T]` uint8, the square root of each weight's share of its row's largest, in steps of 1/255; the
        last "head" is the rollout up to that layer. A weight read back is off by less than 1 % of its row's largest.
    largest: `[L, H + 1, T]` float32, the largest weight of each row.
    """

    steps: np.ndarray
    largest: np.ndarray

    def rows_of(self, token: int) -> dict[str, str]:
        """All rows in which `token` looks, for the browser: steps `[L, H + 1, T]`, largest `[L, H + 1]`."""
        return {"steps": encoded(self.steps[:, :, token]), "largest": encoded(self.largest[:, :, token])}


def pack_attention(attention: np.ndarray) -> PackedAttention:
    """`[L, H, T, T]` float32 packed, one layer at a time."""
    layers, heads, tokens, _ = attention.shape
    steps = np.empty((layers, heads + 1, tokens, tokens), np.uint8)
    largest = np.empty((layers, heads + 1, tokens), np.float32)
    for layer, rollout in enumerate(attention_rollout(attention)):
        maps = np.concatenate([attention[layer], rollout[None]])
        largest[layer] = maps.max(axis=-1)
        steps[layer] = np.rint(np.sqrt(maps / np.maximum(largest[layer, ..., None], 1e-12)) * 255)
    return PackedAttention(steps, largest)


def draw_attention(trace: "VitTrace", packed: PackedAttention, run: str) -> dict[str, Any]:
    """What `attention_explorer` shows of a picture: one view, whose tokens lie on it.

    Above `MAX_TRAVELLING_TOKENS` tokens its attention is None: the rows of a token are asked for when it is chosen.
    """
    layers, heads, tokens = packed.largest.shape
    travels = tokens <= MAX_TRAVELLING_TOKENS
    names = ["CLS", *(f"row {row + 1}, column {column + 1}" for row, column in np.ndindex(*trace.grid))]
    view = {
        "kind": "patches",
        "run": run,
        "picture": {"image": png(trace.image), "rows": trace.grid[0], "columns": trace.grid[1]},
        "rows": names,
        "columns": names,
        "layers": layers,
        "heads": heads - 1,
        "attention": {"steps": encoded(packed.steps), "largest": encoded(packed.largest)} if travels else None,
        "habits": {},
    }
    return {"translation": None, "note": "", "views": [view]}


def table_of_costs(runs: "dict[str, VitResult]") -> str:
    """An HTML table of what runs cost, counted and measured, by what they are called."""
    results = runs.values()
    rows = [
        ("", list(runs)),
        ("pixels a side", [str(len(one.trace.image)) for one in results]),
        ("tokens", [f"{one.cost.tokens:,}" for one in results]),
        ("numbers in attention maps", [_short(one.cost.attention) for one in results]),
        ("multiply-adds", [_short(one.cost.multiply_adds) for one in results]),
        ("of them between tokens", [f"{one.cost.looks / one.cost.multiply_adds:.0%}" for one in results]),
        ("model time, measured", [f"{one.run.seconds:.2f} s" for one in results]),
    ]
    body = "".join(
        f"<tr><td>{html.escape(name)}</td>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>"
        for name, cells in rows
    )
    return f'<table class="gb-table" id="vit-costs">{body}</table>'


def attention_rollout(attention: np.ndarray) -> np.ndarray:
    """How much of each input token is in each token after every layer, residual connections counted as half.

    Abnar & Zuidema 2020, "Quantifying Attention Flow in Transformers", section 3: the product of 0.5 A + 0.5 I, A the
    mean over heads. `[layers, heads, T, T]` to `[layers, T, T]`, rows sum to 1.
    """
    mixing = 0.5 * attention.mean(axis=1) + 0.5 * np.eye(attention.shape[-1], dtype=attention.dtype)
    rollouts = [mixing[0]]
    for layer in mixing[1:]:
        rollouts.append(layer @ rollouts[-1])
    return np.stack(rollouts)


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


def encoded(array: np.ndarray) -> str:
    """The bytes of an array as base64."""
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def png(pixels: np.ndarray) -> str:
    """Pixels `[height, width, 3]` uint8 as an address that holds the picture itself."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
