"""Your own classes on a pretrained backbone: a new last layer in seconds and, on wish, the last blocks too.

First the backbone is frozen: every picture is read once, and linear heads learn on what was read. Several heads learn
side by side, each without a part of the pictures, which it then judges, so that every picture is judged once by a head
that has not seen it (cross-validation); one more head learns from all and is the one that is used. If last blocks are
to be trained as well, they begin with a head that is trained already (Kumar et al. 2022, "Fine-Tuning can Distort
Pretrained Features and Underperform Out-of-Distribution", section 3.3).

Shapes: N pictures, C classes, K parts, T tokens, D channels, P = width of what the head reads.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from models import runtime
from models.errors import InputError
from models.vision import library
from models.vision.network import VisionTransformer
from models.vit.neighbours import BACKBONES

PARTS = 5
BLOCKS = (0, 1, 2, 4)
READ_AT_ONCE = 8
HEAD_STEPS, HEAD_RATE, HEAD_DECAY = 120, 1e-3, 1e-2
BLOCK_RATE, BLOCK_DECAY, BLOCK_BATCH = 1e-5, 1e-2, 8
STEPS_BETWEEN_REPORTS = 6


@dataclass(frozen=True)
class Examples:
    """Pictures of C classes. `labels`: C names; `images`: N arrays `(height, width, 3)` uint8; `classes`: `[N]` int.

    `kinds`: `[N]` int, for each picture the place of the first one, of any class, that it is a copy of.
    """

    labels: tuple[str, ...]
    images: tuple[np.ndarray, ...]
    classes: np.ndarray
    kinds: np.ndarray

    @property
    def copies(self) -> int:
        """Pictures that show nothing new."""
        return len(self.classes) - len(np.unique(np.stack([self.classes, self.kinds]), axis=1).T)

    @property
    def shared(self) -> list[tuple[str, str, int]]:
        """Pairs of classes in which one picture, or nearly, is found: both names and how many such pictures."""
        owned = [{*self.kinds[self.classes == place].tolist()} for place in range(len(self.labels))]
        pairs = [
            (self.labels[one], self.labels[other], len(owned[one] & owned[other]))
            for one, other in combinations(range(len(self.labels)), 2)
        ]
        return [pair for pair in pairs if pair[2]]

    @property
    def counts(self) -> list[int]:
        """Pictures of each class."""
        return np.bincount(self.classes, minlength=len(self.labels)).tolist()


@dataclass(frozen=True)
class Settings:
    """`backbone`: one of `BACKBONES`; `blocks`: how many last blocks learn too, for `seconds`."""

    backbone: str = BACKBONES["after"]
    blocks: int = 0
    seconds: float = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.backbone not in BACKBONES.values() or self.blocks not in BLOCKS:
            raise InputError("There is no such backbone or number of blocks.")


@dataclass(frozen=True)
class Report:
    """Where a training stands. `loss` in nats and `accuracy` on the pictures learned from; `confusion` `[C, C]` counts
    held-out pictures (row: what it is, column: what it was taken for).
    """

    phase: Literal["head", "blocks"]
    step: int
    loss: float
    accuracy: float
    confusion: np.ndarray

    @property
    def held_out_accuracy(self) -> float:
        """Share of the held-out pictures that are on the diagonal."""
        return float(np.trace(self.confusion) / self.confusion.sum())


@dataclass(frozen=True)
class Verdicts:
    """What is said of the held-out pictures. `pictures`: `[M]` their places among all; `before`: what the backbone's
    own head says of each, a category and its probability (none where it has no head); `head` `[M, C]` float32,
    probabilities by a new head on the frozen backbone; `blocks` the same with trained blocks, None where none learned.
    """

    pictures: np.ndarray
    before: tuple[tuple[str, float], ...]
    head: np.ndarray
    blocks: np.ndarray | None = None


class OwnClassifier(nn.Module):
    """A backbone's first blocks, as they are, then `tail`, `norm` and `head`, which are the visitor's own.

    `labels`: C names; `backbone`: name of the network whose embedding and first blocks are used. Without trained blocks
    `tail` is empty and `norm` None: the backbone's own are used.
    """

    def __init__(self, backbone: str, labels: Sequence[str], head: nn.Linear) -> None:
        super().__init__()
        self.backbone = backbone
        self.labels = tuple(labels)
        self.head = head
        self.tail = nn.ModuleList()
        self.norm: nn.LayerNorm | None = None

    def logits(self, network: VisionTransformer, tokens: torch.Tensor) -> torch.Tensor:
        """`(N, C)` from what `frozen_tokens` gives, `(N, T, D)`."""
        return self.head(network.pool(self.encoded(network, tokens)).float())

    def encoded(self, network: VisionTransformer, tokens: torch.Tensor) -> torch.Tensor:
        """What the head reads, `(N, T, D)`: through the tail and the last normalisation."""
        for block in self.tail:
            tokens = block(tokens)
        return (self.norm or network.norm)(tokens)


def parts_of(classes: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Which of K parts each picture is in, `[N]`: consecutive stretches of each class, so that frames of one burst,
    which look alike, are held out together. K is `PARTS`, or less where no class has as many pictures.

    Copies of one picture (of one of the `kinds`, `[N]`) are in one part, whatever their classes, so that none is held
    out while its twin is learned from. A class that would lie in one part as a whole could not be learned without it:
    of such a class, stretches are held out.
    """
    count = min(PARTS, int(np.bincount(classes).max()))
    found = {label: np.unique(kinds[classes == label]) for label in np.unique(classes)}
    part = np.full(int(kinds.max()) + 1, -1)
    for label in sorted(found, key=lambda label: len(found[label])):  # a class of few kinds has the least choice
        new = found[label][part[found[label]] < 0]
        part[new] = np.arange(len(new)) * count // max(1, len(new))
    parts = part[kinds]
    for label in found:
        members = np.flatnonzero(classes == label)
        if len(set(parts[members])) == 1:
            parts[members] = np.arange(len(members)) * count // len(members)
    return parts


