"""The forward process at one time, as small PNGs, curves and a histogram for the browser."""

from typing import Any

import numpy as np

from demos.views.diffusion import NOISE_RANGE, as_picture, sheet
from models.diffusion.forward import SCHEDULES, NoisyPicture, schedule_called

BINS = 41
CURVE_STRIDE = 9  # 0, 9, .. 999: both ends are on the curve


def draw_noisy(rgba: np.ndarray, noisy: NoisyPicture) -> dict[str, Any]:
    """Picture, noise and their sum, their shares, the curves of all schedules, and the histogram of x_t's colours."""
    colors = noisy.x_t[:3]
    counts, edges = np.histogram(colors, bins=BINS, range=(-NOISE_RANGE, NOISE_RANGE), density=True)
    return {
        "clean": sheet(rgba[None]),
        "noise": sheet(as_picture(noisy.epsilon[None], NOISE_RANGE)),
        "noisy": sheet(as_picture(noisy.x_t[None], 1.0)),
        "schedule": noisy.schedule,
        "t": noisy.t,
        "alphaBar": noisy.alpha_bar,
        "signal": noisy.signal,
        "noiseShare": noisy.noise,
        "snr": noisy.signal_to_noise,
        "values": noisy.x_t.size,
        "curves": {name: _curve(name) for name in SCHEDULES},
        "histogram": [round(float(count), 4) for count in counts],
        "centres": [round(float(edge), 3) for edge in (edges[:-1] + edges[1:]) / 2],
        "mean": float(colors.mean()),
        "deviation": float(colors.std()),
    }


def _curve(name: str) -> list[float]:
    return [round(float(share), 5) for share in schedule_called(name).alphas_cumprod[::CURVE_STRIDE]]
