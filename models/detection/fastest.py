"""In which precision a machine answers soonest: measured once with an export, remembered beside it."""

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path

from models import runtime
from models.detection import eight_bits

log = logging.getLogger("glassbox")

FILE = "fastest.json"
ROUNDS = 5
BYTES = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
"""Instructions of x86 and ARM for it, as Linux names them."""


def precisions(folder: Path) -> list[str]:
    """The precisions in which the export in `folder` can run on this machine."""
    found = ["float32"]
    if runtime.has_bfloat16():
        found.append("bfloat16")
    if (folder / eight_bits.FILE).is_file() and _adds_up_bytes():
        found.append("8 bits")
    return found


def _adds_up_bytes() -> bool:
    """Whether the processor adds up products of bytes in 32 bits: older ones are no faster so, and overflow."""
    return bool(BYTES.intersection(_cpuinfo().split()))


def by_speed(folder: Path, answer_in: Callable[[str], Callable[[], object]]) -> list[str]:
    """The precisions of `precisions`, fastest first, by what was remembered or else by measuring.

    answer_in: makes what answers one picture in a precision; called only where nothing is remembered.
    """
    choices = precisions(folder)
    milliseconds = _remembered(folder)
    if set(milliseconds) != set(choices):
        milliseconds = {precision: _milliseconds(answer_in(precision)) for precision in choices}
        _remember(folder, milliseconds)
        log.info("%s: milliseconds a picture: %s", folder.parent.name, milliseconds)
    return sorted(choices, key=lambda precision: milliseconds[precision])


def _milliseconds(answer: Callable[[], object]) -> float:
    """The shortest of a few runs: whatever else the machine does only adds to it."""
    answer()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer()
        times.append(time.perf_counter() - began)
    return round(1000 * min(times), 1)


def _machine() -> list[str | int]:
    """What the times depend on: the processor's name and instructions, and the number of threads."""
    names = [line for line in _cpuinfo().splitlines() if line.startswith(("model name", "flags"))]
    return [*dict.fromkeys(names), runtime.threads()]


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _remembered(folder: Path) -> dict[str, float]:
    try:
        kept = json.loads((folder / FILE).read_text())
        if kept["machine"] == _machine():
            return {str(precision): float(time) for precision, time in kept["milliseconds"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    return {}


def _remember(folder: Path, milliseconds: dict[str, float]) -> None:
    try:
        (folder / FILE).write_text(json.dumps({"machine": _machine(), "milliseconds": milliseconds}, indent=1))
    except OSError as error:  # a cache that is full or only for reading: it is measured again next time
        log.info("%s: what is fastest here is not remembered: %s", folder.parent.name, error.strerror)
