"""What patches know: the features of every patch after every layer, which are alike, and how far attention reaches.

Shapes: L layers, H heads, N = rows x columns patches in the order of the picture's rows, D channels. CLS is left out.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch

from models.compute import Run, compute, run_of
from models.vision.network import VisionTransformer
from models.vit.trace import VitTrace, load_vit, trace_image


@dataclass(frozen=True)
class Components:
    """The directions in which features differ most.

    values: `[N, count]` float32, where each patch lies along each direction; the mean of all patches is 0.
    directions: `[count, D]` float32, each of length 1; its entry of largest size is positive.
    shares: `[count]` float32, the part of the variance along each direction, largest first.
    """

    values: np.ndarray
    directions: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class FeaturesResult:
    """What the patches of some pictures know.

    features: `[L + 1, N, D]` of each picture. components: of every layer, over the patches of all pictures.
    distances: how far each head looks, `[L, H]` pixels of each picture; alike: the distance of a head that looks at all
    patches alike.
    """

    traces: list[VitTrace]
    features: list[np.ndarray]
    components: list[Components]
    distances: list[np.ndarray]
    alike: float
    run: Run


@compute
def features_of_pictures(model: str, pictures: list[np.ndarray]) -> FeaturesResult:
    """Trace pictures, each `(height, width, 3)` uint8, and compare their patches."""
    loaded = load_vit(model)
    start = time.perf_counter()
    traces = [trace_image(loaded.network, picture) for picture in pictures]
    features = [patch_features(trace, loaded.network) for trace in traces]
    run = run_of(loaded, time.perf_counter() - start)
    grid, patch = traces[0].grid, traces[0].patches.shape[2]
    components = [principal_components(np.concatenate(layer)) for layer in zip(*features, strict=True)]
    distances = [attention_distances(trace.attention, grid, patch) for trace in traces]
    return FeaturesResult(traces, features, components, distances, float(patch_distances(grid, patch).mean()), run)


@torch.inference_mode()
def patch_features(trace: VitTrace, network: VisionTransformer) -> np.ndarray:
    """Features of the patches before the first and after every layer, `[L + 1, N, D]` float32.

    The last are read after the last normalisation, as the network's head reads them.
    """
    last = torch.from_numpy(trace.tokens[-1]).to(network.cls.device)
    features = trace.tokens[:, 1:].copy()
    features[-1] = network.norm(last)[1:].float().cpu().numpy()
    return features


def principal_components(features: np.ndarray, count: int = 3) -> Components:
    """The first `count` principal components of `features` `[N, D]` (Pearson 1901); at most N and D of them.

    By the eigenvectors of the smaller scatter matrix: the same as the singular vectors of the centred features, sooner.
    Directions along which nothing differs are zero.
    """
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    wide = len(centred) < centred.shape[1]
    variances, vectors = np.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    variances, vectors = variances[::-1][:count], vectors[:, ::-1][:, :count]
    total = float(np.square(centred).sum())
    some = variances > 1e-9 * max(total, 1e-30)
    lengths = np.sqrt(np.where(some, variances, 1))
    directions = ((centred.T @ vectors) / lengths).T if wide else vectors.T
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    directions = directions * np.where(largest < 0, -1, 1) * some[:, None]
    return Components(
        values=(centred @ directions.T).astype(np.float32),
        directions=directions.astype(np.float32),
        shares=(np.where(some, variances, 0) / max(total, 1e-30)).astype(np.float32),
    )


def cosines(features: np.ndarray, index: int, other: np.ndarray | None = None) -> np.ndarray:
    """Cosine of the angle between patch `index` of `features` `[N, D]` and all patches, `[N]` float32.

    With `other` `[M, D]`: and all patches of that picture, `[M]`. A feature of zeros has cosine 0 with all.
    """
    return _unit(features if other is None else other) @ _unit(features[index])


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), 1e-12)


def attention_distances(
    attention: np.ndarray, grid: tuple[int, int], patch_size: int, *, patch: int | None = None
) -> np.ndarray:
    """How far each head looks: mean distance in pixels between looking and seen patch, `[L, H]` float32.

    Dosovitskiy et al. 2021, section 4.5 and appendix D.7: weighted by `attention` `[L, H, 1 + N, 1 + N]`, mean over the
    looking patches, or of one `patch` only. Distances are those of the middles of patches, `patch_size` pixels wide;
    what goes to CLS is left out, and the rest counts as all.
    """
    among = attention[:, :, 1:, 1:]
    distances = patch_distances(grid, patch_size)
    if patch is not None:
        among, distances = among[:, :, patch : patch + 1], distances[patch : patch + 1]
    weighted = np.einsum("lhij,ij->lhi", among, distances, optimize=True)
    return (weighted / np.maximum(among.sum(axis=-1), 1e-12)).mean(axis=-1).astype(np.float32)


def patch_distances(grid: tuple[int, int], patch_size: int) -> np.ndarray:
    """Distance in pixels between the middles of any two patches, `[N, N]` float32."""
    places = np.indices(grid).reshape(2, -1).T * float(patch_size)
    return np.linalg.norm(places[:, None] - places[None], axis=-1).astype(np.float32)
