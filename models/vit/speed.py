"""What resolution costs a CNN and a Vision Transformer on this machine: seconds, and memory that training must keep.

Both are measured. Memory is counted from the tensors that PyTorch saves for the backward pass of one picture.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from models import runtime
from models.compute import compute
from models.vision.cnn import EfficientNetLite
from models.vision.network import VisionTransformer
from models.vit import contenders

SIDES = (56, 112, 168, 224, 280, 336, 448, 560, 672)
KEPT_UP_TO = 560
"""Pixels a side up to which memory is counted: beyond, what it takes to count would be gigabytes."""
BATCHES = (1, 2, 4, 8, 16)
BATCH_SIDE = 112
THREADS_SIDE = 224
REPEATS = 5
SECONDS_A_POINT = 0.6
OVERTIME = 2
"""By how much a slow machine may exceed its budget, so that the largest pictures are timed there too, once each."""

Network = EfficientNetLite | VisionTransformer


@dataclass(frozen=True)
class Timing:
    """`batch` pictures of `side` x `side` pixels: median `seconds` of a forward pass; `saved_bytes` for a backward pass
    of one picture, None where that was not counted. threads: of the CPU; 0 for its present share.
    """

    network: str
    side: int
    seconds: float
    saved_bytes: int | None
    batch: int = 1
    threads: int = 0


@dataclass(frozen=True)
class Measured:
    """What was timed so far, and where: the device, and CPU threads in use.

    timings: one picture, growing. batches: more and more pictures at once, all small. scaling: one picture with more
    and more threads. links: by network, products that must wait for one another.
    """

    timings: tuple[Timing, ...]
    batches: tuple[Timing, ...]
    scaling: tuple[Timing, ...]
    links: dict[str, int]
    device: str
    threads: int


@compute(heavy=True)
def measure_pair(vit: str, cnn: str, *, budget: float) -> Iterator[Measured]:
    """The two models of those names with more and more pictures at once, then at growing resolution, until `budget`
    seconds are used up; more at every value.
    """
    networks = {"CNN": contenders.load(cnn).network, "ViT": contenders.load(vit).network}
    found = Measured(
        (), (), (), {name: links(one) for name, one in networks.items()}, str(runtime.device()), torch.get_num_threads()
    )
    for timing in measure_batches(networks, budget=budget / 4):
        found = replace(found, batches=(*found.batches, timing))
        yield found
    for timing in measure_threads(networks):
        found = replace(found, scaling=(*found.scaling, timing))
        yield found
    for timing in measure(networks, budget=budget * 3 / 4):
        found = found if timing is None else replace(found, timings=(*found.timings, timing))
        yield found


def measure_batches(networks: dict[str, Network], *, budget: float) -> Iterator[Timing]:
    """Every network with `BATCHES` small pictures at once, until `budget` seconds are used up."""
    started = time.monotonic()
    for batch in BATCHES:
        images = torch.randn(batch, BATCH_SIDE, BATCH_SIDE, 3, generator=torch.Generator().manual_seed(0))
        for name, network in networks.items():
            if time.monotonic() - started > budget:
                return
            seconds = median_seconds(network, images.to(next(network.parameters()).device))
            yield Timing(name, BATCH_SIDE, seconds, None, batch)


def measure_threads(networks: dict[str, Network]) -> Iterator[Timing]:
    """Every network on one picture of 224 pixels with one thread, two, four ... up to those of this machine; nothing on
    a GPU.
    """
    most = runtime.threads()
    if str(runtime.device()) != "cpu" or most < 2:
        return
    images = torch.randn(1, THREADS_SIDE, THREADS_SIDE, 3, generator=torch.Generator().manual_seed(0))
    for count in sorted({*(2**power for power in range(most.bit_length())), most}):
        for name, network in networks.items():
            share = torch.get_num_threads()
            torch.set_num_threads(count)
            try:
                seconds = median_seconds(network, images)
            finally:
                torch.set_num_threads(share)
            yield Timing(name, THREADS_SIDE, seconds, None, threads=count)


def links(network: Network) -> int:
    """How many convolutions or matrix products wait for one another, from the pixels to the answer.

    A block of a ViT has six: queries, keys and values at once; scores; weighted sum; output; two of the MLP.
    """
    if isinstance(network, VisionTransformer):
        return 2 + 6 * network.shape.layers
    return sum(isinstance(part, (nn.Conv2d, nn.Linear)) for part in network.modules())


def measure(networks: dict[str, Network], *, budget: float, sides: Sequence[int] = SIDES) -> Iterator[Timing | None]:
    """Every network at every resolution, small ones first: several times until `budget` seconds are used up, then once,
    until `OVERTIME` times as many are.

    None comes halfway to each value, so that a visitor who leaves then stops the work.
    """
    started = time.monotonic()
    for side in sides:
        images = torch.randn(1, side, side, 3, generator=torch.Generator().manual_seed(0))
        for name, network in networks.items():
            spent = time.monotonic() - started
            if spent > OVERTIME * budget:
                return
            given = images.to(next(network.parameters()).device)
            seconds = median_seconds(network, given, patience=SECONDS_A_POINT if spent < budget else 0)
            yield None
            yield Timing(name, side, seconds, saved_bytes(network, given) if side <= KEPT_UP_TO else None)


@torch.inference_mode()
def median_seconds(network: Network, images: torch.Tensor, patience: float = SECONDS_A_POINT) -> float:
    """Median of up to five runs after one that is not counted; no more begin after `patience` seconds, but for one."""
    times: list[float] = []
    while len(times) <= REPEATS and (len(times) < 2 or sum(times) < patience):
        start = time.perf_counter()
        network(images)
        if images.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def saved_bytes(network: Network, images: torch.Tensor) -> int:
    """Bytes of the distinct tensors, other than weights, that one forward pass keeps for the gradient.

    Attention is written out here, as training with visible weights must: a fused kernel would keep less.
    """
    weights = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    sizes: dict[int, int] = {}
    kept = []  # so that no address is used twice

    def note(tensor: torch.Tensor) -> torch.Tensor:
        alone = tensor.detach()  # the tensor itself would own the graph that owns it, and neither would ever be freed
        storage = alone.untyped_storage()
        if storage.data_ptr() not in weights:
            sizes[storage.data_ptr()] = storage.nbytes()
            kept.append(alone)
        return alone

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        _forward(network, images.clone().requires_grad_())
    return sum(sizes.values())


def _forward(network: Network, images: torch.Tensor) -> torch.Tensor:
    if isinstance(network, EfficientNetLite):
        return network(images)
    tokens = network.tokens(images)
    for block in network.blocks:
        tokens, _ = block.forward_with_weights(tokens)  # pyright: ignore[reportCallIssue]  # a Block
    return network.classify(network.norm(tokens))