class Training:
    """One training on `examples`: `read()` first, then `fit()`, then `classifier()` and `verdicts()`.

    `stop` is asked after every step whether to end.
    """

    def __init__(
        self,
        network: VisionTransformer,
        examples: Examples,
        settings: Settings,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.network, self.examples, self.settings = network, examples, settings
        self.device = network.cls.device
        self.truth = torch.from_numpy(examples.classes).to(self.device)
        self.part = torch.from_numpy(parts_of(examples.classes, examples.kinds)).to(self.device)
        self._stop = stop
        self._tokens: list[torch.Tensor] = []
        self._own: OwnClassifier | None = None
        self._verdicts: Verdicts | None = None

    @property
    def stopped(self) -> bool:
        """Whether it was asked to end."""
        return self._stop()

    @property
    def parts(self) -> int:
        """Parts of the pictures, each held out once."""
        return int(self.part.max()) + 1

    def read(self) -> Iterator[int]:
        """Run every picture through the frozen part of the backbone; yields how many were read."""
        images = self.examples.images
        for start in range(0, len(images), READ_AT_ONCE):
            some = images[start : start + READ_AT_ONCE]
            self._tokens.append(frozen_tokens(self.network, some, self.settings.blocks))
            yield start + len(some)

    def fit(self) -> Iterator[Report]:
        """Train the heads and, if asked for, the last blocks, until done or `stopped`."""
        pooled = torch.cat([self._pool(tokens) for tokens in self._tokens])
        weights, biases = yield from self._fit_heads(pooled)
        judged = self._judged_by_heads(pooled, weights, biases)
        self._verdicts = Verdicts(np.arange(len(pooled)), self._named(pooled), judged.numpy(force=True))
        self._own = OwnClassifier(self.settings.backbone, self.examples.labels, _linear(weights[-1], biases[-1]))
        if self.settings.blocks and not self.stopped:
            self._own.head = _linear(weights[0], biases[0])
            yield from self._fit_blocks(self._own, judged)

    def classifier(self) -> OwnClassifier:
        """What was learned."""
        assert self._own is not None, "fit() comes first"
        return self._own.eval().requires_grad_(False)

    def verdicts(self) -> Verdicts:
        """What is said of the held-out pictures."""
        assert self._verdicts is not None, "fit() comes first"
        return self._verdicts

    @torch.inference_mode()
    def _pool(self, tokens: torch.Tensor) -> torch.Tensor:
        with runtime.autocast(self.device.type):
            for block in last_blocks(self.network, self.settings.blocks):
                tokens = block(tokens)
            return self.network.pool(self.network.norm(tokens)).float()

    @torch.inference_mode()
    def _named(self, pooled: torch.Tensor) -> tuple[tuple[str, float], ...]:
        """The most probable category of each picture by the backbone's own head."""
        if self.network.head is None:
            return ()
        best = self.network.head(pooled).softmax(-1).max(-1)
        return tuple(
            (self.network.labels[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        )

    def _fit_heads(self, pooled: torch.Tensor) -> Iterator[Report]:
        """K + 1 heads at once: head k learns without part k, the last one from all. Returns weights and biases."""
        pooled = pooled.clone()  # out of inference mode
        parts, labels = self.parts, len(self.examples.labels)
        scale = pooled.square().mean().sqrt()
        learns = torch.stack([self.part != k for k in range(parts)] + [self.part >= 0]).float()
        weights = torch.zeros(parts + 1, labels, pooled.shape[1], device=self.device, requires_grad=True)
        biases = torch.zeros(parts + 1, labels, device=self.device, requires_grad=True)
        optimizer = torch.optim.AdamW([weights, biases], lr=HEAD_RATE, weight_decay=HEAD_DECAY)
        for step in range(HEAD_STEPS + 1):
            logits = torch.einsum("np,kcp->knc", pooled / scale, weights) + biases[:, None]
            losses = functional.cross_entropy(
                logits.flatten(0, 1), self.truth.repeat(parts + 1), reduction="none"
            ).view_as(learns)
            losses = (losses * learns).sum(1) / learns.sum(1)
            if step % STEPS_BETWEEN_REPORTS == 0:
                yield self._report("head", step, losses[-1], logits[-1], self._held_out(logits.detach()))
            if step == HEAD_STEPS or self.stopped:
                break
            optimizer.zero_grad()
            losses.sum().backward()
            optimizer.step()
        return (weights / scale).detach(), biases.detach()

    def _held_out(self, logits: torch.Tensor) -> torch.Tensor:
        """Of `[K + 1, N, C]` for each picture the logits of the head that has not learned from it, `[N, C]`."""
        return logits[self.part, torch.arange(len(self.part), device=self.device)]

    def _judged_by_heads(self, pooled: torch.Tensor, weights: torch.Tensor, biases: torch.Tensor) -> torch.Tensor:
        logits = torch.einsum("np,kcp->knc", pooled, weights) + biases[:, None]
        return self._held_out(logits).softmax(-1)

    def _fit_blocks(self, own: OwnClassifier, judged: torch.Tensor) -> Iterator[Report]:
        """Train copies of the last blocks, the last normalisation and the head without part 0, which is held out."""
        tokens = torch.cat(self._tokens).clone()  # out of inference mode
        own.tail = copy.deepcopy(nn.ModuleList(last_blocks(self.network, self.settings.blocks)))
        own.norm = copy.deepcopy(self.network.norm)
        own.train().requires_grad_(True)
        optimizer = torch.optim.AdamW(own.parameters(), lr=BLOCK_RATE, weight_decay=BLOCK_DECAY)
        random = torch.Generator().manual_seed(self.settings.seed)
        learned_from = torch.nonzero(self.part != 0)[:, 0]
        held_out = torch.nonzero(self.part == 0)[:, 0]
        began, step = time.monotonic(), HEAD_STEPS
        while True:
            said = self._said(own, tokens)
            learned, truth = said[learned_from], self.truth[learned_from]
            yield self._report("blocks", step, functional.cross_entropy(learned, truth), learned, said, held_out)
            if self.stopped or (step > HEAD_STEPS and time.monotonic() - began > self.settings.seconds):
                break
            for batch in torch.randperm(len(learned_from), generator=random).split(BLOCK_BATCH):
                chosen = learned_from[batch.to(self.device)]
                with runtime.autocast(self.device.type):
                    logits = own.logits(self.network, tokens[chosen])
                optimizer.zero_grad()
                functional.cross_entropy(logits.float(), self.truth[chosen]).backward()
                optimizer.step()
                step += 1
        kept = held_out.numpy(force=True)
        before = tuple(self._verdicts.before[i] for i in kept) if self._verdicts and self._verdicts.before else ()
        by_head, by_blocks = (part[held_out].numpy(force=True) for part in (judged, said.softmax(-1)))
        self._verdicts = Verdicts(kept, before, by_head, by_blocks)

    @torch.no_grad()
    def _said(self, own: OwnClassifier, tokens: torch.Tensor) -> torch.Tensor:
        own.eval()
        with runtime.autocast(self.device.type):
            said = torch.cat([own.logits(self.network, some).float() for some in tokens.split(READ_AT_ONCE)])
        own.train()
        return said

    def _report(
        self,
        phase: Literal["head", "blocks"],
        step: int,
        loss: torch.Tensor,
        learned: torch.Tensor,
        said: torch.Tensor,
        held_out: torch.Tensor | None = None,
    ) -> Report:
        """`learned`: logits of pictures learned from; `said`: of all pictures, of which those of `held_out` count."""
        truth = self.truth if phase == "head" else self.truth[self.part != 0]
        accuracy = (learned.argmax(-1) == truth).float().mean().item()
        places = torch.arange(len(self.truth), device=self.device) if held_out is None else held_out
        confusion = np.zeros((len(self.examples.labels),) * 2, int)
        np.add.at(confusion, (self.truth[places].numpy(force=True), said[places].argmax(-1).numpy(force=True)), 1)
        return Report(phase, step, loss.item(), accuracy, confusion)


def last_blocks(network: VisionTransformer, count: int) -> list[nn.Module]:
    """The last `count` blocks of a network."""
    return list(network.blocks)[len(network.blocks) - count :]


@torch.inference_mode()
def frozen_tokens(network: VisionTransformer, images: Sequence[np.ndarray], blocks: int) -> torch.Tensor:
    """`images`, `(height, width, 3)` uint8 each, through all but the last `blocks` blocks: `(N, T, D)`."""
    squares = np.stack([network.preprocessing.square(image) for image in images])
    device = network.cls.device
    with runtime.autocast(device.type):
        tokens = network.tokens(network.preprocessing.to_tensor(squares).to(device))
        for block in list(network.blocks)[: len(network.blocks) - blocks]:
            tokens = block(tokens)
    return tokens


@torch.inference_mode()
def classify(own: OwnClassifier, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities `[C]` float32 of the visitor's classes for `image`, `(height, width, 3)` uint8, and what each patch
    adds to the first one's logit over the mean of all classes, `[rows, columns]` float32.

    The head reads the mean of the patches, so that its logit is a sum over them: nothing is estimated.
    """
    network = runtime.load(own.backbone, library.load).network
    tokens = frozen_tokens(network, [image], len(own.tail))
    with runtime.autocast(tokens.device.type):
        encoded = own.encoded(network, tokens)
        logits = own.head(network.pool(encoded).float())[0].float()
    weight = own.head.weight.float()
    toward = (weight[logits.argmax()] - weight.mean(0))[network.shape.width :]
    patches = encoded[0, 1:].float()
    adds = patches @ toward / len(patches) if len(toward) else patches.new_zeros(len(patches))
    side = round(len(patches) ** 0.5)
    return logits.softmax(-1).numpy(force=True), adds.reshape(side, -1).numpy(force=True)


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], device=weight.device)
    layer.load_state_dict({"weight": weight, "bias": bias})
    return layer
