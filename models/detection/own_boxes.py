"""Objects of one's own: a few frames with drawn boxes, a minute of training, a detector that finds them.

The backbone stays as it is: its hidden states are computed once for every frame and for changed copies of it (moved,
scaled, mirrored, relit). On these states a copy of projector, decoder and heads learns, by the loss of the full recipe
(`models.detection.learning.set_loss`); only the class heads begin anew.
"""

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn
from transformers import RfDetrForObjectDetection

from models import runtime
from models.detection.learning import frozen_states, set_loss, start_from_states
from models.detection.network import Detector, preprocess
from models.detection.own import Learned
from models.errors import InputError
from models.inputs import check_name
from models.normal import same_name
from models.vision.alike import looks, mirrored

MAX_FRAMES, MAX_BOXES, MAX_CLASSES, MAX_NAME_CHARS = 20, 12, 6, 40
SMALLEST_SIDE = 0.02  # of the frame
COPIES = 8
READ_AT_ONCE, BATCH = 4, 4
RATE, CLASS_RATE, DECAY, CLIP, WARMUP = 1e-4, 1e-3, 1e-4, 0.1, 10
SIDES = (
    *(
        "left",
        "right",
        "link",
        "recht",
        "gauche",
        "droit",
        "izquierd",
        "derech",
        "sinistr",
        "destr",
        "esquerd",
        "direit",
    ),
    *("왼", "오른", "←", "→", "⬅", "➡"),
)
"""How words begin that say so."""
SIDE_MARGIN, SIDE_ALIKE = 0.1, 0.7
SCALES, LIGHTS, VISIBLE_SHARE = (0.6, 1.3), (0.7, 1.3), 0.4


@dataclass(frozen=True)
class Frame:
    """A picture `(height, width, 3)` uint8 with what is in it: `boxes_xyxy` `(N, 4)` float32 in shares of the picture,
    `classes` `(N,)` int. A frame without boxes is a lesson too: nothing is there.
    """

    image: np.ndarray
    boxes_xyxy: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class Report:
    """Where a training stands: optimiser steps, loss of the last batch, seconds since the first step."""

    step: int
    loss: float
    seconds: float


def check_frames(
    drawn: Sequence[tuple[np.ndarray, Sequence[tuple[Sequence[float], object]]]],
) -> tuple[tuple[str, ...], list[Frame]]:
    """Class names and frames from pictures with (box in shares of the picture, name) each.

    Names that look alike are one. Raises `InputError` for no frame or box, too many of them, boxes that are too small
    or outside, and faulty names.
    """
    if not any(boxes for _, boxes in drawn):
        raise InputError("There is no box yet: add a frame and draw a box around each thing to be found.")
    if len(drawn) > MAX_FRAMES or max(len(boxes) for _, boxes in drawn) > MAX_BOXES:
        raise InputError(f"At most {MAX_FRAMES} frames with {MAX_BOXES} boxes each can be learned from.")
    labels: dict[str, str] = {}
    frames = []
    for image, boxes in drawn:
        classes = []
        for box, name in boxes:
            _check_box(box)
            label = check_name(name, name="The name of a box", max_chars=MAX_NAME_CHARS)
            labels.setdefault(same_name(label), label)
            classes.append(list(labels).index(same_name(label)))
        corners = np.array([list(box) for box, _ in boxes], np.float32).reshape(-1, 4)
        frames.append(Frame(image, corners, np.array(classes, int)))
    if len(labels) > MAX_CLASSES:
        raise InputError(f"There are {len(labels)} kinds of things; the limit is {MAX_CLASSES}.")
    return tuple(labels.values()), frames


def _check_box(box: Sequence[float]) -> None:
    left, top, right, bottom = box
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InputError("A box lies outside of its frame: draw it again.")
    if min(right - left, bottom - top) < SMALLEST_SIDE:
        raise InputError("A box is too small to be learned from: draw it around the whole thing.")


