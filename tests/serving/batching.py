"""What is gained by computing several calls as one batch: processor time of each alone and of all together.

GLASSBOX_THREADS=1 python -m tests.serving.batching --write docs/scaling.json

Alone and together take turns; the least of several rounds counts, as whatever else the machine does only adds to it.
"""

import argparse
import functools
import json
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from demos.base import EXAMPLES
from models.compute import BATCHES

COUNT = 8
THINGS = ("cat", "dog", "book", "cup", "hat", "key", "pen", "bag")
TEXTS = [f"The {thing} was on the table when she came in." for thing in THINGS]


def pictures(count):
    """So many pictures, all different."""
    image = np.asarray(Image.open(EXAMPLES / "bus.png").convert("RGB"))
    return [np.roll(image, 7 * number, 1) for number in range(count)]


def of_batch(function, calls):
    """A computed function alone and together, as a replica calls it."""
    several = BATCHES[f"{function.__module__}.{function.__name__}"].several
    return lambda: [function(*call) for call in calls], lambda: several(calls)


def classify(count):
    """ViT: a picture's class."""
    from models.vit.trace import classify_picture

    return of_batch(classify_picture, [("vit-s14-caltech101", picture, 3) for picture in pictures(count)])


def detect(count):
    """RF-DETR: boxes in a picture, PyTorch in float32."""
    from models.detection.detect import find_boxes

    return of_batch(find_boxes, [("rf-detr-s14-objects", picture) for picture in pictures(count)])


def trace(count):
    """MiniLM: all attention of a text; not one that it has just read."""
    from models.attention.runs import RUNS, name_of, trace_text

    calls = [("all-minilm-l6-v2", text) for text in TEXTS[:count]]

    def anew(run):
        for call in calls:
            RUNS.discard(name_of(*call))
        return run()

    return [functools.partial(anew, run) for run in of_batch(trace_text, calls)]


def frames(count, precision="8 bits"):
    """RF-DETR: boxes in a frame, OpenVINO; a graph is made for one number of pictures."""
    from models import runtime, weights
    from models.detection import eight_bits, export
    from models.detection.network import load_detector, preprocess

    openvino, name = export._openvino(), "rf-detr-s14-objects"
    detector = runtime.load(name, load_detector).network
    pixels = [preprocess(picture, detector.resolution).numpy() for picture in pictures(count)]

    def request(batch):
        size = (batch, *pixels[0].shape[1:])
        model = openvino.convert_model(
            export._Answers(detector), example_input=torch.zeros(size), input=[list(size)], verbose=False
        )
        if precision == "8 bits":
            eight_bits.insert_rounding(model, weights.folder(name) / eight_bits.FILE)
        told = {"NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False}
        hint = {"INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32"}
        return openvino.Core().compile_model(model, "CPU", told | hint).create_infer_request()

    one, all_of_them = request(1), request(count)
    together = np.concatenate(pixels)
    return lambda: [one.infer({0: each}) for each in pixels], lambda: all_of_them.infer({0: together})


def frames_here(count):
    """RF-DETR: boxes in a frame as long as there is no export, PyTorch in bfloat16 where there is."""
    from models.detection.detect import load
    from models.detection.network import predict, predict_all

    network, every = load("rf-detr-s14-objects").network, pictures(count)
    alone = lambda: [predict(network, picture, reduced=True) for picture in every]  # noqa: E731
    return alone, lambda: predict_all(network, every, reduced=True)


def sprites(count):
    """Sprites: a step of a run of one sprite, with guidance."""
    from models.diffusion.sprites import load_sprites
    from models.diffusion.trace import class_vectors, first_noise, predict

    network = load_sprites().network
    vectors = class_vectors(network, [network.config.classes[0]] * count)
    x_t, t = torch.from_numpy(first_noise(count, 0)), torch.full((count,), 500)

    @torch.inference_mode()
    def ask(rows):
        return predict(network, x_t[rows], t[rows], vectors[rows], 3.0)

    return lambda: [ask(slice(row, row + 1)) for row in range(count)], lambda: ask(slice(None))


KINDS = {
    "ViT, a picture": classify,
    "RF-DETR, a picture": detect,
    "MiniLM, a text": trace,
    "RF-DETR, a frame by PyTorch": frames_here,
    "RF-DETR, a frame by OpenVINO in float32": functools.partial(frames, precision="float32"),
    "RF-DETR, a frame by OpenVINO in 8 bits": frames,
    "sprites, a step of one sprite": sprites,
}


def measure(kind, count, rounds):
    """Milliseconds of processor time of a call alone, and of one of `count` computed together."""
    ways = KINDS[kind](count)
    times = [[], []]
    for number in range(rounds + 1):
        for way, found in zip(ways, times, strict=True):
            start = time.process_time()
            way()
            if number:  # the first time networks are loaded
                found.append(time.process_time() - start)
    alone, together = (round(1000 * min(found) / count, 2) for found in times)
    return {"what": kind, "alone_ms": alone, "together_ms": together, "gain": round(alone / together, 2)}


def main():
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=list(KINDS))
    parser.add_argument("--write", type=Path)
    arguments = parser.parse_args()
    rows = []
    for kind in arguments.only:
        rows.append(measure(kind, arguments.count, arguments.rounds) | {"load": round(os.getloadavg()[0], 1)})
        print(json.dumps(rows[-1]), flush=True)
    if arguments.write:
        known = json.loads(arguments.write.read_text()) | {"batching": {"count": arguments.count, "rows": rows}}
        arguments.write.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
