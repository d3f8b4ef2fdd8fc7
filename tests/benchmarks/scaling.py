"""What more of it costs: more text, more pixels, more pictures at once, more visitors."""

import copy
from argparse import Namespace
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch
from transformers import AutoModel, AutoTokenizer

from demos.vit.shared import EMBEDDED, example_pictures
from models import runtime, weights
from models.attention.trace import load, trace_attention
from models.diffusion.network import load_network
from models.diffusion.trace import trace_denoising
from models.images import read_image
from models.vit.trace import load_vit, trace_image
from tests.benchmarks.attention import MODEL
from tests.benchmarks.rows import Row, compare
from tests.conftest import running_app
from tests.load.run import run as crowd
from tests.load.run import warm_up

ROUNDS = 5
WORDS = (14, 62, 254)
"""Of one token each; with [CLS] and [SEP] 16, 64 and 256 tokens."""
PIXELS = (112, 224, 336)
SPRITES = (1, 4, 16)
USERS, MINUTES = (1, 10, 50), 0.5


def rows() -> Iterator[Row]:
    """The rows of this file."""
    yield from text()
    yield from pictures()
    yield from sprites()
    yield from trainings()
    yield from visitors()


def text() -> Iterator[Row]:
    subject, folder = load(MODEL).network, weights.folder(MODEL)
    eager = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def forward(words):
        with torch.no_grad():
            eager(**tokenizer(words, return_tensors="pt"), output_attentions=True, output_hidden_states=True)

    for count in WORDS:
        words = " ".join(["water"] * count)
        yield compare(
            f"MiniLM, {count + 2} tokens, everything kept",
            ROUNDS,
            lambda words=words: trace_attention(subject, words),
            "transformers, eager",
            lambda words=words: forward(words),
        )


def pictures() -> Iterator[Row]:
    network = load_vit(EMBEDDED).network
    eager = AutoModel.from_pretrained(weights.folder(EMBEDDED), attn_implementation="eager").eval()
    picture = read_image(next(iter(example_pictures().values())))
    patch = network.shape.patch_size

    def forward(side):
        with torch.no_grad():
            pixels = torch.zeros(1, 3, side, side)
            eager(pixels, output_attentions=True, output_hidden_states=True, interpolate_pos_encoding=True)

    for side in PIXELS:
        side -= side % patch
        yield compare(
            f"ViT-S/{patch}, {side} pixels, {(side // patch) ** 2} patches, everything kept",
            ROUNDS,
            lambda side=side: trace_image(network, picture, size=side),
            "transformers, eager",
            lambda side=side: forward(side),
        )


def sprites() -> Iterator[Row]:
    network = runtime.load("sprites-unet", load_network).network
    for count in SPRITES:
        yield compare(
            f"{count} sprite{'s' if count > 1 else ''} at once, 25 steps, everything kept",
            3,
            lambda count=count: list(trace_denoising(network, "monster", count, 25, 0)),
        )


def trainings() -> Iterator[Row]:
    """Two trainings at once, each on its share of the cores (`models/compute.py`), and each on all of them."""
    unet = runtime.load("sprites-unet", load_network).network
    networks = [copy.deepcopy(unet).train().requires_grad_(True) for _ in range(2)]
    pictures, times, labels = torch.randn(8, 4, 32, 32), torch.full((8,), 500), torch.zeros(8, dtype=torch.long)

    def step(network, threads):
        torch.set_num_threads(threads)
        network.zero_grad()
        network(pictures, times, labels).square().mean().backward()

    def both(threads):
        list(pool.map(step, networks, [threads, threads]))

    cores = runtime.threads()
    with ThreadPoolExecutor(2) as pool:
        what = "a step of two trainings at once, the cores shared"
        yield compare(what, ROUNDS, lambda: both(max(1, cores // 2)), "each on all cores", lambda: both(cores))


def visitors() -> Iterator[Row]:
    """Every light event of so many visitors at once, and with a diffusion run, a training and a camera beside them."""
    with running_app("--models", "embedded") as url:
        warm_up(url)
        for count in USERS:
            for heavy in (False, True):
                seen, _ = crowd(url, Namespace(users=count, minutes=MINUTES, heavy=heavy))
                taken = tuple(1000 * seconds for seconds in seen.seconds["sequences_next"])
                beside = ", beside heavy work" if heavy else ""
                yield Row(f"a character, {count} visitor{'s' if count > 1 else ''}{beside}", taken)
