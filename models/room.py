"""How much memory a model will take, and how much there is: a sentence before loading beats a killed server."""

import json
import math
import re
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WeightsError

if TYPE_CHECKING:
    import torch

SPARE_BYTES = 500_000_000
"""What computing itself needs beside the weights, at least."""
_CGROUP = Path("/sys/fs/cgroup")


def require_room(files: Iterable[Path], title: str, itemsize: int, device: "torch.device") -> None:
    """Raises `WeightsError` where the weights in safetensors `files` would not fit, `itemsize` bytes a number.

    Without files (the small models that come with the app) there is always room.
    """
    needed = sum(count_numbers(file) for file in files) * itemsize
    free = free_bytes(device)
    if needed and free is not None and needed + SPARE_BYTES > free:
        raise WeightsError(
            f"{title} needs {needed / 1e9:.1f} GB of memory on this server, which has {free / 1e9:.1f} GB free: "
            "choose a smaller model."
        )


def count_numbers(file: Path) -> int:
    """How many numbers a safetensors file holds, by its header."""
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(length))
    return sum(math.prod(facts["shape"]) for name, facts in header.items() if name != "__metadata__")


def free_bytes(device: "torch.device") -> int | None:
    """Free memory of the device in bytes; None where that cannot be asked."""
    if device.type == "cuda":
        import torch

        return torch.cuda.mem_get_info(device)[0]
    return host_bytes()


def host_bytes() -> int | None:
    """Free memory of this machine, or of the container it runs in, in bytes; None where that cannot be asked."""
    known = [value for value in (_of_machine(), _of_container()) if value is not None]
    return min(known, default=None)


def _of_machine() -> int | None:
    facts = Path("/proc/meminfo")
    found = re.search(r"MemAvailable:\s+(\d+) kB", facts.read_text()) if facts.exists() else None
    return int(found[1]) * 1024 if found else None


def _of_container() -> int | None:
    """What a container may still take: its limit without what it holds, its cache of files not counted."""
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        used = int((_CGROUP / "memory.current").read_text())
        cached = re.search(r"^inactive_file (\d+)$", (_CGROUP / "memory.stat").read_text(), re.MULTILINE)
    except (OSError, ValueError):  # no container, or one without a limit
        return None
    return max(0, limit - used + (int(cached[1]) if cached else 0))
