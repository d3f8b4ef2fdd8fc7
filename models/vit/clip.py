"""CLIP: a ViT that was trained to put a picture near its caption, so that classes can be named in words, untrained.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", section 3.1.2: every name
becomes a sentence, every sentence a vector; the probability of a name is the softmax over scaled cosines.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn
from transformers import CLIPModel

from models import runtime
from models.compute import Run, compute, run_of
from models.errors import InputError
from models.vision.preprocessing import Preprocessing, load_preprocessing

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
END = "<|endoftext|>"
PUBLISHED = Preprocessing(size=224, shorter_side=224, mean=MEAN, std=STD)


class Clip(nn.Module):
    """CLIP's two encoders with what they need: preprocessing of pictures and the tokenizer of sentences."""

    def __init__(self, network: CLIPModel, tokenizer: Tokenizer, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer
        self.preprocessing = preprocessing

    def image_embedding(self, image: np.ndarray) -> torch.Tensor:
        """`(E,)` of length 1 for `image`, `(height, width, 3)` uint8."""
        square = self.preprocessing.to_tensor(self.preprocessing.square(image))
        pixels = square.permute(2, 0, 1)[None].to(self.network.logit_scale.device)
        pooled = self.network.vision_model(pixel_values=pixels).pooler_output
        return nn.functional.normalize(self.network.visual_projection(pooled)[0], dim=-1)

    def text_embeddings(self, sentences: Sequence[str]) -> torch.Tensor:
        """`(sentences, E)`, each of length 1. Raises `InputError` for a sentence that would not be read whole."""
        tokens = self.tokenizer.encode_batch(list(sentences))
        most = self.network.text_model.embeddings.position_embedding.num_embeddings
        longest = max(len(one.ids) for one in tokens)
        if longest > most:
            raise InputError(f"CLIP reads {most} pieces of words; the longest sentence has {longest}: shorten it.")
        device = self.network.logit_scale.device
        ids, mask = (
            torch.tensor([getattr(one, name) for one in tokens], device=device) for name in ("ids", "attention_mask")
        )
        pooled = self.network.text_model(input_ids=ids, attention_mask=mask).pooler_output
        return nn.functional.normalize(self.network.text_projection(pooled), dim=-1)


@dataclass(frozen=True)
class ZeroShot:
    """What CLIP says of a picture. `sentences`: C texts; `cosines` `[C]` float32 between picture and text; `scale`: the
    learned factor (inverse temperature); `probabilities` `[C]` float32, the softmax of `scale * cosines`.
    """

    sentences: tuple[str, ...]
    cosines: np.ndarray
    scale: float
    probabilities: np.ndarray


def load(folder: Path) -> Clip:
    """CLIP from a folder of the transformers library: config.json, model.safetensors, tokenizer.json."""
    network = CLIPModel.from_pretrained(folder, use_safetensors=True, local_files_only=True, dtype=torch.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.encode_special_tokens = True  # what visitors type is text
    tokenizer.no_truncation()
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(END), pad_token=END)
    return Clip(network, tokenizer, load_preprocessing(folder, PUBLISHED))


@torch.inference_mode()
def name_picture(clip: Clip, image: np.ndarray, names: Sequence[str], template: str) -> ZeroShot:
    """Probabilities of `names` for `image` `(height, width, 3)` uint8; `template` holds `{}`, the place of a name."""
    sentences = tuple(template.replace("{}", name) for name in names)
    cosines = clip.text_embeddings(sentences) @ clip.image_embedding(image)
    scale = clip.network.logit_scale.exp()
    probabilities = (scale * cosines).softmax(-1)
    return ZeroShot(sentences, cosines.float().cpu().numpy(), scale.item(), probabilities.float().cpu().numpy())


@compute
def choose_name(model: str, image: np.ndarray, names: list[str], template: str) -> tuple[ZeroShot, Run]:
    """`name_picture` by the CLIP of that name."""
    loaded = runtime.load(model, load)
    start = time.perf_counter()
    answer = name_picture(loaded.network, image, names, template)
    return answer, run_of(loaded, time.perf_counter() - start)
