"""The embedded sprite U-Net that reads words, asked as the large models are: its latents are the pixels themselves."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models import runtime
from models.diffusion.data import BACKGROUND, to_signal
from models.diffusion.edits import cut_out
from models.diffusion.large.network import END, LargeNetwork, Text, Time
from models.diffusion.network import CHANNELS, SIZE, twin
from models.diffusion.reading import SpriteWords
from models.diffusion.samplers import Level, level_at
from models.diffusion.schedule import cosine_schedule, timesteps
from models.diffusion.trace import finished_sprites
from models.diffusion.words_network import Prompts
from models.images import over_background

ENLARGED = 8


class Sprites(LargeNetwork):
    """Sprites of 32 x 32 pixels with transparency, predicted without a VAE."""

    predicts = "v"
    layer_names = ("16 x 16, down", "8 x 8, down", "8 x 8, middle", "8 x 8, up", "16 x 16, up")

    def __init__(self, model: SpriteWords) -> None:
        super().__init__(SimpleNamespace(tokenizer=model.reader.tokenizer, vae=None), twin(model.unet), [model.reader])

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return CHANNELS, SIZE, SIZE

    def times(self, steps: int) -> list[Time]:
        """The times of `steps` steps on the cosine schedule, and the end."""
        schedule = cosine_schedule()
        return [*(Time(t, level_at(schedule, t)) for t in timesteps(steps)), END]

    def encode_text(self, prompt: str, negative: str, guided: bool) -> Text:
        """`vectors [1 or 2, T, width]` and `mask [1 or 2, T]`."""
        prompts: Prompts = self.text_encoders[0]([negative, prompt] if guided else [prompt])
        return {"vectors": prompts.vectors, "mask": prompts.mask}

    def predict(self, x_t: Tensor, time: Time, text: Text) -> tuple[Tensor, ...]:
        """What the U-Net says (v) for each text, `[1, 4, 32, 32] float32` each."""
        prompts = Prompts(text["vectors"], text["mask"])
        count = len(prompts.mask)
        times = torch.full((count,), int(time.t), device=x_t.device)
        with runtime.autocast(x_t.device.type):
            return self.denoiser(x_t.expand(count, -1, -1, -1), times, prompts).float().split(1)

    def solve(self, x_t: Tensor, output: Tensor, level: Level) -> tuple[Tensor, Tensor]:
        """The output is v (Salimans and Ho 2022). x_0 is kept within -1 to 1, and the noise follows it."""
        x_0 = (level.signal * x_t - level.noise * output).clamp(-1, 1)
        return x_0, (x_t - level.signal * x_0) / level.noise

    def noise_of(self, x_t: Tensor, output: Tensor, level: Level) -> Tensor:
        """The noise before x_0 is kept within bounds."""
        return level.noise * x_t + level.signal * output

    def decode(self, latent: Tensor, tiny: torch.nn.Module | None = None) -> np.ndarray:
        """The sprite on a plain background, every pixel `ENLARGED` wide: `[256, 256, 3] uint8`."""
        rgb = over_background(finished_sprites(latent.float().cpu().numpy()), BACKGROUND)[0]
        return rgb.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)

    def encode(self, rgb: np.ndarray) -> Tensor:
        """The middle square of `rgb`, shrunk; a background of the border's colour becomes transparent."""
        side = min(rgb.shape[:2])
        top, left = (rgb.shape[0] - side) // 2, (rgb.shape[1] - side) // 2
        square = Image.fromarray(np.ascontiguousarray(rgb[top : top + side, left : left + side]))
        sprite = square.convert("RGBA").resize((SIZE, SIZE), Image.Resampling.BOX)
        return torch.from_numpy(to_signal(cut_out(np.asarray(sprite))[None])).to(self.device)

    def reading_layers(self) -> list[torch.nn.Module]:
        """The five layers of cross-attention."""
        return list(self.denoiser.reading_layers())

    def text_shares(self, layer: Any, inputs: dict[str, Any]) -> Tensor:
        """Shares of cross-attention: over all tokens they sum to 1 at every place."""
        x, words, mask = (inputs[name][-1:] for name in ("x", "words", "mask"))
        return layer.shares(x, words, mask)[0].float().mean(0).T
