"""Photos described in words by SmolVLM (Marafioti et al. 2025, arXiv 2504.05299): patches become tokens to be read.

A ViT sees the picture as 32 x 32 patches; sixteen of them at a time become one vector of the language model, and the 64
vectors stand in the text like words. From there on it is the language model of `models/sequences/chat.py`: nothing but
causal attention, which looks back at the picture at every word.

Everything is read from a local folder, weights from safetensors only, and no code that travels with them is run.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import AutoConfig, Idefics3ForConditionalGeneration, PreTrainedTokenizerFast

from models.errors import WeightsError
from models.runtime import large_model_dtype
from models.sequences.chat import ChatModel, ChatStep, Prompt, Sampling, reading_files, write
from models.sequences.unrolled import UnrolledStep, UnrolledTrace

QUESTION = "Describe this picture in one sentence."
MAX_TOKENS = 40
GREEDY = Sampling(0.0, 1.0, 0)
PICTURE = "the picture"


class Captioner(ChatModel):
    """A language model that reads pictures; `longest`: the side in pixels to which it enlarges them first."""

    def __init__(self, network: Any, tokenizer: PreTrainedTokenizerFast, longest: int) -> None:
        super().__init__(network, tokenizer)
        self.longest = longest


def load_captioner(folder: Path) -> Captioner:
    """The captioner in `folder`; errors as for `chat.load_chat`."""
    return reading_files(folder, _load)


def _load(folder: Path) -> Captioner:
    local = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **local)
    if config.model_type != "idefics3":
        raise WeightsError(f"Models of type {config.model_type} cannot describe pictures here.")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    loaded: Any = Idefics3ForConditionalGeneration.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, dtype=large_model_dtype(), output_loading_info=True
    )
    network, report = loaded
    if report["missing_keys"]:
        raise WeightsError(f"The weights in {folder.name} are not complete.")
    stored = json.loads((folder / "preprocessor_config.json").read_text())
    return Captioner(network, tokenizer, int(stored["size"]["longest_edge"]))


def describe(model: Captioner, pixels: np.ndarray) -> Iterator[ChatStep]:
    """The most probable words for a picture `[height, width, 3]` uint8, one step at a time."""
    side = model.network.config.vision_config.image_size
    values = torch.from_numpy(prepare(pixels, side, model.longest))[None, None].to(model.network.device)
    return write(model, prompt_of(model), MAX_TOKENS, GREEDY, pixel_values=values)


def prompt_of(model: ChatModel) -> Prompt:
    """The published chat template for one picture and the question, the picture's tokens counted out."""
    config = model.network.config
    count = (config.vision_config.image_size // config.vision_config.patch_size // config.scale_factor) ** 2
    picture = f"<fake_token_around_image><global-img>{'<image>' * count}<fake_token_around_image>"
    text = f"<|im_start|>User:{picture}{QUESTION}<end_of_utterance>\nAssistant:"
    return Prompt(model.tokenizer.encode(text, add_special_tokens=False), 0)


def prepare(pixels: np.ndarray, side: int, longest: int) -> np.ndarray:
    """A picture `[height, width, 3]` uint8 as `[3, side, side]` float32 from -1 to 1: squeezed into the square.

    By way of the size at which it would be cut into tiles, as the library does it where it cuts none.
    """
    height, width = pixels.shape[:2]
    scale = longest / max(width, height)
    large = (longest if width >= height else _even(scale * width), longest if height > width else _even(scale * height))
    picture = Image.fromarray(pixels)
    for one in (large, (side, side)):
        picture = picture.resize(one, Image.Resampling.LANCZOS)
    return (np.asarray(picture, np.float32) / 127.5 - 1).transpose(2, 0, 1).copy()


def _even(length: float) -> int:
    whole = int(length)
    return max(1, whole + whole % 2)


def as_unrolled(steps: Sequence[ChatStep]) -> UnrolledTrace:
    """A run as the drawing of recurrent tasks shows it: the picture goes in once, the words come out one by one."""
    unrolled = [
        UnrolledStep(
            step.read[-1] if number else PICTURE,
            step.hidden_states[-1],
            step.alternatives,
            asked=True,
            part="decoder",
            fed_back=bool(number),
        )
        for number, step in enumerate(steps)
    ]
    return UnrolledTrace("one to many", tuple(unrolled), steps[-1].text.strip())
