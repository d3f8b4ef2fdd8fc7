"""Text to picture with a Stable-Diffusion-type pipeline from a local folder in diffusers' format."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

from models import runtime
from models.inputs import check_integer, check_text

MAX_PROMPT_CHARS = 500
MAX_STEPS = 50
MAX_SEED = 2**31 - 1


class TextToPicture(torch.nn.Module):
    """A pipeline whose networks are submodules, so that it can be moved and counted as one network."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__()
        self.unet, self.vae, self.text_encoder = pipeline.unet, pipeline.vae, pipeline.text_encoder
        self.pipeline = pipeline


def load_pipeline(folder: Path) -> TextToPicture:
    """The pipeline in `folder`: safetensors only, no code from the folder, nothing fetched, no safety checker."""
    pipeline = StableDiffusionPipeline.from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        torch_dtype=runtime.large_model_dtype(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    positions = pipeline.text_encoder.config.max_position_embeddings
    pipeline.tokenizer.model_max_length = min(pipeline.tokenizer.model_max_length, positions)
    return TextToPicture(pipeline)


def generate(pipeline: TextToPicture, prompt: str, steps: int, seed: int) -> np.ndarray:
    """One picture of `prompt`, `[height, width, 3] uint8`, in the size the pipeline was made for.

    Without guidance, as turbo models want it. Raises `InputError` for a prompt, steps or seed out of range.
    """
    prompt = check_text(prompt, name="The prompt", max_chars=MAX_PROMPT_CHARS)
    steps = check_integer(steps, name="Steps", low=1, high=MAX_STEPS)
    seed = check_integer(seed, name="The seed", low=0, high=MAX_SEED)
    with torch.inference_mode():
        images = pipeline.pipeline(
            prompt,
            num_inference_steps=steps,
            guidance_scale=0.0,
            generator=torch.Generator().manual_seed(seed),
            output_type="np",
        ).images
    return np.rint(np.clip(images[0], 0, 1) * 255).astype(np.uint8)
