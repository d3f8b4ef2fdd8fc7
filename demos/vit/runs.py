"""Attention of runs, kept on the server: all of it at once would be too much for a browser."""

import hashlib
from typing import Any

import numpy as np

from demos.tab import answering
from demos.views.explorer import PackedAttention, PatchRows
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
