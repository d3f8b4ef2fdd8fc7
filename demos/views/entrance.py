"""The living pictures of the opening page: one small run of each idea."""

from typing import TYPE_CHECKING

import numpy as np

from demos.sentences import percent
from demos.wire import Jpeg, Png, Steps8, view

if TYPE_CHECKING:
    from models.attention.trace import AttentionTrace
    from models.detection.detect import Explained
    from models.sequences.trace import SequenceTrace
    from models.vit.trace import VitTrace

UNITS, SIDE = 40, 168
FOUND = 8


@view
class IdeaBox:
    """A box in one stage of a detector: left, top, right, bottom as shares of the picture."""

    label: str
    corners: tuple[float, ...]


@view
class LivingPicture:
    """One idea at work, a frame after the other (`entrance`).

    tab: whose idea it is. caption: what is seen, computed.
    words: characters or tokens, one for each frame, or the names of the frames.
    values: `[frames, units]` a memory, `[tokens, tokens]` attention, or `[layers, rows, columns]` where CLS looks.
    picture: what it is about; sheet: frames beside each other. stages: boxes frame by frame.
    """

    tab: str
    caption: str
    words: tuple[str, ...]
    values: Steps8 | None = None
    picture: Jpeg | None = None
    sheet: Png | None = None
    stages: tuple[tuple[IdeaBox, ...], ...] = ()


def view_of_memory(trace: "SequenceTrace", best: str, probability: float) -> LivingPicture:
    """A text read by a recurrent network: the units that change most."""
    liveliest = np.argsort(-trace.hidden_state.std(axis=0), kind="stable")[:UNITS]
    caption = f"A memory fills, letter by letter. At the end the network expects “{best}” ({percent(probability)})."
    return LivingPicture("sequences", caption, tuple(trace.text), trace.hidden_state[:, liveliest])


def view_of_looks(trace: "AttentionTrace") -> LivingPicture:
    """The head with the largest weight between whole words of a sentence that are no neighbours."""
    tokens = len(trace.tokens)
    apart = np.abs(np.subtract.outer(np.arange(tokens), np.arange(tokens))) > 1
    whole = np.array([len(token.strip()) > 1 and token.strip().isalpha() for token in trace.tokens])
    inner = trace.attention * apart * whole * whole[:, None]
    layer, head, row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    weight = float(trace.attention[layer, head, row, column])
    words = tuple(token.strip() for token in trace.tokens)
    caption = f"Every word looks at the others. Here “{words[row]}” takes {percent(weight)} from “{words[column]}”."
    own = slice(1, -1)  # without the marks that a BERT puts around a sentence
    return LivingPicture("attention", caption, words[own], trace.attention[layer, head, own, own])


def view_of_patches_seen(trace: "VitTrace", label: str) -> LivingPicture:
    """Where CLS looks in a picture, layer by layer, mean of the heads."""
    rows, columns = trace.grid
    maps = trace.attention[:, :, 0, 1:].mean(axis=1).reshape(-1, rows, columns)
    maps = maps / maps.max(axis=(1, 2), keepdims=True)
    sure, known = float(trace.probabilities.max()), len(trace.labels)
    caption = f"A picture is read as {rows * columns} patches. Of {known} names it chooses {label} ({percent(sure)})."
    names = tuple(f"layer {layer + 1}" for layer in range(len(maps)))
    return LivingPicture("vit", caption, names, maps, trace.image)


def view_of_queries(explained: "Explained", image: np.ndarray, found: "np.ndarray", names: list[str]) -> LivingPicture:
    """The boxes of the queries that find something, stage by stage."""
    from models.detection.boxes import corners

    trace = explained.trace
    stages = [trace.references_cxcywh, *trace.boxes_cxcywh]
    boxes = tuple(
        tuple(
            IdeaBox(name, tuple(np.round(corners(stage[query]).clip(0, 1), 3).tolist()))
            for query, name in zip(found[:FOUND], names, strict=False)
        )
        for stage in stages
    )
    words = ("references", *(f"layer {layer}" for layer in range(1, len(stages))))
    caption = f"{len(trace.references_cxcywh)} queries look for things at once; {len(found)} find one."
    return LivingPicture("detection", caption, words, picture=image, stages=boxes)


def view_of_denoising(sprites: np.ndarray, name: str) -> LivingPicture:
    """What a network takes for the clean sprite after each step, `[steps, size, size, 4]` uint8."""
    words = tuple(f"step {step + 1}" for step in range(len(sprites)))
    caption = f"Out of noise comes a {name} that nobody drew, in {len(sprites)} steps."
    return LivingPicture("diffusion", caption, words, sheet=np.concatenate(list(sprites), axis=1))
