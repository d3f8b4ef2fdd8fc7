"""Stable Diffusion 1.x, 2.x and XL: a U-Net that predicts the noise in latents (Rombach et al. 2022).

XL (Podell et al. 2023) reads the prompt with two text encoders, and is also told one vector of the whole prompt and the
size of the picture.
"""

from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
from torch import Tensor

from models import runtime
from models.diffusion.large.network import END, LargeNetwork, Text, Time
from models.diffusion.samplers import Level, level_at
from models.diffusion.schedule import Schedule, timesteps

HALF_PRECISION = "unet/diffusion_pytorch_model.fp16.safetensors"


class StableDiffusion(LargeNetwork):
    """Stable Diffusion 1.x and 2.x, distilled ones (SD-Turbo) too."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__(pipeline, pipeline.unet, [pipeline.text_encoder])

    @classmethod
    def load(cls, folder: Path) -> "StableDiffusion":
        """The pipeline in `folder`: safetensors only, no code from the folder, nothing fetched, no safety checker."""
        without = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        return cls(load_pipeline(StableDiffusionPipeline, folder, **without))

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the latents that the network was made for."""
        config = self.denoiser.config
        return config.in_channels, config.sample_size, config.sample_size

    def times(self, steps: int) -> list[Time]:
        """The times of `steps` steps on the noise table that the network was trained with, and the end."""
        schedule = Schedule(self.pipeline.scheduler.alphas_cumprod.cpu().double().numpy())
        return [*(Time(t, level_at(schedule, t)) for t in timesteps(steps)), END]

    def encode_text(self, prompt: str, negative: str, guided: bool) -> Text:
        """Text vectors `[1 or 2, tokens, width]`."""
        vectors, vectors_without = self.pipeline.encode_prompt(
            prompt, self.device, 1, guided, negative_prompt=negative if guided else None
        )
        return {"encoder_hidden_states": torch.cat([vectors_without, vectors]) if guided else vectors}

    def predict(self, x_t: Tensor, time: Time, text: Text) -> tuple[Tensor, ...]:
        """What the U-Net says for each text, `[1, channels, side, side] float32` each."""
        seen = x_t.to(self.dtype).expand(len(text["encoder_hidden_states"]), -1, -1, -1)
        return self.denoiser(seen, time.t, **unet_inputs(text)).sample.float().split(1)

    def solve(self, x_t: Tensor, output: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """The output is the noise (Ho et al. 2020), or v (Salimans and Ho 2022)."""
        if self.pipeline.scheduler.config.prediction_type == "v_prediction":
            return level.signal * x_t - level.noise * output, level.noise * x_t + level.signal * output
        return (x_t - level.noise * output) / level.signal, output

    def reading_layers(self) -> list[torch.nn.Module]:
        """The cross-attention of every block."""
        return [module for name, module in self.denoiser.named_modules() if name.endswith("attn2")]

    def text_shares(self, layer: Any, inputs: dict[str, Any]) -> Tensor:
        """Shares of cross-attention: over all tokens they sum to 1 at every place."""
        hidden, text = inputs["hidden_states"][-1:], inputs["encoder_hidden_states"][-1:]
        query, key = layer.head_to_batch_dim(layer.to_q(hidden)), layer.head_to_batch_dim(layer.to_k(text))
        return layer.get_attention_scores(query, key).float().mean(0).T


class StableDiffusionXL(StableDiffusion):
    """Stable Diffusion XL, distilled ones (SDXL-Turbo) too."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__(pipeline)
        self.text_encoders.append(pipeline.text_encoder_2)

    @classmethod
    def load(cls, folder: Path) -> "StableDiffusionXL":
        """The pipeline in `folder`: safetensors only, no code from the folder, nothing fetched, no watermark."""
        return cls(load_pipeline(StableDiffusionXLPipeline, folder, add_watermarker=False))

    def encode_text(self, prompt: str, negative: str, guided: bool) -> Text:
        """Text vectors `[1 or 2, tokens, width]`, one vector of each whole text, and the sizes told to the network.

        Without a negative prompt, its vectors are zeros, as in training.
        """
        vectors, vectors_without, pooled, pooled_without = self.pipeline.encode_prompt(
            prompt, device=self.device, do_classifier_free_guidance=guided, negative_prompt=negative or None
        )
        size = self.latent_shape[-1] * self.pipeline.vae_scale_factor
        told = torch.tensor([[size, size, 0, 0, size, size]], dtype=vectors.dtype, device=self.device)
        if not guided:
            return {"encoder_hidden_states": vectors, "text_embeds": pooled, "time_ids": told}
        return {
            "encoder_hidden_states": torch.cat([vectors_without, vectors]),
            "text_embeds": torch.cat([pooled_without, pooled]),
            "time_ids": told.expand(2, -1),
        }


def unet_inputs(text: Text) -> dict[str, Any]:
    """The text as a U-Net takes it: what is not read by cross-attention goes in with the time."""
    added = {name: tensor for name, tensor in text.items() if name != "encoder_hidden_states"}
    return {"encoder_hidden_states": text["encoder_hidden_states"], "added_cond_kwargs": added or None}


def load_pipeline(kind: type[Any], folder: Path, **options: Any) -> Any:
    """A pipeline of diffusers from a local folder, its tokenizers limited to what the text encoders can read."""
    dtype = runtime.large_model_dtype(float16_will_do=True)
    pipeline = kind.from_pretrained(
        folder,
        use_safetensors=True,
        local_files_only=True,
        dtype=dtype,
        variant="fp16" if (folder / HALF_PRECISION).exists() else None,
        low_cpu_mem_usage=False,  # that wants the package accelerate, and takes as much without it (measured)
        **options,
    )
    if dtype == torch.float16:
        pipeline.vae.float()  # its numbers leave the range of float16, and the pictures would be black
    pipeline.set_progress_bar_config(disable=True)
    for name in ("tokenizer", "tokenizer_2"):
        if tokenizer := getattr(pipeline, name, None):
            positions = getattr(pipeline, name.replace("tokenizer", "text_encoder")).config.max_position_embeddings
            tokenizer.model_max_length = min(tokenizer.model_max_length, positions)
            tokenizer.split_special_tokens = True  # what visitors type is text
    return pipeline