def with_new_classes(network: RfDetrForObjectDetection, labels: Sequence[str]) -> RfDetrForObjectDetection:
    """A copy of a detector whose class heads, of decoder and proposals, score `labels` instead.

    Every new class begins as the mean of the old ones: what looked like any known thing is proposed first.
    """
    network = _copy(network)
    network.config.id2label = dict(enumerate(labels))
    network.config.label2id = {label: index for index, label in enumerate(labels)}
    network.class_embed = _mean_class(network.class_embed, len(labels))
    proposals = network.model.enc_out_class_embed
    network.model.enc_out_class_embed = nn.ModuleList(_mean_class(head, len(labels)) for head in proposals)
    return network


def _copy(network: RfDetrForObjectDetection) -> RfDetrForObjectDetection:
    """A copy that shares the backbone, which never learns here."""
    backbone = network.model.backbone.backbone
    return copy.deepcopy(network, {id(backbone): backbone})


def _mean_class(head: nn.Module, count: int) -> nn.Linear:
    assert isinstance(head, nn.Linear)
    new = nn.Linear(head.in_features, count, device=head.weight.device)
    with torch.no_grad():
        new.weight.copy_(head.weight.mean(0).expand_as(new.weight))
        new.bias.copy_(head.bias.mean().expand_as(new.bias))
    return new


def sides_matter(labels: Sequence[str], frames: Sequence[Frame]) -> bool:
    """Whether classes differ by side, so that a mirrored copy would be a wrong lesson.

    They do if a name says so, or if most boxes of a class look more like another class once they are mirrored.
    """
    words = " ".join(labels).casefold().replace("-", " ").replace("_", " ").split()
    if any(word.startswith(SIDES) for word in words):
        return True
    cut = [
        (_inside(frame, box), kind)
        for frame in frames
        for box, kind in zip(frame.boxes_xyxy, frame.classes, strict=True)
    ]
    kinds = np.array([kind for _, kind in cut])
    if len(set(kinds.tolist())) < 2:
        return False
    rows = looks([picture for picture, _ in cut])
    alike, same = mirrored(rows) @ rows.T, kinds[:, None] == kinds
    own, other = np.where(same, alike, -1).max(1), np.where(same, -1, alike).max(1)
    turned = (other > own + SIDE_MARGIN) & (other > SIDE_ALIKE)
    return any(turned[kinds == kind].mean() > 0.5 for kind in set(kinds.tolist()))


def _inside(frame: Frame, box_xyxy: np.ndarray) -> np.ndarray:
    height, width = frame.image.shape[:2]
    left, top = int(box_xyxy[0] * width), int(box_xyxy[1] * height)
    right, bottom = max(left + 1, round(box_xyxy[2] * width)), max(top + 1, round(box_xyxy[3] * height))
    return np.ascontiguousarray(frame.image[top:bottom, left:right])


def changed(frame: Frame, random: np.random.Generator, *, mirror: bool = True) -> Frame:
    """The frame moved, scaled, relit and, with `mirror`, every second time mirrored, at random.

    Boxes that are mostly outside then are left out.
    """
    height, width = frame.image.shape[:2]
    scale, flipped = random.uniform(*SCALES), mirror and random.random() < 0.5
    left, top = random.uniform(min(0, 1 - scale), max(0, 1 - scale), 2)  # of the part that is seen, in shares
    picture = Image.fromarray(frame.image)
    box = (left * width, top * height, (left + scale) * width, (top + scale) * height)
    corners = (box[0], box[1], box[0], box[3], box[2], box[3], box[2], box[1])
    background = tuple(int(value) for value in frame.image.mean((0, 1)))
    seen = picture.transform(
        picture.size, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR, fillcolor=background
    )
    pixels = np.asarray(seen).astype(np.float32) * random.uniform(*LIGHTS) + random.uniform(-15, 15)
    image = pixels.clip(0, 255).astype(np.uint8)
    boxes = (frame.boxes_xyxy - np.array([left, top] * 2)) / scale
    if flipped:
        image, boxes = image[:, ::-1].copy(), np.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0], boxes[:, 3]], 1)
    kept = boxes.clip(0, 1)
    share = _areas(kept) / np.maximum(_areas(boxes), 1e-9)
    visible = share > VISIBLE_SHARE
    return Frame(image, kept[visible].astype(np.float32), frame.classes[visible])


def _areas(boxes_xyxy: np.ndarray) -> np.ndarray:
    return (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])


