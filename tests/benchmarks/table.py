"""`make bench`: everything that is timed, in one run and one table, each row beside what a user would take instead.

    python -m tests.benchmarks.table [--only attention,vit,...] [--store]

Both sides of a row run in turn, in the same process where that is possible. `--store` writes `docs/performance.md`.
"""

import argparse
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Iterable
from pathlib import Path

import torch

from models import runtime
from tests.benchmarks import (
    attention,
    detection,
    diffusion,
    first_open,
    first_page,
    keystroke_browser,
    memory,
    scaling,
    sequences_keystroke,
    vit,
)
from tests.benchmarks.rows import Row, compare
from tests.conftest import ROOT

FILE = ROOT / "docs" / "performance.md"
PARTS = {
    "the start": first_page,
    "memory": memory,
    "the first visit": first_open,
    "a key in the browser": keystroke_browser,
    "sequences": sequences_keystroke,
    "attention": attention,
    "vit": vit,
    "detection": detection,
    "diffusion": diffusion,
    "what more costs": scaling,
}
PACKAGES = ("torch", "transformers", "diffusers", "openvino", "onnxruntime", "gradio", "bertviz")
SIDE, COPIED, ROUNDS = 2048, 2**27, 10


def ceiling() -> tuple[float, list[tuple[str, str]]]:
    """FLOP/s of the fastest product of large matrices; and to be read: products by dtype, and copying."""
    found, best = [], 0.0
    for dtype in (torch.float32, torch.bfloat16):
        square = torch.randn(SIDE, SIDE).to(dtype)
        row = compare("", ROUNDS, lambda square=square: square @ square)
        name, speed = str(dtype).removeprefix("torch."), 2 * SIDE**3 / min(row.ours) * 1e3
        best = max(best, speed)
        found.append((f"matrix products, {name}", f"{speed / 1e9:,.0f} GFLOP/s"))
    block = torch.zeros(COPIED, dtype=torch.uint8)
    row = compare("", ROUNDS, block.clone)
    return best, [*found, ("copying memory, read and written", f"{2 * COPIED / min(row.ours) / 1e6:.1f} GB/s")]


def machine() -> list[tuple[str, str]]:
    """What ran, where, and how busy it was."""
    cpuinfo = Path("/proc/cpuinfo")
    names = (
        [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")] if cpuinfo.exists() else []
    )
    processor = names[0].split(":", 1)[1].strip() if names else platform.processor()
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    return [
        ("processor", f"{processor}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"),
        ("device", f"{runtime.device()}, bfloat16 {'in hardware' if runtime.has_bfloat16() else 'not in hardware'}"),
        ("load average", " ".join(f"{load:.1f}" for load in os.getloadavg())),
        ("versions", f"Python {platform.python_version()}, {', '.join(versions)}"),
    ]


def line(row: Row, ceiling: float) -> str:
    """One row of the table: medians, the span in which half of the runs lie, and the share of `ceiling` in FLOP/s."""
    cells = [row.what, _time(row.ours)]
    cells += [row.instead, _time(row.theirs), f"{row.ratio:.1f}"] if row.theirs else ["", "", ""]
    speed = 1000 * row.flops / statistics.median(row.ours)
    cells.append(f"{row.flops / 1e9:.1f} GFLOP, {speed / ceiling:.0%}" if row.flops else "")
    return f"| {' | '.join(cells)} |"


def _time(milliseconds: tuple[float, ...]) -> str:
    low, middle, high = statistics.quantiles(milliseconds, n=4) if len(milliseconds) > 1 else 3 * milliseconds
    digits = 0 if middle >= 100 else 1
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def page(head: list[tuple[str, str]], parts: dict[str, list[Row]], ceiling: float) -> str:
    """The whole file."""
    lines = [
        "# Performance: what was measured, beside what else one would take",
        "",
        "Written by `make bench`; never by hand. Milliseconds: the median, and the span in which the middle half of",
        "the runs lies. Both sides of a row ran in turn in the same run. The column before the last says how many",
        "times as long the other takes. The last one, where arithmetic is what takes the time, says how much of it a",
        "run has (as PyTorch counts matrix products, attention and convolutions), and with what share of the speed of",
        "the fastest large matrix product above it is done. 8 bits may do more. ONNX Runtime's threads spin while they",
        "wait, as they do by default: what runs in turn with them is slower than alone.",
        "",
        "Profiles: `python tests/benchmarks/keystroke_browser.py --profile --trace` says what a key's time goes to,",
        "`python -X importtime app.py` what the start's does (docs/architecture.md tells what is left of it).",
        "",
        *_table(["", ""], [f"| {name} | {value} |" for name, value in head]),
    ]
    for title, rows in parts.items():
        unit = rows[0].unit if rows else "ms"
        heads = ["", f"Glassbox, {unit}", "instead", unit, "times as long", "arithmetic, share of the ceiling"]
        lines += ["", f"## {title[0].upper()}{title[1:]}", "", *_table(heads, [line(row, ceiling) for row in rows])]
    return "\n".join(lines) + "\n"


def _table(heads: list[str], rows: Iterable[str]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *rows]


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--store", action="store_true", help=f"write {FILE.relative_to(ROOT)}")
    options = parser.parse_args()
    runtime.device()  # sets the number of threads
    best, limits = ceiling()
    head, parts = [*machine(), *limits], {}
    for title in options.only.split(","):
        parts[title] = []
        for row in PARTS[title].rows():
            parts[title].append(row)
            print(line(row, best), flush=True)
    text = page(head, parts, best)
    print(text)
    if options.store:
        FILE.write_text(text)


if __name__ == "__main__":
    main()
