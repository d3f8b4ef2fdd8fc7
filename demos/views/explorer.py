"""All attention of one run for `attention_explorer`: tokens in a line, or patches on a picture."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.views.picture import Picture
from demos.wire import Float32, Uint8, Uint16, view

if TYPE_CHECKING:
    from models.attention.trace import AttentionRun, AttentionTrace

HEADS_A_HABIT = 8
STEPS = 4_000
"""Weights of a text travel as whole numbers of this many steps between 0 and 1."""


@view
class HeadScore:
    """A head and how much of its attention goes where a rule says, 0 to 1."""

    layer: int
    head: int
    score: float


@view
class LookView:
    """Where a head looks: the token `query` takes most of its attention there from the token `key`, say."""

    layer: int
    head: int
    query: int
    key: int


@view
class TextAttention:
    """One kind of attention of a text of T tokens that look at S.

    rows: the T tokens; columns: the S tokens.
    weights: `[layers, heads, T, S]` in steps of 1 / `steps`.
    rollout: `[layers, T, S]`, attention rollout up to each layer in the same steps; None for cross-attention.
    habits: by rule, the heads that follow it most, the strongest first.
    first: the look worth seeing first; None where there is none.
    """

    kind: Literal["encoder", "decoder", "cross"]
    rows: list[str]
    columns: list[str]
    layers: int
    heads: int
    steps: int
    weights: Uint16
    rollout: Uint16 | None
    habits: dict[str, list[HeadScore]]
    first: LookView | None


@view
class PatchRows:
    """Where one token (CLS is 0, then the patches) looks, in every layer and head.

    steps: `[layers, heads (+ 1), T]`, the square root of each weight's share of its row's largest, in steps of 1/255;
        the last head is the rollout up to that layer where there is one. A weight read back is off by less than 1 % of
        its row's largest.
    largest: `[layers, heads (+ 1)]`, the largest weight of each row.
    """

    steps: Uint8
    largest: Float32


@view
class PatchAttention:
    """Attention of a picture's patches; the rows of a token are asked for when it is chosen.

    run: names the run, for `attention_rows` and for the other views of it.
    rollout: whether rows have one.
    token: the one chosen at first, and `chosen` its rows; a run without keeps what the visitor chose before, or CLS.
    first: layer and head worth seeing first, from 0; None for the summary of the last layer.
    """

    kind: Literal["patches"]
    run: str
    picture: Picture
    layers: int
    heads: int
    rollout: bool
    token: int | None
    chosen: PatchRows
    first: tuple[int, int] | None = None


@view
class ExplorerView:
    """What `attention_explorer` shows: every kind of attention of a run, a translation if it wrote one, and a note.

    model, text: what was run, for questions about it; empty for a picture.
    """

    views: list[TextAttention | PatchAttention]
    translation: str | None
    note: str
    model: str
    text: str


@dataclass(frozen=True)
class PackedAttention:
    """All attention of a picture's run, kept on the server; see `PatchRows`.

    steps: `[L, H + 1, T, T]` uint8. largest: `[L, H + 1, T]` float32.
    """

    steps: np.ndarray
    largest: np.ndarray

    def rows_of(self, token: int) -> PatchRows:
        """All rows in which `token` looks."""
        return PatchRows(self.steps[:, :, token], self.largest[:, :, token])


def pack_attention(attention: np.ndarray) -> PackedAttention:
    """`[L, H, T, T]` float32 packed with its rollout, one layer at a time."""
    layers, heads, tokens, _ = attention.shape
    steps = np.empty((layers, heads + 1, tokens, tokens), np.uint8)
    largest = np.empty((layers, heads + 1, tokens), np.float32)
    for layer, rollout in enumerate(attention_rollout(attention)):
        steps[layer], largest[layer] = _steps_of(np.concatenate([attention[layer], rollout[None]]))
    return PackedAttention(steps, largest)


def pack_rows(weights: np.ndarray) -> PatchRows:
    """Rows `[layers, heads, T]` of one looking token, packed."""
    return PatchRows(*_steps_of(weights))


def _steps_of(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    largest = weights.max(axis=-1)
    steps = np.rint(np.sqrt(weights / np.maximum(largest[..., None], 1e-12)) * 255).astype(np.uint8)
    return steps, largest


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


def view_of_patch_attention(
    packed: PackedAttention, picture: Picture, run: str, first: tuple[int, int] | None = None
) -> ExplorerView:
    """The attention of a picture's run; `first`: layer and head worth seeing first."""
    layers, heads, _ = packed.largest.shape
    view = PatchAttention("patches", run, picture, layers, heads - 1, True, None, packed.rows_of(0), first)
    return ExplorerView([view], None, "", "", "")


def view_of_attention(run: "AttentionRun", model: str, text: str) -> ExplorerView:
    """Each kind of attention of `model` reading `text`, with its tokens and all its weights."""
    return ExplorerView([_view_of_text(trace) for trace in run.traces], run.translation, run.note, model, text)


def _view_of_text(trace: "AttentionTrace") -> TextAttention:
    from models.attention.heads import best_heads, score_heads
    from models.attention.links import first_look

    layers, heads = trace.attention.shape[:2]
    look = first_look(trace)
    return TextAttention(
        kind=trace.kind,
        rows=list(trace.tokens),
        columns=list(trace.sources),
        layers=layers,
        heads=heads,
        steps=STEPS,
        weights=in_steps(trace.attention),
        rollout=None if trace.kind == "cross" else in_steps(attention_rollout(trace.attention)),
        habits={
            rule: [HeadScore(layer, head, round(score, 4)) for layer, head, score in best_heads(scores, HEADS_A_HABIT)]
            for rule, scores in score_heads(trace).items()
        },
        first=LookView(look.layer, look.head, look.query, look.key) if look else None,
    )


def in_steps(weights: np.ndarray) -> np.ndarray:
    """Weights of 0 to 1 as whole numbers of `STEPS` steps, uint16."""
    return np.rint(np.clip(weights, 0.0, 1.0) * STEPS).astype(np.uint16)
