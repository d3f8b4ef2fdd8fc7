"""Denoising steps and the forward process as small PNGs and plain numbers for the browser."""

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from models.diffusion.data import to_signal
from models.diffusion.schedule import Schedule

if TYPE_CHECKING:
    from models.diffusion.trace import DenoisingStep

NOISE_RANGE = 3.0
BINS = 41
CURVE_STRIDE = 10


def draw_step(step: "DenoisingStep", schedule: Schedule) -> dict[str, Any]:
    """One column of the film strip: three pictures of all sprites side by side, and the step's coefficients.

    The step is x_next = signal_next x_0 + noise_next epsilon (DDIM, Song et al. 2021, equation 12 without fresh noise).
    """
    from models.diffusion.trace import finished_sprites

    last = step.t_next < 0
    return {
        "t": step.t,
        "tNext": step.t_next,
        "xt": sheet(as_picture(step.x_t, 1.0)),
        "noise": sheet(as_picture(step.epsilon, NOISE_RANGE)),
        "x0": sheet(finished_sprites(step.x_0)),
        "signal": float(schedule.signal(step.t)),
        "noiseShare": float(schedule.noise(step.t)),
        "signalNext": 1.0 if last else float(schedule.signal(step.t_next)),
        "noiseNext": 0.0 if last else float(schedule.noise(step.t_next)),
    }


def draw_forward(rgba: np.ndarray, epsilon: np.ndarray, t: int, schedule: Schedule) -> dict[str, Any]:
    """The closed form at time `t`: clean picture, noise, noisy picture, their shares, and the histogram of its values.

    `rgba` `[32, 32, 4]` uint8; `epsilon` `[4, 32, 32]` standard normal.
    """
    clean = to_signal(rgba[None])[0]
    signal, noise = float(schedule.signal(t)), float(schedule.noise(t))
    noisy = signal * clean + noise * epsilon
    counts, edges = np.histogram(noisy[:3], bins=BINS, range=(-NOISE_RANGE, NOISE_RANGE), density=True)
    return {
        "clean": sheet(rgba[None]),
        "noise": sheet(as_picture(epsilon[None], NOISE_RANGE)),
        "noisy": sheet(as_picture(noisy[None], 1.0)),
        "t": t,
        "signal": signal,
        "noiseShare": noise,
        "snr": float(schedule.signal_to_noise(t)),
        "curve": [round(float(share), 5) for share in schedule.alphas_cumprod[::CURVE_STRIDE]],
        "histogram": [round(float(count), 4) for count in counts],
        "centres": [round(float(edge), 3) for edge in (edges[:-1] + edges[1:]) / 2],
    }


def as_picture(signal: np.ndarray, limit: float) -> np.ndarray:
    """Values in -limit..limit (clipped) of the three colour channels: `[N, 4, 32, 32]` to `[N, 32, 32, 3]` uint8."""
    unit = (np.clip(signal[:, :3] / limit, -1, 1) + 1) / 2
    return np.rint(unit.transpose(0, 2, 3, 1) * 255).astype(np.uint8)


def shrink_to_sprite(rgba: np.ndarray) -> np.ndarray:
    """Any picture `(height, width, 4)` uint8 as a sprite `(32, 32, 4)`: its middle square, colours averaged."""
    side = min(rgba.shape[:2])
    top, left = (rgba.shape[0] - side) // 2, (rgba.shape[1] - side) // 2
    square = Image.fromarray(rgba[top : top + side, left : left + side])
    filtering = Image.Resampling.NEAREST if side <= 32 else Image.Resampling.BOX
    return np.array(square.resize((32, 32), filtering))


def sheet(pictures: np.ndarray) -> str:
    """`[N, 32, 32, 3 or 4]` uint8 side by side as a PNG data address."""
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(list(pictures), axis=1)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
