"""Where models run and how they stay in memory: one load per model, least recently used out under a budget."""

import functools
import gc
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import memory, weights
from models.errors import WeightsError
from models.room import require_room
from models.store import kept_bytes

if TYPE_CHECKING:
    import torch

log = logging.getLogger("glassbox")


@dataclass(frozen=True)
class Loaded:
    """A network in memory, ready to run.

    `parameters` counts scalars; `bytes` is what parameters and buffers take on `device`.
    """

    name: str
    network: Any
    weights: "weights.Weights"
    parameters: int
    bytes: int
    device: str


_loaded: OrderedDict[str, Loaded] = OrderedDict()
_exports: dict[str, int] = {}
_registry_lock = threading.Lock()
_model_locks: dict[str, threading.Lock] = {}
_being_loaded: set[str] = set()


def load(name: str, loader: Callable[[Path], Any], *, itemsize: int = 4) -> Loaded:
    """The model called `name`, loaded at most once however many ask at the same time.

    `loader(folder)` returns a `torch.nn.Module` (or an object with a `modules()` of them, as a pipeline's wrapper)
    from a verified folder. The network is put on `device()`, in evaluation mode, without gradients.
    `itemsize`: bytes that the loader takes for a number of a hub model.
    Raises `InputError` for a name outside the catalogue and `WeightsError` for weights that cannot be used, or that
    would not fit into memory.
    """
    with _registry_lock:
        lock = _model_locks.setdefault(name, threading.Lock())
    with lock:
        with _registry_lock:
            if name in _loaded:
                _loaded.move_to_end(name)
                return _loaded[name]
        _being_loaded.add(name)
        try:
            loaded = _describe(name, _build(name, loader, itemsize), weights.find(name))
        finally:
            _being_loaded.discard(name)
        with _registry_lock:
            _loaded[name] = loaded
            _make_room()
        return loaded


def _build(name: str, loader: Callable[[Path], Any], itemsize: int) -> Any:
    folder, entry = weights.folder(name), weights.find(name)
    files = [file for need in entry.needs if need.endswith(".safetensors") for file in folder.glob(need)]
    require_room(files, entry.title, itemsize, device())
    try:
        network = loader(folder)
    except WeightsError:
        raise
    except Exception as error:
        log.exception("loading %s", name)
        raise WeightsError(f"{weights.find(name).title} could not be loaded: its files do not fit together.") from error
    return network.to(device()).eval().requires_grad_(False)


def names_being_loaded() -> list[str]:
    """Models that are on their way into memory at this moment."""
    return sorted(_being_loaded)


def names_in_memory() -> list[str]:
    """Loaded models, least recently used first."""
    with _registry_lock:
        return list(_loaded)


def note_export(name: str, size: int) -> None:
    """A loaded model has an export in memory too, of so many bytes, which goes when the model goes."""
    with _registry_lock:
        if name in _loaded:
            _exports[name] = size
            _make_room()


def bytes_in_memory() -> dict[str, int]:
    """Bytes that each loaded model takes, its export included, by name."""
    with _registry_lock:
        return {name: loaded.bytes + _exports.get(name, 0) for name, loaded in _loaded.items()}


def keep_within_budget() -> None:
    """Give free memory back, and where that is not enough forget networks, the least recently used first.

    What libraries take beyond `memory.LIBRARIES_BYTES` is known only by looking, and so is what a network leaves. A
    network that is needed again is loaded again.
    """
    memory.give_back()
    while (excess := memory.resident_bytes() - memory.BUDGET_BYTES) > 0 and _loaded:
        _forget_oldest(excess)
        gc.collect()
        memory.give_back()


def _forget_oldest(size: int) -> None:
    """Forget networks, the least recently used first, that take at least `size` bytes together."""
    with _registry_lock:
        while _loaded and size > 0:
            name, loaded = _loaded.popitem(last=False)
            size -= loaded.bytes + _exports.pop(name, 0)
            log.info("%s is forgotten: the process takes more than its budget of memory", name)


def _describe(name: str, network: Any, entry: "weights.Weights") -> Loaded:
    tensors = {id(t): t for t in [*network.parameters(), *network.buffers()]}.values()
    parameters = sum(p.numel() for p in {id(p): p for p in network.parameters()}.values())
    return Loaded(name, network, entry, parameters, sum(t.numel() * t.element_size() for t in tensors), str(device()))


def _make_room() -> None:
    room = memory.STAYING_BYTES - kept_bytes()
    while len(_loaded) > 1 and sum(one.bytes for one in _loaded.values()) + sum(_exports.values()) > room:
        _exports.pop(_loaded.popitem(last=False)[0], None)


@functools.cache
def device() -> "torch.device":
    """`GLASSBOX_DEVICE` if set, else CUDA, else Apple's MPS, else the CPU; sets the number of CPU threads once."""
    import torch

    if threads := os.environ.get("GLASSBOX_THREADS"):
        torch.set_num_threads(int(threads))
    if chosen := os.environ.get("GLASSBOX_DEVICE"):
        return torch.device(chosen)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


@functools.cache
def threads() -> int:
    """Of arithmetic for all jobs together. PyTorch's own number is a thread's present share (`models/compute.py`)."""
    import torch

    device()  # which reads how many are wanted
    return torch.get_num_threads()


def large_model_dtype(*, float16_will_do: bool = False) -> "torch.dtype":
    """The dtype for hub models of hundreds of millions of parameters.

    On CUDA bfloat16 where the card has it, else float16 for networks whose numbers stay in its range; elsewhere
    float32.
    """
    import torch

    if device().type != "cuda":
        return torch.float32
    if has_bfloat16("cuda"):
        return torch.bfloat16
    return torch.float16 if float16_will_do else torch.float32


WITHOUT_BFLOAT16 = {"SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"}
"""What `ONEDNN_MAX_CPU_ISA` may hold PyTorch's and OpenVINO's arithmetic to: instructions without bfloat16."""


@functools.cache
def has_bfloat16(kind: str | None = None) -> bool:
    """Whether bfloat16 is worth it on a device of that kind, or on the one in use: it runs in hardware, on CUDA from
    Ampere on, or on a CPU with AVX-512 BF16 or AMX that is not held to less. Elsewhere it is imitated, or refused.
    """
    import torch

    kind = kind or device().type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if kind != "cpu" or os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in WITHOUT_BFLOAT16:
        return False
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def autocast(kind: str = "cpu", *, wanted: bool = True) -> "torch.autocast":
    """Matrix products and convolutions in bfloat16 where it is `wanted` and a device of that kind has it."""
    import torch

    return torch.autocast(kind, torch.bfloat16, enabled=wanted and has_bfloat16(kind))


class Stopwatch:
    """Seconds by stage: `with watch("model"): ...` adds to `watch.seconds["model"]`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time spent in the block to `seconds[stage]`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start
