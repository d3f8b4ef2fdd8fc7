"""Vision Transformers as the transformers library stores them: read DINOv2 and ViT folders, write DINOv2 ones.

Only `config.json`, `preprocessor_config.json` and `model.safetensors` are read, from a local folder; nothing is run.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from models.errors import WeightsError
from models.vision.network import Architecture, VisionTransformer
from models.vision.preprocessing import HALF, Preprocessing, load_preprocessing

_BLOCK_NAMES = {
    "dinov2": {
        "norm1": "norm1",
        "norm2": "norm2",
        "mlp.fc1": "expand",
        "mlp.fc2": "contract",
    },
    "vit": {
        "layernorm_before": "norm1",
        "layernorm_after": "norm2",
        "intermediate.dense": "expand",
        "output.dense": "contract",
    },
}
_ATTENTION_NAMES = {
    "attention.attention.query": "attention.query",
    "attention.attention.key": "attention.key",
    "attention.attention.value": "attention.value",
    "attention.output.dense": "attention.output",
}
_UNUSED = ("pooler.", "embeddings.mask_token")


def load(folder: Path) -> VisionTransformer:
    """A DINOv2 or ViT folder of the transformers library as a network of this project, in float32.

    Raises `WeightsError` for another architecture, and for tensors that are missing, unknown or of another shape.
    """
    config = json.loads((folder / "config.json").read_text())
    shape = _architecture(config, title=folder.name)
    stored = load_file(folder / "model.safetensors")
    vit_default = Preprocessing(size=config["image_size"], shorter_side=None, mean=HALF, std=HALF, resample=2)
    preprocessing = load_preprocessing(folder, Preprocessing() if shape.layer_scale else vit_default)
    network = VisionTransformer(shape, _labels(config, stored), preprocessing)
    try:
        network.load_state_dict(_from_library(stored, config["model_type"], shape.layers))
    except RuntimeError:
        raise WeightsError(f"The weights in {folder.name} do not fit the architecture in its config.json.") from None
    return network


def to_library_state(network: VisionTransformer) -> dict[str, torch.Tensor]:
    """The tensors of a DINOv2 network under the names of the library's `Dinov2ForImageClassification`."""
    library_names = {ours: theirs for theirs, ours in _names("dinov2", network.shape.layers).items()}
    state = {}
    for name, tensor in network.state_dict().items():
        if name == "embed.weight":
            patch = network.shape.patch_size
            tensor = tensor.unflatten(1, (patch, patch, 3)).permute(0, 3, 1, 2)
        prefix = "" if name.startswith("head.") else "dinov2."
        state[prefix + library_names[name]] = tensor.contiguous()
    return state


def library_config(network: VisionTransformer) -> dict[str, Any]:
    """The library's `config.json` for a DINOv2 network."""
    shape = network.shape
    return {
        "architectures": ["Dinov2ForImageClassification"],
        "model_type": "dinov2",
        "hidden_size": shape.width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "mlp_ratio": shape.mlp_width // shape.width,
        "hidden_act": "gelu",
        "layer_norm_eps": shape.epsilon,
        "image_size": shape.grid * shape.patch_size,
        "patch_size": shape.patch_size,
        "num_channels": 3,
        "qkv_bias": True,
        "use_swiglu_ffn": False,
        "use_mask_token": False,
        "id2label": {str(index): label for index, label in enumerate(network.labels)},
        "label2id": {label: index for index, label in enumerate(network.labels)},
    }


def _architecture(config: dict[str, Any], *, title: str) -> Architecture:
    kind = config.get("model_type")
    if kind not in _BLOCK_NAMES or config.get("use_swiglu_ffn") or config.get("hidden_act", "gelu") != "gelu":
        raise WeightsError(f"{title} is not a ViT or DINOv2 network of the kind this project reads.")
    dinov2 = kind == "dinov2"
    width = config["hidden_size"]
    return Architecture(
        patch_size=config["patch_size"],
        grid=config["image_size"] // config["patch_size"],
        width=width,
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        mlp_width=int(width * config.get("mlp_ratio", 4)) if dinov2 else config["intermediate_size"],
        epsilon=config.get("layer_norm_eps", 1e-6 if dinov2 else 1e-12),
        layer_scale=dinov2,
        pool="cls+mean" if dinov2 else "cls",
    )


def _labels(config: dict[str, Any], stored: dict[str, torch.Tensor]) -> list[str]:
    if "classifier.weight" not in stored:
        return []
    names = config.get("id2label", {})
    return [str(names.get(str(index), f"class {index}")) for index in range(len(stored["classifier.weight"]))]


def _from_library(stored: dict[str, torch.Tensor], kind: str, layers: int) -> dict[str, torch.Tensor]:
    names = _names(kind, layers)
    state = {}
    for library_name, tensor in stored.items():
        key = library_name.removeprefix(f"{kind}.")
        if key.startswith(_UNUSED):
            continue
        if key not in names:
            raise WeightsError(f"The weight file holds an unknown tensor, {library_name[:80]}.")
        tensor = tensor.float()
        state[names[key]] = tensor.permute(0, 2, 3, 1).flatten(1) if names[key] == "embed.weight" else tensor
    return state


def _names(kind: str, layers: int) -> dict[str, str]:
    """`{the library's name: the name here}` of every tensor, without the library's `dinov2.` or `vit.` prefix."""
    modules = {"embeddings.patch_embeddings.projection": "embed", "layernorm": "norm", "classifier": "head"}
    names = {"embeddings.cls_token": "cls", "embeddings.position_embeddings": "positions"}
    for layer in range(layers):
        for theirs, ours in (_BLOCK_NAMES[kind] | _ATTENTION_NAMES).items():
            modules[f"encoder.layer.{layer}.{theirs}"] = f"blocks.{layer}.{ours}"
        if kind == "dinov2":
            for scale in (1, 2):
                names[f"encoder.layer.{layer}.layer_scale{scale}.lambda1"] = f"blocks.{layer}.scale{scale}.factor"
    for theirs, ours in modules.items():
        names |= {f"{theirs}.{part}": f"{ours}.{part}" for part in ("weight", "bias")}
    return names
