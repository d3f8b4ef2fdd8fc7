"""Attention of runs with many tokens, kept on the server: all of it at once would be too much for a browser."""

import hashlib
import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from demos.base import visitor_errors
from demos.views.vit import PackedAttention
from models.errors import InputError
from models.inputs import check_integer

KEPT_BYTES = 160 * 2**20

_kept: "OrderedDict[str, PackedAttention]" = OrderedDict()
_lock = threading.Lock()


def name_of(model: str, picture: np.ndarray, size: int, positions: str) -> str:
    """Name of a run: the same model, picture, resolution and edits have the same name, and nobody can guess it."""
    digest = hashlib.sha256(picture.tobytes() + repr((picture.shape, model, size, positions)).encode())
    return digest.hexdigest()


def keep(run: str, attention: PackedAttention) -> None:
    """Keep the attention of a run; the runs that were not looked at for longest go when all take too much."""
    with _lock:
        _kept[run] = attention
        _kept.move_to_end(run)
        while len(_kept) > 1 and sum(one.steps.nbytes for one in _kept.values()) > KEPT_BYTES:
            _kept.popitem(last=False)


def attention_rows(request: Any) -> dict[str, str]:
    """All rows in which a token of a kept run looks: `{"run", "token"}` to `PackedAttention.rows_of`.

    Called by the browser past Gradio's events, so that it turns failures into sentences itself: `{"error": sentence}`.
    """
    try:
        with visitor_errors():
            return _rows(request)
    except Exception as error:
        return {"error": str(getattr(error, "message", error))}


def _rows(request: Any) -> dict[str, str]:
    if not isinstance(request, dict) or not isinstance(request.get("run"), str):
        raise InputError("A run and a token are needed.")
    with _lock:
        attention = _kept.get(request["run"])
        if attention is None:
            raise InputError("This run is no longer kept: choose its resolution again.")
        _kept.move_to_end(request["run"])
    token = check_integer(request.get("token"), name="The token", low=0, high=attention.steps.shape[2] - 1)
    return attention.rows_of(token)
