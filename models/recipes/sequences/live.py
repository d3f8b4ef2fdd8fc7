"""The training of the page "Train one", from a command line.

    python -m models.recipes.sequences.live --text FILE.txt [--cell gru] [--units 128] [--seconds 60] [--threads 2]

trains as the page does and prints one JSON line: bits per character on the held-out part before and after. With
`--record` it also writes what the page opens on, `assets/figures/sequences_training.json`:

    python -m models.recipes.sequences.live --text assets/media/text-alice.txt --seconds 90 --record
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from models.sequences.live import LiveTraining, Settings
from models.sequences.recorded import FILE

MAX_SAMPLES = 12


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Train on a text as the page does.")
    parser.add_argument("--text", type=Path, required=True, help="a text file, UTF-8")
    parser.add_argument("--cell", choices=("rnn", "gru", "lstm"), default=Settings.cell)
    parser.add_argument("--units", type=int, default=Settings.units)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--record", action="store_true", help="write what the page opens on")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    job = LiveTraining(arguments.text.read_text(encoding="utf-8"), Settings(arguments.cell, arguments.units))
    start, processor = time.monotonic(), time.process_time()
    for _ in job.fit():
        if time.monotonic() - start >= arguments.seconds:
            break
    job.measure()
    if arguments.record:
        record(job, arguments.text.stem, time.monotonic() - start)
    bits = [bits for _, bits in job.history.held_out]
    line = {"steps": job.steps_done, "held_out_bits_before": bits[0], "after": bits[-1], "lowest": min(bits)}
    print(json.dumps({**line, "processor_seconds": time.process_time() - processor, **job.baselines()}))


def record(job: LiveTraining, text: str, seconds: float) -> None:
    """Keep a training as `models.sequences.recorded` reads it."""
    history, settings = job.history, job.settings
    facts = {
        "command": f"python -m models.recipes.sequences.live --text {text}.txt --record",
        "title": f"{settings.cell.upper()}, {settings.units} units",
        "text": text.removeprefix("text-"),
        "characters": len(job.train_part),
        "parameters": sum(parameter.numel() for parameter in job.network.parameters()),
        "device": str(next(job.network.parameters()).device),
        "seconds": round(seconds, 1),
        "rate": settings.learning_rate,
        "baselines": {name: round(bits, 4) for name, bits in job.baselines().items()},
        "losses": [round(step.loss, 4) for step in history.steps],
        "norms": [round(step.gradient_norm, 4) for step in history.steps],
        "held_out": [(step, round(bits, 4)) for step, bits in history.held_out],
        "samples": history.samples[-MAX_SAMPLES:],
        "distances": [(step, [float(f"{norm:.4g}") for norm in norms]) for step, norms in ends(history.distances)],
    }
    FILE.write_text(json.dumps(facts) + "\n", encoding="utf-8")


def ends(measured: list[tuple[int, np.ndarray]]) -> list[tuple[int, np.ndarray]]:
    """The first and the last of them, which are what the page shows."""
    return [measured[0], measured[-1]]


if __name__ == "__main__":
    main()
