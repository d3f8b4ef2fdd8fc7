"""Inside the U-Net in one step of a run: what each part gives on, and what is predicted without some of the parts.

The network itself runs, watched by hooks. What is switched off is taken out of the same run: a skip brings zeros, a
block gives on what came in, a head adds nothing, the time is a vector of zeros. Nothing is trained anew.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.compute import Run, compute, run_of
from models.diffusion.data import ANY_CLASS
from models.diffusion.network import SpriteUNet, sinusoids, twin
from models.diffusion.schedule import cosine_schedule, from_velocity
from models.diffusion.sprites import load_sprites
from models.diffusion.trace import Plan, class_vectors, predicted
from models.errors import InputError

TIME, CLASS = "time", "class"
MOST_MAPS = 8
ATTENTIONS = ("down_attention", "middle_attention", "up_attention")


@dataclass(frozen=True)
class Stage:
    """What a part gives on: `maps [<= 8, side, side]` of its channels `numbers`, those that vary most over the picture.

    channels: how many there are. rms: root mean square of all of them.
    """

    name: str
    channels: int
    rms: float
    maps: np.ndarray
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Inside:
    """One sprite in one step.

    x_0: `[4, size, size]` as it is predicted with what is switched off, v the same. stages: in the order in which they
    run. looks: `{attention: [heads, 64, 64]}`, from each of the places to each. vectors: `{name: [width]}`, what the
    blocks are told. skips: which part hands its output to which across the U. off: the names of what was switched off.
    """

    x_0: np.ndarray
    v: np.ndarray
    stages: tuple[Stage, ...]
    looks: dict[str, np.ndarray]
    vectors: dict[str, np.ndarray]
    skips: dict[str, str]
    off: tuple[str, ...]
    run: Run


@compute
def look_inside(
    plan: Plan, t: int, x_t: np.ndarray, sprite: int, off: tuple[str, ...] = (), network: str = ""
) -> Inside:
    """Step `t` of a run once more, `x_t [count, 4, size, size]`, looking at number `sprite`.

    off: names of `switches`. With nothing switched off the prediction is that of the run, to the bit.
    Raises `InputError` for a name that is none.
    """
    loaded = load_sprites(network)
    unet: SpriteUNet = twin(loaded.network)
    unknown = set(off) - set(switches(unet))
    if unknown:
        raise InputError("There is no such switch in this network.")
    start = time.perf_counter()
    told = class_vectors(unet, [ANY_CLASS if CLASS in off else plan.sprite_class] * plan.count)
    with torch.inference_mode(), _without(unet, off), _watched(unet) as seen:
        x, v = predicted(unet, plan, told, t, x_t)
        x_0 = from_velocity(cosine_schedule(), x, v, t)[0].clamp(-1, 1)
        row = seen.rows - plan.count + sprite  # guidance asks without the class first, then with it
        stages = tuple(_stage(name, output[row].float().cpu().numpy()) for name, output in seen.outputs.items())
        looks = {name: _shares(unet, name, asked[row : row + 1]) for name, asked in seen.asked.items()}
        vectors = {"waves": sinusoids(torch.tensor([t]), unet.config.widths[0])[0].numpy()}
        vectors |= {TIME: seen.vectors[TIME][row].float().cpu().numpy(), CLASS: told[sprite].cpu().numpy()}
    run = run_of(loaded, time.perf_counter() - start)
    clean, said = x_0[sprite].cpu().numpy(), v[sprite].cpu().numpy()
    return Inside(clean, said, stages, looks, vectors, skips(unet), tuple(off), run)


def parts(network: SpriteUNet) -> list[str]:
    """Names of the parts that give something on, in the order in which they run."""
    blocks = range(network.config.blocks)
    high, low = ([f"{where}_{level}.{n}" for n in blocks] for where, level in (("down", "high"), ("down", "low")))
    up_low, up_high = ([f"up_{level}.{n}" for n in blocks] for level in ("low", "high"))
    middle = ["middle.0", "middle_attention", "middle.1"]
    return ["fold", *high, "shrink", *low, "down_attention", *middle, *up_low, "up_attention", "enlarge", *up_high]


def skips(network: SpriteUNet) -> dict[str, str]:
    """Each block on the way down whose output is kept, and the block on the way up that gets it beside its input."""
    blocks = network.config.blocks
    return {
        f"down_{level}.{number}": f"up_{level}.{blocks - 1 - number}"
        for level in ("high", "low")
        for number in range(blocks)
    }


def switches(network: SpriteUNet) -> list[str]:
    """The names of all that can be switched off."""
    blocks = [name for name in parts(network) if "." in name]
    heads = [f"{name}:{head}" for name in ATTENTIONS for head in range(network.config.heads)]
    return [TIME, CLASS, *blocks, *(f"skip {name}" for name in skips(network)), *heads]


@dataclass
class _Seen:
    """What hooks saw: outputs by part, queries, keys and values by attention, and the vector of the time."""

    outputs: dict[str, Tensor] = field(default_factory=dict)
    asked: dict[str, Tensor] = field(default_factory=dict)
    vectors: dict[str, Tensor] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Pictures in the batch."""
        return len(self.outputs["fold"])


