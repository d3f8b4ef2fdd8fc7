"""Names for a picture without the hub: two networks that stay as they are, a small head on each, trained by contrast.

Zhai et al. 2022, "LiT: Zero-Shot Transfer with Locked-image text Tuning", here with both towers locked: the Vision
Transformer of this tab reads the picture, all-MiniLM-L6-v2 the sentences, and two heads bring what they say into one
space. The head of the picture is one linear layer on CLS beside the mean of the patches, so that a cosine is a sum:
a part of CLS and the mean of the patches' parts, which is the map that is shown.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from transformers import BertModel

from models import runtime, weights
from models.compute import Run, compute, run_of
from models.vision.network import VisionTransformer
from models.vit.clip import ZeroShot
from models.vit.trace import load_vit

NAME = "lit-s14-minilm"
TEXT = "all-minilm-l6-v2"
SAME = 0.8
"""Cosine of two sentences' own vectors from which on they mean nearly the same."""
SPELLED = 2.0
"""Letters a piece below which a word is spelled out rather than read, from three pieces on."""


class Reader(nn.Module):
    """all-MiniLM-L6-v2: sentences to vectors of length 1, the mean of their tokens' last vectors."""

    def __init__(self, network: BertModel, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer

    def forward(self, sentences: Sequence[str]) -> torch.Tensor:
        """`(sentences, 384)`, each of length 1."""
        tokens = self.tokenizer.encode_batch(list(sentences))
        device = self.network.device
        ids, mask = (
            torch.tensor([getattr(one, name) for one in tokens], device=device) for name in ("ids", "attention_mask")
        )
        last = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
        mean = (last * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return nn.functional.normalize(mean, dim=-1)

    def is_spelled_out(self, name: str) -> bool:
        """Whether a word of `name` is none the tokenizer has parts of: it is read in pieces of a letter or two."""
        pieces = (self.tokenizer.encode(word, add_special_tokens=False).tokens for word in name.split())
        return any(
            len(some) > 2 and sum(len(p.removeprefix("##")) for p in some) < SPELLED * len(some) for some in pieces
        )


def load_reader(folder: Path) -> Reader:
    """The reader in a folder of the transformers library."""
    network = BertModel.from_pretrained(
        folder, use_safetensors=True, local_files_only=True, dtype=torch.float32, add_pooling_layer=False
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True  # what visitors type is text
    tokenizer.enable_truncation(network.config.max_position_embeddings)
    tokenizer.enable_padding()
    return Reader(network, tokenizer)


class Heads(nn.Module):
    """What was trained: a linear layer for pictures, a small network for sentences, the scale of their cosines.

    picture: features `(N, 2 D)`, CLS beside the mean patch. text: vectors `(N, 384)`. Both to `(N, width)`.
    """

    def __init__(self, features: int, text: int, width: int) -> None:
        super().__init__()
        self.centre = nn.Parameter(torch.zeros(features), requires_grad=False)
        self.picture = nn.Linear(features, width, bias=False)
        self.text = nn.Linear(text, width)
        self.expand, self.contract = nn.Linear(text, 2 * width), nn.Linear(2 * width, width)
        self.log_scale = nn.Parameter(torch.tensor(2.7))

    def of_pictures(self, features: torch.Tensor) -> torch.Tensor:
        """`(N, width)` of length 1."""
        return nn.functional.normalize(self.picture(features - self.centre), dim=-1)

    def of_sentences(self, vectors: torch.Tensor) -> torch.Tensor:
        """`(N, width)` of length 1."""
        given = vectors * vectors.shape[-1] ** 0.5
        return nn.functional.normalize(self.text(given) + self.contract(nn.functional.gelu(self.expand(given))), dim=-1)


class Namer(nn.Module):
    """The heads with the reader they stand on. `backbone`: name of the Vision Transformer; `wrong`: cosines of 101
    quantiles of pictures with names that are not theirs, held out.
    """

    def __init__(self, heads: Heads, reader: Reader, backbone: str, wrong: Sequence[float]) -> None:
        super().__init__()
        self.heads = heads
        self.reader = reader
        self.backbone = backbone
        self.wrong = np.array(wrong, np.float32)


def load(folder: Path) -> Namer:
    """The heads in a verified folder, with the embedded reader."""
    about = json.loads((folder / "config.json").read_text())
    heads = Heads(about["features"], about["text_width"], about["width"])
    heads.load_state_dict({name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()})
    return Namer(heads, load_reader(weights.folder(about["text"])), about["backbone"], about["wrong_names"])


@dataclass(frozen=True)
class Named:
    """What the heads say of a picture and C names.

    answer: cosines, scale, probabilities. better: `[C]` float32, the share of wrong names of held-out pictures that fit
    their picture worse than this name fits this one. maps: `[C, rows, columns]` float32, what each patch adds to the
    cosine: it is `cls[C]` plus the mean of the map. alike: pairs of names that mean nearly the same, with the cosine of
    their sentences. spelled: names with a word that is none. square: the pixels seen, `(side, side, 3)` uint8.
    """

    answer: ZeroShot
    better: np.ndarray
    maps: np.ndarray
    cls: np.ndarray
    alike: tuple[tuple[str, str, float], ...]
    spelled: tuple[str, ...]
    square: np.ndarray


@torch.inference_mode()
def name_picture(namer: Namer, vit: VisionTransformer, image: np.ndarray, names: Sequence[str], template: str) -> Named:
    """How well `names`, put into `template` at `{}`, fit `image` `(height, width, 3)` uint8."""
    sentences = tuple(template.replace("{}", name) for name in names)
    heads = namer.heads
    square = vit.preprocessing.square(image)
    prepared = vit.preprocessing.to_tensor(square)[None].to(vit.cls.device)
    encoded = vit.encode(vit.tokens(prepared))[0]
    vectors = namer.reader(sentences)
    texts = heads.of_sentences(vectors)
    cls, maps = _parts(heads, encoded, texts)
    cosines = cls + maps.mean(1)
    scale = heads.log_scale.exp()
    probabilities = (scale * cosines).softmax(0)
    answer = ZeroShot(sentences, _array(cosines), scale.item(), _array(probabilities))
    return Named(
        answer=answer,
        better=np.searchsorted(namer.wrong, answer.cosines).astype(np.float32).clip(0, 100) / 100,
        maps=_array(maps).reshape(len(names), *(side // vit.shape.patch_size for side in square.shape[:2])),
        cls=_array(cls),
        alike=_alike(names, _array(vectors)),
        spelled=tuple(name for name in names if namer.reader.is_spelled_out(name)),
        square=square,
    )


def _parts(heads: Heads, encoded: torch.Tensor, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The cosine of a picture's tokens `(T, D)` with C texts, taken apart: `[C]` from CLS, `[C, patches]`."""
    width = encoded.shape[1]
    given = torch.cat([encoded[0], encoded[1:].mean(0)]) - heads.centre
    length = heads.picture(given).norm()
    of_cls, of_patch = (texts @ part / length for part in heads.picture.weight.split(width, dim=1))
    cls = of_cls @ given[:width]
    return cls, of_patch @ (encoded[1:] - heads.centre[width:]).T


def _alike(names: Sequence[str], vectors: np.ndarray) -> tuple[tuple[str, str, float], ...]:
    cosines = vectors @ vectors.T
    pairs = [(i, j) for i in range(len(names)) for j in range(i) if cosines[i, j] > SAME]
    pairs.sort(key=lambda pair: -cosines[pair])
    return tuple((names[j], names[i], float(cosines[i, j])) for i, j in pairs)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()


@compute
def choose_name(model: str, image: np.ndarray, names: list[str], template: str) -> tuple[Named, Run]:
    """`name_picture` by the heads of that name."""
    loaded = runtime.load(model, load)
    vit = load_vit(loaded.network.backbone).network
    start = time.perf_counter()
    named = name_picture(loaded.network, vit, image, names, template)
    return named, run_of(loaded, time.perf_counter() - start)
