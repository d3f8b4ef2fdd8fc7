"""The training of the page "Train one", from a command line.

    python -m models.recipes.sequences.live --text FILE.txt [--cell gru] [--units 128] [--seconds 60] [--threads 2]

trains as the page does and prints one JSON line: bits per character on the held-out part before and after.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from models.sequences.live import LiveTraining, Settings


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Train on a text as the page does.")
    parser.add_argument("--text", type=Path, required=True, help="a text file, UTF-8")
    parser.add_argument("--cell", choices=("rnn", "gru", "lstm"), default=Settings.cell)
    parser.add_argument("--units", type=int, default=Settings.units)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    job = LiveTraining(arguments.text.read_text(encoding="utf-8"), Settings(arguments.cell, arguments.units))
    start, processor = time.monotonic(), time.process_time()
    for _ in job.fit():
        if time.monotonic() - start >= arguments.seconds:
            break
    job.measure()
    bits = [bits for _, bits in job.history.held_out]
    line = {"steps": job.steps_done, "held_out_bits_before": bits[0], "after": bits[-1], "lowest": min(bits)}
    print(json.dumps({**line, "processor_seconds": time.process_time() - processor, **job.baselines()}))


if __name__ == "__main__":
    main()
