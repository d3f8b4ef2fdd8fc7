"""What pages and API ask of a detector, by name: one computed function each."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch

from models import runtime
from models.compute import Run, batched, compute, run_of
from models.detection import export
from models.detection.boxes import Prediction
from models.detection.matching import LossSettings
from models.detection.network import Detector, load_detector, predict, predict_all
from models.detection.own import OWN, Learned, is_own
from models.detection.own_boxes import with_new_classes
from models.detection.trace import DetectionTrace, trace_detection
from models.detection.unseen import NOBODY, Unseen
from models.weights import Weights


@dataclass(frozen=True)
class Described:
    """A detector in memory: what it is, and the side in pixels of the square it sees."""

    resolution: int
    run: Run


@dataclass(frozen=True)
class Found:
    """What a detector says of one picture; `runtime`: what ran the network."""

    prediction: Prediction
    runtime: str
    run: Run


@dataclass(frozen=True)
class Explained:
    """The inside of a detector for one picture, and the settings of the loss it was trained with.

    model: its name. image: the picture, `(H, W, 3)` uint8.
    """

    trace: DetectionTrace
    loss: LossSettings
    run: Run
    model: str
    image: np.ndarray


@compute
def describe_detector(model: str) -> Described:
    """Load a detector. Raises `InputError` for an unknown name, `WeightsError` where its files cannot be used."""
    loaded = load(model)
    return Described(loaded.network.resolution, run_of(loaded, 0.0))


@compute
def find_boxes(model: str, image: np.ndarray) -> Found:
    """Run a detector on a picture (H, W, 3) uint8 RGB, in float32."""
    loaded, start = load(model), time.perf_counter()
    prediction = predict(loaded.network, image)
    return Found(prediction, "PyTorch, float32", run_of(loaded, time.perf_counter() - start))


@batched(find_boxes)
def find_boxes_of_all(calls: Sequence[tuple[str, np.ndarray]]) -> list[Found]:
    """Several calls of `find_boxes`, those of one detector as one batch; each is told the seconds of its batch."""
    found: dict[int, Found] = {}
    for model in dict.fromkeys(name for name, _ in calls):
        places = [place for place, (name, _) in enumerate(calls) if name == model]
        loaded, start = load(model), time.perf_counter()
        predictions = predict_all(loaded.network, [calls[place][1] for place in places])
        run = run_of(loaded, time.perf_counter() - start)
        for place, prediction in zip(places, predictions, strict=True):
            found[place] = Found(prediction, "PyTorch, float32", run)
    return [found[place] for place in range(len(calls))]


@compute
def find_in_frame(model: str, image: np.ndarray) -> Found:
    """Run a detector on a frame of a video (H, W, 3) uint8 RGB, by the fastest means at hand."""
    loaded, start = load(model), time.perf_counter()
    prediction, title = export.predict_fast(loaded, image)
    return Found(prediction, title, run_of(loaded, time.perf_counter() - start))


@compute
def explain_boxes(model: str, image: np.ndarray, unseen: Unseen = NOBODY) -> Explained:
    """Run a detector on a picture (H, W, 3) uint8 RGB and keep what happens inside; queries hidden as `unseen` says."""
    loaded, start = load(model), time.perf_counter()
    trace = trace_detection(loaded.network, image, unseen)
    settings = LossSettings.of(loaded.network.network.config)
    return Explained(trace, settings, run_of(loaded, time.perf_counter() - start), model, image)


def load(name: str) -> runtime.Loaded:
    """The detector of that name: of the catalogue, or one that a visitor has trained."""
    return _own(OWN.find(name), name) if is_own(name) else runtime.load(name, load_detector)


_built: "WeakKeyDictionary[Learned, runtime.Loaded]" = WeakKeyDictionary()
_building = threading.Lock()


def _own(learned: Learned, name: str) -> runtime.Loaded:
    """The network of what was learned, built once for as long as it is kept."""
    with _building:
        if learned not in _built:
            _built[learned] = _build(learned, name)
        return _built[learned]


def _build(learned: Learned, name: str) -> runtime.Loaded:
    base = runtime.load(learned.base, load_detector)
    network = with_new_classes(base.network.network, learned.labels)
    state = {key: torch.from_numpy(array) for key, array in learned.weights.items()}
    network.load_state_dict(state, strict=False)  # the backbone is that of the base
    detector = Detector(network.eval().requires_grad_(False), base.network.resolution)
    title = f"yours: {', '.join(learned.labels)}"
    entry = Weights(name, "detection", title, "session", "trained by you", "yours")
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return runtime.Loaded(name, detector, entry, parameters, 4 * parameters, base.device)
