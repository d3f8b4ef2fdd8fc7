"""Where a prompt's words look: the attention of every layer and head in which a picture reads its text.

One step of DAAM (Tang et al. 2023), which averages over the steps too.
"""

import math
import threading
from inspect import signature
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from models.diffusion.large.network import LargeNetwork


class WordAttention:
    """The mean over layers and heads of where the picture looks in its text, `[tokens, side, side]`, while entered.

    It computes the attention beside the network and changes nothing in it. Of a batch, the last is looked at. Networks
    are shared: what other threads ask them meanwhile is not looked at. So it is entered around each prediction, and
    never while something else may run in its own thread.
    """

    def __init__(self, network: LargeNetwork) -> None:
        self.network = network
        self.layers = network.reading_layers()
        self.side = network.latent_shape[-1]
        self.forget()

    def forget(self) -> None:
        """Begin anew, for another step."""
        self.total: Tensor | None = None
        self.each: list[Tensor] = []
        self.calls = 0

    def __enter__(self) -> "WordAttention":
        self.thread = threading.get_ident()
        self.hooks = [layer.register_forward_pre_hook(self._look, with_kwargs=True) for layer in self.layers]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for hook in self.hooks:
            hook.remove()

    def _look(self, layer: torch.nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        if threading.get_ident() != self.thread:
            return
        inputs = signature(layer.forward).bind_partial(*arguments, **named).arguments
        shares = self.network.text_shares(layer, inputs)
        side = math.isqrt(shares.shape[1])
        maps = interpolate(shares.reshape(1, -1, side, side), size=(self.side, self.side), mode="bilinear")[0].cpu()
        self.total = maps if self.total is None else self.total + maps
        if self.network.layer_names:
            self.each.append(maps)
        self.calls += 1

    def of(self, places: list[int]) -> np.ndarray:
        """The share of attention that the tokens at `places` get together, `[side, side]` in 0..1."""
        if self.total is None:
            raise RuntimeError("Nothing was looked at since the last step began.")
        return (self.total[places].sum(0) / self.calls).numpy()

    def in_layers(self, places: list[int]) -> dict[str, np.ndarray]:
        """The same for each layer by its name, where the network names them."""
        maps = (maps[places].sum(0).numpy() for maps in self.each)
        return dict(zip(self.network.layer_names, maps, strict=True)) if self.each else {}
