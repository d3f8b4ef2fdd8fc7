"""Attention and streams of runs, kept on the server: all of it at once would be too much for a browser."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from demos.tab import answering
from demos.views.explorer import PackedAttention, PatchRows
from demos.views.vit_walk import view_of_patch_walk
from demos.views.walk import WalkView
from models.inputs import check_integer
from models.store import Store

KEPT_BYTES = 160 * 2**20
MAX_AGE_SECONDS = 1800

PACKED: Store[PackedAttention] = Store(
    "attention of pictures",
    KEPT_BYTES,
    size=lambda packed: packed.steps.nbytes + packed.largest.nbytes,
    gone="This run is no longer kept: choose its resolution again.",
    max_age=MAX_AGE_SECONDS,
)


def name_of(model: str, picture: np.ndarray, size: int, positions: str) -> str:
    """Name of a run: the same model, picture, resolution and edits have the same name, and nobody can guess it."""
    digest = hashlib.sha256(picture.tobytes() + repr((picture.shape, model, size, positions)).encode())
    return digest.hexdigest()


@answering
def attention_rows(request: dict[str, Any]) -> PatchRows:
    """All rows in which a token of a kept run looks: `{"run", "token"}`."""
    packed = PACKED.find(request.get("run"))
    return packed.rows_of(check_integer(request.get("token"), name="The token", low=0, high=packed.steps.shape[2] - 1))


@dataclass(frozen=True)
class Stream:
    """The residual stream of a run: `tokens` `[L + 1, T, D]` float32, of the model of that name; columns of patches."""

    model: str
    tokens: np.ndarray
    columns: int


STREAMS: Store[Stream] = Store(
    "streams of pictures",
    KEPT_BYTES,
    size=lambda stream: stream.tokens.nbytes,
    gone="This run is no longer kept: choose its resolution again.",
    max_age=MAX_AGE_SECONDS,
)


def walk_of(run: str, stream: Stream, *, layer: int, head: int, token: int, channel: int = -1) -> WalkView:
    """A token of a kept run through one layer, and on to the answer."""
    from models.vit.walk import walk_patch

    found = walk_patch(
        stream.model, stream.tokens[layer], stream.tokens[-1], layer=layer, head=head, token=token, channel=channel
    )
    return view_of_patch_walk(found, run, stream.columns, asked=token)


@answering
def patch_walk(request: dict[str, Any]) -> WalkView:
    """A token's way in numbers: `{"run", "layer", "head", "token", "channel"}`; channel -1: what changes most."""
    run = request.get("run")
    stream = STREAMS.find(run)
    layers, tokens, width = stream.tokens.shape
    asked = {
        name: check_integer(request.get(name), name=f"The {said}", low=low, high=high)
        for name, said, low, high in (
            ("layer", "layer", 0, layers - 2),
            ("head", "head", 0, width - 1),
            ("token", "token", 0, tokens - 1),
            ("channel", "number", -1, width - 1),
        )
    }
    return walk_of(str(run), stream, **asked)