def _target(frame: Frame, device: torch.device) -> dict[str, torch.Tensor]:
    """`class_labels` (N,) and `boxes` (N, 4): centre and size as shares of the picture."""
    boxes = torch.from_numpy(frame.boxes_xyxy).to(device)
    centre, size = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    return {"class_labels": torch.from_numpy(frame.classes).long().to(device), "boxes": torch.cat([centre, size], 1)}


class Training:
    """One training: `read()` first, then `fit()`; `detector()` is what has been learned so far.

    `mirror`: whether copies are mirrored too; None: unless sides matter.
    """

    def __init__(
        self,
        detector: Detector,
        labels: tuple[str, ...],
        frames: Sequence[Frame],
        *,
        seconds: float,
        seed: int = 0,
        mirror: bool | None = None,
    ) -> None:
        self.frames, self.labels, self.seconds = list(frames), labels, seconds
        self.resolution = detector.resolution
        self.frozen = len(detector.network.model.backbone.backbone.encoder.layer)
        self.backbone = detector.network
        self.device = next(detector.parameters()).device
        self.network = with_new_classes(detector.network, labels)
        self.random = np.random.default_rng(seed)
        self.mirror = not sides_matter(labels, self.frames) if mirror is None else mirror
        self.stopped = False
        self._student = self.network
        self._states: list[torch.Tensor] = []
        self._targets: list[dict[str, torch.Tensor]] = []

    def read(self) -> Iterator[int]:
        """Run every frame and its changed copies through the backbone; yields how many are done."""
        pictures = [changed(frame, self.random, mirror=self.mirror) for _ in range(COPIES) for frame in self.frames]
        pictures[: len(self.frames)] = self.frames
        for start in range(0, len(pictures), READ_AT_ONCE):
            some = pictures[start : start + READ_AT_ONCE]
            pixels = torch.cat([preprocess(one.image, self.resolution) for one in some]).to(self.device)
            with runtime.autocast(self.device.type):
                self._states.append(frozen_states(self.backbone, pixels, self.frozen).bfloat16())
            self._targets += [_target(one, self.device) for one in some]
            yield start + len(some)

    @property
    def learning(self) -> int:
        """How many parameters learn."""
        frozen = sum(p.numel() for p in self.network.model.backbone.backbone.parameters())
        return sum(p.numel() for p in self.network.parameters()) - frozen

    @property
    def pictures(self) -> int:
        """Frames and their changed copies."""
        return COPIES * len(self.frames)

    def fit(self) -> Iterator[Report]:
        """Train until the time is over or `stopped` is set."""
        states = torch.cat(self._states)
        student = self._student = copy.deepcopy(self.network).train().requires_grad_(True)
        start_from_states(student, self.frozen)
        for parameter in student.model.backbone.backbone.parameters():
            parameter.requires_grad_(False)
        heads = [*student.class_embed.parameters(), *student.model.enc_out_class_embed.parameters()]
        inside = {id(p) for p in heads}
        rest = [p for p in student.parameters() if p.requires_grad and id(p) not in inside]
        groups = [{"params": heads, "rate": CLASS_RATE}, {"params": rest, "rate": RATE}]
        optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
        began, step = time.monotonic(), 0
        while True:
            chosen = self.random.choice(len(states), min(BATCH, len(states)), replace=False)
            loss = set_loss(student, states[chosen].float(), [self._targets[i] for i in chosen])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([*heads, *rest], CLIP)
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * min(1.0, (step + 1) / WARMUP)
            optimizer.step()
            step += 1
            yield Report(step, float(loss.detach()), time.monotonic() - began)
            if self.stopped or time.monotonic() - began > self.seconds:
                return

    def detector(self) -> Detector:
        """The detector as it is now, on a copy."""
        network = _copy(self.network)
        network.load_state_dict(self._student.state_dict())
        return Detector(network.eval().requires_grad_(False), self.resolution)

    def learned(self, base: str) -> Learned:
        """What makes the detector called `base` the one that has been learned so far."""
        state = self._student.state_dict()
        weights = {key: value.float().cpu().numpy().copy() for key, value in state.items() if not is_frozen(key)}
        return Learned(base, self.labels, weights)


def is_frozen(name: str) -> bool:
    """Whether a tensor of that name belongs to the backbone, which never learns here."""
    return name.startswith("model.backbone.backbone.")