@contextmanager
def _watched(network: SpriteUNet) -> Iterator[_Seen]:
    """While entered: what the parts of the network give on is kept. They run as without."""
    seen, handles = _Seen(), []

    def keep(place: dict[str, Tensor], name: str) -> Any:
        return lambda module, inputs, output: place.__setitem__(name, output.detach())

    for name in parts(network):
        layer = network.get_submodule(name)
        handles.append(layer.register_forward_hook(keep(seen.outputs, name)))
    for name in ATTENTIONS:
        layer = network.get_submodule(f"{name}.query_key_value")
        handles.append(layer.register_forward_hook(keep(seen.asked, name)))
    handles.append(network.time.register_forward_hook(keep(seen.vectors, TIME)))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _without(network: SpriteUNet, off: tuple[str, ...]) -> Iterator[None]:
    """While entered: the named parts are taken out."""
    handles = []
    for name in off:
        if name == TIME:
            handles.append(network.time.register_forward_hook(_zeros))
        elif name.startswith("skip "):
            block = network.get_submodule(skips(network)[name.removeprefix("skip ")])
            handles.append(block.register_forward_pre_hook(_without_second_half))
        elif ":" in name:
            attention, _, head = name.partition(":")
            out = network.get_submodule(f"{attention}.out")
            handles.append(out.register_forward_pre_hook(_without_head(int(head), network.config.heads)))
        elif name != CLASS:
            block: Any = network.get_submodule(name)
            handles.append(block.register_forward_hook(lambda module, inputs, output: module.skip(inputs[0])))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _zeros(module: nn.Module, inputs: tuple[Tensor], output: Any) -> Tensor:
    return torch.zeros_like(output)


def _without_second_half(module: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    x, condition = inputs
    own, skipped = x.chunk(2, dim=1)
    return torch.cat([own, torch.zeros_like(skipped)], dim=1), condition


def _without_head(head: int, heads: int) -> Any:
    def hook(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        mixed = inputs[0].unflatten(2, (heads, -1)).clone()
        mixed[:, :, head] = 0
        return (mixed.flatten(2),)

    return hook


def _stage(name: str, output: np.ndarray) -> Stage:
    """`output [channels, side, side]`, its channels that vary most first."""
    order = np.argsort(-output.std(axis=(1, 2)), kind="stable")[:MOST_MAPS]
    rms = float(np.sqrt(np.square(output).mean()))
    return Stage(name, len(output), rms, output[order], tuple(int(number) for number in order))


def _shares(network: SpriteUNet, attention: str, asked: Tensor) -> np.ndarray:
    """The weights of self-attention from its queries, keys and values `[1, 64, 3 C]`: `[heads, 64, 64]`."""
    q, k, _ = asked.float().unflatten(2, (3, network.config.heads, -1)).permute(2, 0, 3, 1, 4)
    return (q @ k.transpose(2, 3) / q.shape[-1] ** 0.5).softmax(-1)[0].cpu().numpy()
