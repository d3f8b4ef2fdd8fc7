"""Steps of a large latent model as small PNGs for the film, its guidance in numbers, and where its words look."""

import html
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from demos.sentences import percent
from demos.views.colors import sequential
from demos.views.diffusion import NOISE_RANGE, StepView, as_picture
from demos.wire import picture

if TYPE_CHECKING:
    from models.diffusion.large.trace import LargeStep

SIDE = 256  # of the pictures in the film
TILE = 128
KEPT = 1e-3  # a difference of noises from which it is said that a prediction was kept within bounds
HEAT = 0.65  # how much of the heat map covers the picture


def view_of_large(step: "LargeStep", original: "LargeStep | None" = None) -> StepView:
    """One column of the film strip: the latents' first three channels as colours, and the decoded picture.

    Beside the `original` that it forked from: how much its predicted latent differs (root mean square).
    """
    side = min(SIDE, step.picture.shape[0])
    return StepView(
        size=side,
        t=round(step.t, 3),
        t_next=round(step.t_next, 3),
        x_t=_address(_latent(step.x_t), side),
        noise=_address(_latent(step.epsilon), side),
        x_0=_address(step.picture, side),
        signal=step.level.signal,
        noise_share=step.level.noise,
        terms=[(term.factor, term.of) for term in step.update.step],
        correction=[],
        predicts=step.predicts,
        difference=None if original is None else _size(step.x_0 - original.x_0),
    )


def html_of_guidance(step: "LargeStep") -> str:
    """HTML: the noise predicted without and with the prompt, their difference, and the sum that guidance makes."""
    if step.without is None:
        return '<p class="gb-large-words">Guidance 1: the network is asked once a step, with the prompt alone.</p>'
    difference = step.with_prompt - step.without
    mixed = step.without + step.guidance * difference
    parts = [
        ("without the prompt", step.without),
        (f"+ {step.guidance:g} × difference", difference),
        ("= predicted noise", mixed),
        ("with the prompt", step.with_prompt),
    ]
    figures = "".join(
        _figure(_address(_latent(noise), TILE), f"{name}, size {_size(noise):.3f}") for name, noise in parts
    )
    share = _size(difference) / _size(step.without)
    words = (
        f"In step {step.index + 1}, at t = {step.t:.3g}, the prompt changes the prediction by {percent(share, 1)} of "
        "its size "
        f"(root mean square); guidance {step.guidance:g} goes {step.guidance:g} times as far."
    )
    if _size(mixed - step.epsilon) > KEPT:
        words += " The predicted picture is then kept within −1 to 1, and the noise follows it."
    return f'<div class="gb-large">{figures}</div><p class="gb-large-words">{words}</p>'


def html_of_words(step: "LargeStep") -> str:
    """HTML: for each word of the prompt the picture, lit where that word gets attention; each has its own scale."""
    figures = "".join(_lit(step, shares, word) for word, shares in step.attention.items())
    return f'<div class="gb-large">{figures}</div>{_html_of_layers(step)}'


def _html_of_layers(step: "LargeStep") -> str:
    """HTML: the same for each layer that has a name, a word a row."""
    if not step.in_layers:
        return ""
    rows = "".join(
        f'<p class="gb-large-words">{html.escape(word)}</p><div class="gb-large gb-layers">'
        f"{''.join(_lit(step, shares, name) for name, shares in layers.items())}</div>"
        for word, layers in step.in_layers.items()
    )
    return f"<details><summary>In each layer</summary>{rows}</details>"


def _lit(step: "LargeStep", shares: np.ndarray, name: str) -> str:
    """The picture, lit where `shares [side, side]` are high."""
    low, high = float(shares.min()), float(shares.max())
    heat = sequential((shares - low) / (high - low or 1.0))
    side = step.picture.shape[0]
    over = np.asarray(Image.fromarray(heat).resize((side, side), Image.Resampling.BILINEAR), np.float32)
    lit = np.rint(HEAT * over + (1 - HEAT) * step.picture).astype(np.uint8)
    return _figure(_address(lit, TILE), f"{name}, {percent(low, 1)} to {percent(high, 1)}")


def _size(noise: np.ndarray) -> float:
    return float(np.sqrt(np.square(noise).mean()))


def _latent(latent: np.ndarray) -> np.ndarray:
    return as_picture(latent[None], NOISE_RANGE)[0]


def _figure(address: str, caption: str) -> str:
    name = html.escape(caption)
    return f'<figure><img src="{address}" alt="{name}"><figcaption>{name}</figcaption></figure>'


def _address(rgb: np.ndarray, side: int) -> str:
    """Address of a picture of `side` pixels; latents stay blocks, pictures are shrunk smoothly."""
    filtering = Image.Resampling.NEAREST if rgb.shape[0] < side else Image.Resampling.BOX
    return picture(np.asarray(Image.fromarray(rgb).resize((side, side), filtering)))
