"""The training of the page "Train one", recorded as the page opens on it.

    python -m models.recipes.diffusion.live [--sprite-class potion] [--seconds 90] [--threads 2]

writes `assets/figures/diffusion_training.json` and `assets/figures/diffusion_training.png`, which
`models/diffusion/recorded.py` reads.
"""

import argparse
import json
from typing import Any

import numpy as np
import torch
from PIL import Image

from models.diffusion.data import CLASSES
from models.diffusion.live import Progress, Samples, class_sprites, train_live
from models.diffusion.recorded import FILE, PICTURES
from models.diffusion.trained import Settings


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Train as the page does, and keep what is seen of it.")
    parser.add_argument("--sprite-class", choices=CLASSES, default="potion")
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    settings = Settings(seconds=arguments.seconds)
    rgba = np.stack([one for batch in class_sprites(arguments.sprite_class, settings.size) for one in batch])
    command = f"python -m models.recipes.diffusion.live --sprite-class {arguments.sprite_class}"
    facts = {"command": command, "class": arguments.sprite_class, "size": settings.size}
    record(list(train_live(settings, rgba, "recorded")), rgba, facts)


def record(reports: list[Progress], rgba: np.ndarray, facts: dict[str, Any]) -> None:
    """Keep a training as `models.diffusion.recorded` reads it."""
    looks = [(report, report.samples) for report in reports if report.samples]
    learned = [report for report in reports if report.loss is not None and report.gradient_norm is not None]
    facts |= {
        "parameters": reports[-1].parameters,
        "seconds": round(reports[-1].seconds, 1),
        "losses": [(report.step, round(report.loss or 0.0, 5)) for report in learned],
        "norms": [(report.step, round(report.gradient_norm or 0.0, 5)) for report in learned],
        "looks": [_facts(report, samples) for report, samples in looks],
    }
    rows = [rgba, *(np.concatenate([samples.rgba, samples.nearest]) for _, samples in looks)]
    wide = max(map(len, rows))
    tiled = [np.concatenate([*row, *np.zeros_like(rgba[:1]).repeat(wide - len(row), 0)], axis=1) for row in rows]
    Image.fromarray(np.concatenate(tiled)).save(PICTURES, optimize=True)
    FILE.write_text(json.dumps(facts) + "\n", encoding="utf-8")


def _facts(report: Progress, samples: Samples) -> dict[str, Any]:
    return {
        "step": report.step,
        "seconds": round(report.seconds, 1),
        "distances": [round(float(distance), 1) for distance in samples.distances],
    }


if __name__ == "__main__":
    main()
