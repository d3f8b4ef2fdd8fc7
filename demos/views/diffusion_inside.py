"""Inside the U-Net in one step, for the browser: feature maps, vectors, attention, and what switches change."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from demos.views.diffusion import as_picture, sheet
from demos.wire import Float16, view

if TYPE_CHECKING:
    from models.diffusion.inside import Inside
    from models.diffusion.trace import DenoisingStep

KINDS = {
    "fold": "first convolution",
    "shrink": "half the side",
    "enlarge": "twice the side",
    "down_attention": "self-attention",
    "middle_attention": "self-attention",
    "up_attention": "self-attention",
}


@view
class UnetPartView:
    """What a part gives on. name: as the network calls it.

    channels: how many; side: of each map; maps: `[<= 8, side, side]` of the channels `numbers` (from 0) that vary most.
    rms: root mean square of all channels. skip: the name of the part that it is handed to across the U; else empty.
    """

    name: str
    title: str
    channels: int
    side: int
    rms: float
    maps: Float16
    numbers: list[int]
    skip: str


@view
class LooksView:
    """Self-attention: `shares [heads, places, places]`, from each place of the map to each."""

    name: str
    shares: Float16


@view
class VectorView:
    """A vector that the blocks are told."""

    name: str
    values: Float16


@view
class InsideView:
    """One sprite in one step (`unet_inside`).

    run, place, total, sprite: which. x_t, x_0: addresses of what the network saw and of what was predicted in the run;
    edited: predicted with what is switched off. difference: root mean square between the two.
    same: whether they are equal to the bit. finding: what is seen in this step, if it was looked for.
    """

    run: str
    place: int
    total: int
    sprite: int
    sprites: int
    t: int
    x_t: str
    x_0: str
    edited: str
    difference: float
    same: bool
    stages: list[UnetPartView]
    looks: list[LooksView]
    vectors: list[VectorView]
    off: list[str]
    finding: str


def view_of_inside(
    inside: "Inside", step: "DenoisingStep", *, run: str, place: int, total: int, sprite: int, finding: str = ""
) -> InsideView:
    """What `unet_inside` shows of number `sprite` in a step of a run."""
    from models.diffusion.trace import finished_sprites

    unedited = step.x_0[sprite]
    return InsideView(
        run=run,
        place=place,
        total=total,
        sprite=sprite,
        sprites=len(step.x_t),
        t=step.t,
        x_t=sheet(as_picture(step.x_t[sprite : sprite + 1], 1.0)),
        x_0=sheet(finished_sprites(unedited[None])),
        edited=sheet(finished_sprites(inside.x_0[None])),
        difference=float(np.sqrt(np.square(inside.x_0 - unedited).mean())),
        same=np.array_equal(inside.x_0, unedited),
        stages=[
            UnetPartView(
                name=stage.name,
                title=_title(stage.name),
                channels=stage.channels,
                side=stage.maps.shape[-1],
                rms=stage.rms,
                maps=stage.maps,
                numbers=list(stage.numbers),
                skip=inside.skips.get(stage.name, ""),
            )
            for stage in inside.stages
        ],
        looks=[LooksView(name, shares) for name, shares in inside.looks.items()],
        vectors=[VectorView(name, values) for name, values in inside.vectors.items()],
        off=list(inside.off),
        finding=finding,
    )


def find_skip(without: "Mapping[str, Inside]", step: "DenoisingStep", sprite: int) -> str:
    """Which skip the prediction needs most in a step, of runs `without` each, in words."""
    changes = {
        name: float(np.sqrt(np.square(inside.x_0 - step.x_0[sprite]).mean())) for name, inside in without.items()
    }
    most, least = max(changes, key=changes.__getitem__), min(changes, key=changes.__getitem__)
    places = {name: _where(name, without[name]) for name in (most, least)}
    return (
        f"At t = {step.t} the prediction needs the skip from {places[most]} most: without it it changes by "
        f"{changes[most]:.2f} (root mean square), without the one from {places[least]} by {changes[least]:.2f}."
    )


def _where(name: str, inside: "Inside") -> str:
    side = next(stage.maps.shape[-1] for stage in inside.stages if stage.name == name)
    return f"{_title(name)} at {side} x {side}"


def _title(name: str) -> str:
    return KINDS.get(name) or f"block {int(name.partition('.')[2]) + 1}"
