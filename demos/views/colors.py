"""The two maps for values: one sequential for weights and probabilities, one diverging around zero."""

import numpy as np

SEQUENTIAL = (  # ten samples of cividis (Nunez et al. 2018)
    *("#00224e", "#123570", "#3b496c", "#575d6d", "#707173"),
    *("#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"),
)
DIVERGING = ("#0b4f9c", "#3f7fc1", "#8fb6dd", "#d3e2f1", "#fafafa", "#fbe0c8", "#f3b27a", "#dd7f2e", "#a84e06")


def sequential(values: np.ndarray) -> np.ndarray:
    """Colours of values in 0..1 (clipped). `(...)` float -> `(..., 3)` uint8 RGB."""
    return _ramp(SEQUENTIAL, np.clip(values, 0.0, 1.0))


def diverging(values: np.ndarray, limit: float) -> np.ndarray:
    """Colours of values in -limit..limit (clipped), white at zero. `(...)` float -> `(..., 3)` uint8 RGB."""
    return _ramp(DIVERGING, np.clip(values / max(limit, 1e-12), -1.0, 1.0) / 2 + 0.5)


def _ramp(stops: tuple[str, ...], positions: np.ndarray) -> np.ndarray:
    rgb = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops], dtype=np.float64)
    places = np.linspace(0.0, 1.0, len(stops))
    channels = [np.interp(np.nan_to_num(positions), places, rgb[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
