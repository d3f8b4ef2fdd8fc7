"""PRX (Photoroom 2025): flow matching by a Transformer in which the picture looks at the text and at itself at once.

Flow matching (Lipman et al. 2023; Liu et al. 2023) mixes on a straight line and predicts its direction:

    x_t = (1 - t) x_0 + t epsilon,        v = epsilon - x_0

Towards the noise, times are closer together: t = shift s / (1 + (shift - 1) s) for evenly spaced s (Esser et al. 2024).
"""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_prx import PRXTransformer2DModel, apply_rope
from diffusers.pipelines.prx.pipeline_prx import PRXPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers import AutoTokenizer
from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig
from transformers.models.t5gemma.modeling_t5gemma import T5GemmaEncoder

from models import runtime
from models.diffusion.large.network import END, LargeNetwork, Text, Time
from models.diffusion.samplers import Level


class Prx(LargeNetwork):
    """PRX with the VAE of Flux: latents of 16 channels, an eighth of the side."""

    def __init__(self, pipeline: Any) -> None:
        super().__init__(pipeline, pipeline.transformer, [pipeline.text_encoder])

    @classmethod
    def load(cls, folder: Path) -> "Prx":
        """The parts in `folder`, put together here: safetensors only, no code from the folder, nothing fetched."""
        dtype = runtime.large_model_dtype()
        local: dict[str, Any] = {"use_safetensors": True, "local_files_only": True}
        config = T5GemmaModuleConfig.from_pretrained(folder / "text_encoder")
        scheduler: Any = FlowMatchEulerDiscreteScheduler.from_pretrained(folder / "scheduler")
        pipeline = PRXPipeline(
            transformer=PRXTransformer2DModel.from_pretrained(folder / "transformer", dtype=dtype, **local),
            scheduler=scheduler,
            text_encoder=T5GemmaEncoder.from_pretrained(folder / "text_encoder", config=config, dtype=dtype, **local),
            tokenizer=AutoTokenizer.from_pretrained(
                folder / "tokenizer", local_files_only=True, split_special_tokens=True
            ),
            vae=AutoencoderKL.from_pretrained(folder / "vae", dtype=dtype, **local),
            default_sample_size=json.loads((folder / "model_index.json").read_text())["default_sample_size"],
        )
        pipeline.set_progress_bar_config(disable=True)
        return cls(pipeline)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the latents that the network was made for."""
        side = self.pipeline.default_sample_size // self.pipeline.vae_scale_factor
        return self.denoiser.config.in_channels, side, side

    def times(self, steps: int) -> list[Time]:
        """The times of `steps` steps as the model's own scheduler sets them, and the end."""
        scheduler: Any = FlowMatchEulerDiscreteScheduler.from_config(self.pipeline.scheduler.config)
        scheduler.set_timesteps(steps)
        return [*(Time(t, Level(1 - t, t)) for t in scheduler.sigmas[:-1].tolist()), END]

    def encode_text(self, prompt: str, negative: str, guided: bool) -> Text:
        """Text vectors `[1 or 2, tokens, width]` and which of them are text, not padding."""
        texts = [as_read(text) for text in ([negative, prompt] if guided else [prompt])]
        tokens = self.pipeline.tokenizer(
            texts,
            padding="max_length",
            max_length=self.pipeline.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).to(self.device)
        mask = tokens.attention_mask.bool()
        vectors = self.pipeline.text_encoder(input_ids=tokens.input_ids, attention_mask=mask).last_hidden_state
        return {"encoder_hidden_states": vectors, "attention_mask": mask}

    def predict(self, x_t: Tensor, time: Time, text: Text) -> tuple[Tensor, ...]:
        """The velocity for each text, `[1, channels, side, side] float32` each."""
        count = len(text["encoder_hidden_states"])
        t = torch.full((count,), time.t, device=self.device)
        return self.denoiser(x_t.to(self.dtype).expand(count, -1, -1, -1), t, **text).sample.float().split(1)

    def solve(self, x_t: Tensor, output: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """The two ends of the straight line through x_t in the direction of the output."""
        return x_t - level.noise * output, x_t + level.signal * output

    def words(self, prompt: str) -> list[tuple[str, list[int]]]:
        """The words as the text encoder reads them: in small letters."""
        return super().words(as_read(prompt))

    def reading_layers(self) -> list[torch.nn.Module]:
        """The attention of every block, to the text and to the picture."""
        return [block.attention for block in self.denoiser.blocks]

    def text_shares(self, layer: Any, inputs: dict[str, Any]) -> Tensor:
        """What the tokens get of attention that the picture's own places get a share of too."""
        hidden, text = inputs["hidden_states"][-1:], inputs["encoder_hidden_states"][-1:]
        turned = inputs["image_rotary_emb"][-1:]
        heads = (layer.heads, layer.head_dim)
        query, key, _ = layer.img_qkv_proj(hidden)[0].unflatten(-1, (3, *heads)).permute(1, 2, 0, 3)
        text_key = layer.norm_added_k(layer.txt_kv_proj(text)[0].unflatten(-1, (2, *heads))[:, 0].transpose(0, 1))
        query, key = (apply_rope(part[None], turned)[0] for part in (layer.norm_q(query), layer.norm_k(key)))
        scores = (query @ torch.cat([text_key, key], 1).transpose(1, 2)).float() / layer.head_dim**0.5
        padding = ~inputs["attention_mask"][-1]
        scores[..., : len(padding)].masked_fill_(padding, -torch.inf)
        return scores.softmax(-1)[..., : len(padding)].mean(0).T


def as_read(text: str) -> str:
    """The captions it was trained on were in small letters without spaces around them."""
    return text.strip().lower()
