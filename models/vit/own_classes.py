"""Your own classes: what is refused, training behind the seam, classifiers that are kept and asked.

How they learn is in `own_training.py`. Shapes: N pictures, C classes.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models import runtime, stops
from models.compute import Run, compute, run_of
from models.errors import InputError
from models.inputs import check_name
from models.normal import same_name
from models.store import Store
from models.vision import library
from models.vision.alike import kinds
from models.vision.network import Block, VisionTransformer
from models.vit.own_training import Examples, OwnClassifier, Report, Settings, Training, Verdicts, classify, last_blocks

MIN_CLASSES, MAX_CLASSES = 2, 10
MIN_PICTURES, MAX_PICTURES = 2, 30
MAX_NAME_CHARS = 40


@dataclass(frozen=True)
class Progress:
    """Where a training of one's own classes stands: pictures read so far, and the newest report once it learns.

    run: the backbone; its seconds are all that passed. reading: seconds the pictures took. parts: of the pictures, each
    held out once. trained: parameters that learn.
    """

    read: int
    report: Report | None
    run: Run
    reading: float
    parts: int
    trained: int


@dataclass(frozen=True)
class Learned:
    """What came of it: the tensors of an `OwnClassifier` as CPU arrays, and what was said of held-out pictures."""

    backbone: str
    labels: tuple[str, ...]
    blocks: int
    state: dict[str, np.ndarray]
    verdicts: Verdicts


@dataclass(frozen=True)
class OwnAnswer:
    """Probabilities `[C]` of one's own classes, what each patch adds to the first one's logit over the mean of the
    classes `[rows, columns]`, and seconds of the network.
    """

    probabilities: np.ndarray
    adds: np.ndarray
    seconds: float


OWN: "Store[OwnClassifier]" = Store(
    "own classifiers",
    128 * 2**20,
    size=lambda own: sum(tensor.nbytes for tensor in own.state_dict().values()),
    gone="There is no classifier of yours here (any more): train one, or load its two files.",
    max_age=4 * 3600,
    travels=True,
)


@compute(heavy=True)
def train_own(examples: Examples, settings: Settings, name: str) -> Iterator[Progress | Learned]:
    """Train on examples; ends early, with what was learned, when `models.stops` is asked for `name`."""
    loaded = runtime.load(settings.backbone, library.load)
    training = Training(loaded.network, examples, settings, lambda: stops.asked(name))
    began, reading = time.perf_counter(), 0.0
    tail = last_blocks(loaded.network, settings.blocks)
    trained = (loaded.network.pool_width + 1) * len(examples.labels)
    trained += sum(p.numel() for block in tail for p in block.parameters())

    def progress(read: int, report: Report | None = None) -> Progress:
        run = run_of(loaded, time.perf_counter() - began)
        return Progress(read, report, run, reading, training.parts, trained)

    for read in training.read():
        yield progress(read)
        if training.stopped:
            return
    reading = time.perf_counter() - began
    for report in training.fit():
        yield progress(len(examples.images), report)
    own = training.classifier()
    state = {key: tensor.numpy(force=True) for key, tensor in own.state_dict().items()}
    yield Learned(settings.backbone, examples.labels, len(own.tail), state, training.verdicts())


def keep(learned: Learned) -> str:
    """Keep what was learned as a classifier to ask; returns its name."""
    network = runtime.load(learned.backbone, library.load).network
    own = empty_classifier(network, learned.backbone, learned.labels, learned.blocks)
    own.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in learned.state.items()})
    return OWN.put(own.to(network.cls.device).eval().requires_grad_(False))


@compute
def classify_by_own(name: str, image: np.ndarray) -> OwnAnswer:
    """Answer `image` `(height, width, 3)` uint8 by the kept classifier of that name; `InputError` where it is gone."""
    own, start = OWN.find(name), time.perf_counter()
    probabilities, adds = classify(own, image)
    return OwnAnswer(probabilities, adds, time.perf_counter() - start)


def empty_classifier(network: VisionTransformer, backbone: str, labels: Sequence[str], blocks: int) -> OwnClassifier:
    """A classifier of that shape, its tensors not set."""
    own = OwnClassifier(backbone, labels, nn.Linear(network.pool_width, len(labels)))
    if blocks:
        own.tail = nn.ModuleList(Block(network.shape) for _ in range(blocks))
        own.norm = nn.LayerNorm(network.shape.width, eps=network.shape.epsilon)
    return own


def check_examples(named: Sequence[tuple[object, Sequence[np.ndarray]]]) -> Examples:
    """Classes given as (name, pictures) as `Examples`.

    Raises `InputError` for fewer than two classes or more than ten, a name that is empty, long or used twice, too few
    or too many pictures in a class, and a picture that is in two classes.
    """
    labels = check_counts([(name, len(images)) for name, images in named])
    owner: dict[str, str] = {}
    for label, (_, images) in zip(labels, named, strict=True):
        for image in images:
            digest = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()
            if owner.setdefault(digest, label) != label:
                raise InputError(f"One picture is both in “{owner[digest]}” and in “{label}”: take it out of one.")
    classes = np.repeat(np.arange(len(labels)), [len(images) for _, images in named])
    every = tuple(image for _, images in named for image in images)
    return Examples(labels, every, classes, kinds(every))


def check_counts(counts: Sequence[tuple[object, int]]) -> tuple[str, ...]:
    """Names of classes, tidy, given as (name, number of pictures). Raises `InputError` as `check_examples` does."""
    if not MIN_CLASSES <= len(counts) <= MAX_CLASSES:
        have = {0: "there is no class yet", 1: "there is one class"}.get(len(counts), f"there are {len(counts)}")
        raise InputError(f"A classifier needs {MIN_CLASSES} to {MAX_CLASSES} classes; {have}.")
    labels = check_labels([name for name, _ in counts])
    for label, (_, count) in zip(labels, counts, strict=True):
        _check_count(label, count)
    return labels


def check_labels(names: Sequence[object]) -> tuple[str, ...]:
    """Names of classes, tidy. Raises `InputError` where one is empty or too long, or two look alike."""
    labels = [check_name(name, name="The name of a class", max_chars=MAX_NAME_CHARS) for name in names]
    known: dict[str, str] = {}
    for label in labels:
        other = known.setdefault(same_name(label), label)
        if labels.count(label) > 1:
            raise InputError(f"Two classes are called “{label}”: give them different names.")
        if other != label:
            raise InputError(f"“{other}” and “{label}” look like one name: make them one class, or tell them apart.")
    return tuple(labels)


def _check_count(label: str, count: int) -> None:
    if count < MIN_PICTURES:
        have = "one picture" if count else "no picture"
        raise InputError(f"“{label}” has {have}: every class needs two, one to learn from and one to be tested on.")
    if count > MAX_PICTURES:
        raise InputError(f"“{label}” has {count} pictures; the limit is {MAX_PICTURES} a class.")
