"""Fit the temperatures of both classifiers on held-out photos, and when the ViT should say "none of the 101".

    python -m models.recipes.vit.calibrate --caltech caltech101.parquet --everyday everyday.parquet [--readings DIR]

Photos that neither network was trained on are divided in two by the CRC-32 of their key: one half fits, the other
measures. Temperature: the lowest negative log-likelihood (Guo et al. 2017). Expected calibration error: 15 bins of
equal width. "None": the calibrated probability of the first answer that 19 of 20 fitting photos exceed; how many photos
of other things stay below it is measured on things cut out of everyday photos (`models.recipes.vit.readings.cut_outs`)
whose class is no category. DIR holds `caltech.npy` and `cuts.npy`; without it the ViT reads the photos now. Written to
assets/figures/vit_calibration.json.
"""

import argparse
import json
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from models.recipes.vit import data
from models.recipes.vit.evaluate import known_photos
from models.recipes.vit.readings import cut_outs, write
from models.vision.network import VisionTransformer
from models.vit import contenders
from models.vit.calibration import FILE
from models.vit.contenders import CNN, VIT

BINS = 15
KEPT = 0.95
SHARED = frozenset(
    (
        *("airplane", "bird", "boat", "car", "cat", "cell phone", "chair", "clock", "cup", "dog", "elephant"),
        *("laptop", "motorcycle", "person", "pizza", "scissors", "stop sign", "umbrella"),
    )
)
"""Classes of the everyday photos that are categories too, or may show one: a bird may be a flamingo."""


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature of the lowest negative log-likelihood of `labels` `[N]` under `logits` `[N, C]`."""
    found = minimize_scalar(lambda log: loss(logits / np.exp(log), labels), bounds=(-2, 2), method="bounded")
    return float(np.exp(found.x))


def loss(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood, nats."""
    logs = np.log(np.maximum(contenders.softmax(logits.astype(np.float64)), 1e-30))
    return float(-logs[np.arange(len(labels)), labels].mean())


def calibration_error(logits: np.ndarray, labels: np.ndarray) -> float:
    """The mean gap between how sure and how often right, over `BINS` bins of equal width, weighted by their photos."""
    probabilities = contenders.softmax(logits.astype(np.float64))
    sure, right = probabilities.max(1), probabilities.argmax(1) == labels
    places = np.minimum((sure * BINS).astype(int), BINS - 1)
    gaps = [abs(sure[places == b].sum() - right[places == b].sum()) for b in range(BINS)]
    return float(sum(gaps) / len(labels))


def temperature_facts(logits: np.ndarray, labels: np.ndarray, fitting: np.ndarray) -> dict[str, float]:
    """The temperature fitted where `fitting` `[N]` is true, and what it changes for the others."""
    temperature = fit_temperature(logits[fitting], labels[fitting])
    held, truth = logits[~fitting], labels[~fitting]
    return {
        "temperature": round(temperature, 4),
        "error_before": round(calibration_error(held, truth), 4),
        "error_after": round(calibration_error(held / temperature, truth), 4),
        "loss_before": round(loss(held, truth), 4),
        "loss_after": round(loss(held / temperature, truth), 4),
        "median_sure_before": round(float(np.median(contenders.softmax(held).max(1))), 4),
        "median_sure_after": round(float(np.median(contenders.softmax(held / temperature).max(1))), 4),
        "accuracy": round(float((held.argmax(1) == truth).mean()), 4),
    }


def none_facts(known: np.ndarray, fitting: np.ndarray, other: np.ndarray) -> dict[str, float | int]:
    """Where to draw the line between known `[N]` and other photos `[M]`, by how sure the first answer is."""
    threshold = float(np.quantile(known[fitting], 1 - KEPT))
    held = known[~fitting]
    above = (held[:, None] > other).mean() + (held[:, None] == other).mean() / 2
    return {
        "threshold": round(threshold, 4),
        "kept": round(float((held >= threshold).mean()), 4),
        "refused": round(float((other < threshold).mean()), 4),
        "auroc": round(float(above), 4),
        "known_photos": len(held),
        "other_photos": len(other),
    }


def vit_logits(network: VisionTransformer, readings: np.ndarray) -> np.ndarray:
    """`[N, C]` from the last layer of readings `[N, L + 1, 2 D]`, as the head reads them."""
    assert network.head is not None
    weight, bias = (tensor.detach().float().cpu().numpy() for tensor in (network.head.weight, network.head.bias))
    return readings[:, -1].astype(np.float32) @ weight.T + bias


def measure(caltech: Path, everyday: Path, readings: Path) -> dict[str, Any]:
    """Everything that is written, from photos whose readings are in a folder."""
    vit, cnn = contenders.load(VIT).network, contenders.load(CNN).network
    assert isinstance(vit, VisionTransformer)
    photos, read = data.read_photos(caltech), np.load(readings / "caltech.npy", mmap_mode="r")
    known = [known_photos(name) for name in (VIT, CNN)]
    kept = [n for n, photo in enumerate(photos) if read[n, -1].any() and not any(photo in one for one in known)]
    labels = np.array([vit.labels.index(photos[n].label) for n in kept])
    fitting = np.array([zlib.crc32(photos[n].key.encode()) % 2 == 0 for n in kept])
    of_vit = vit_logits(vit, read[kept])
    squares = (contenders.square(photos[n].pixels()) for n in kept)
    of_cnn = np.concatenate([contenders.logits(cnn, square[None]) for square in squares])
    facts = {VIT: temperature_facts(of_vit, labels, fitting), CNN: temperature_facts(of_cnn, labels, fitting)}
    cuts = np.load(readings / "cuts.npy", mmap_mode="r")
    others = [n for n, cut in enumerate(cut_outs(everyday)) if cut[0] not in SHARED and cuts[n, -1].any()]
    sure = [
        contenders.softmax(logits / facts[VIT]["temperature"]).max(1)
        for logits in (of_vit, vit_logits(vit, cuts[others]))
    ]
    none = none_facts(sure[0], fitting, sure[1])
    return {"fitted_on": int(fitting.sum()), "models": {VIT: {**facts[VIT], "none": none}, CNN: facts[CNN]}}


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--caltech", type=Path, required=True, help="parquet with label, file, jpeg")
    parser.add_argument("--everyday", type=Path, required=True, help="parquet with jpeg, boxes and labels")
    parser.add_argument("--readings", type=Path, help="folder of caltech.npy and cuts.npy")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        readings = arguments.readings or Path(folder)
        if not arguments.readings:
            network = contenders.load(VIT).network
            assert isinstance(network, VisionTransformer)
            write(network, arguments.caltech, readings / "caltech.npy", boxes=False)
            write(network, arguments.everyday, readings / "cuts.npy", boxes=True)
        found = measure(arguments.caltech, arguments.everyday, readings)
    command = "python -m models.recipes.vit.calibrate --caltech caltech101.parquet --everyday everyday.parquet"
    FILE.write_text(json.dumps({"command": command, **found}, indent=1) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
