"""A classifier of one's own as one ONNX file: the backbone, what was trained, and the names of the classes.

It takes a square of pixels and gives probabilities, so that whoever uses it needs neither PyTorch nor this project.
Such files are written here and never read.
"""

import json

import numpy as np
import torch
from torch import nn

from models import runtime
from models.compute import compute
from models.vision import library
from models.vision.network import Block, SelfAttention, VisionTransformer
from models.vision.onnx_file import Graph
from models.vit.own_classes import OWN
from models.vit.own_training import OwnClassifier

NAME = "classes.onnx"


@compute
def onnx_of_own(name: str) -> bytes:
    """The file of the kept classifier of that name. Raises `InputError` where it is gone."""
    own = OWN.find(name)
    return write(own, runtime.load(own.backbone, library.load).network)


def write(own: OwnClassifier, network: VisionTransformer) -> bytes:
    """ONNX of `own` on its backbone: `pixels` `[1, side, side, 3]` uint8 to `probabilities` `[1, C]` float32."""
    graph, preprocessing = Graph("own classes"), network.preprocessing
    side, patch = preprocessing.size // network.shape.patch_size, network.shape.patch_size
    values = graph.add("Cast", "pixels", to=1)
    mean, std = (255 * np.array(part, np.float32) for part in (preprocessing.mean, preprocessing.std))
    values = graph.add("Div", graph.add("Sub", values, mean), std)
    values = graph.add("Reshape", values, np.array([side, patch, side, patch, 3]))
    values = graph.add("Transpose", values, perm=(0, 2, 1, 3, 4))
    values = graph.add("Reshape", values, np.array([side * side, patch * patch * 3]))
    tokens = graph.add("Concat", _array(network.cls)[0], _linear(graph, values, network.embed), axis=0)
    tokens = graph.add("Add", tokens, _array(network.position_embeddings(side, side))[0])
    kept = len(network.blocks) - len(own.tail)
    for block in [*list(network.blocks)[:kept], *own.tail]:
        assert isinstance(block, Block)
        tokens = _block(graph, tokens, block)
    tokens = _norm(graph, tokens, own.norm or network.norm)
    logits = _linear(graph, _pooled(graph, tokens, network), own.head)
    graph.rename(graph.add("Softmax", logits, axis=-1), "probabilities")
    pixels = patch * side
    return graph.file(
        {"pixels": (np.dtype(np.uint8), (1, pixels, pixels, 3))},
        {"probabilities": (np.dtype(np.float32), (1, len(own.labels)))},
        {"labels": json.dumps(own.labels, ensure_ascii=False), "backbone": own.backbone},
    )


def _pooled(graph: Graph, tokens: str, network: VisionTransformer) -> str:
    cls = graph.add("Slice", tokens, np.array([0]), np.array([1]), np.array([0]))
    if network.shape.pool == "cls":
        return cls
    patches = graph.add("Slice", tokens, np.array([1]), np.array([2**31]), np.array([0]))
    return graph.add("Concat", cls, graph.add("ReduceMean", patches, axes=(0,), keepdims=1), axis=1)


def _block(graph: Graph, tokens: str, block: Block) -> str:
    attended = _attention(graph, _norm(graph, tokens, block.norm1), block.attention)
    tokens = graph.add("Add", tokens, _scaled(graph, attended, block.scale1))
    inner = _linear(graph, _norm(graph, tokens, block.norm2), block.expand)
    bent = graph.add("Erf", graph.add("Div", inner, np.array(2**0.5, np.float32)))
    bent = graph.add("Mul", inner, graph.add("Add", bent, np.array(1, np.float32)))
    bent = graph.add("Mul", bent, np.array(0.5, np.float32))
    return graph.add("Add", tokens, _scaled(graph, _linear(graph, bent, block.contract), block.scale2))


def _attention(graph: Graph, tokens: str, attention: SelfAttention) -> str:
    heads, width = attention.heads, attention.query.in_features
    split = np.array([-1, heads, width // heads])

    def by_head(layer: nn.Linear, perm: tuple[int, int, int]) -> str:
        return graph.add("Transpose", graph.add("Reshape", _linear(graph, tokens, layer), split), perm=perm)

    query, key = by_head(attention.query, (1, 0, 2)), by_head(attention.key, (1, 2, 0))
    scores = graph.add("Div", graph.add("MatMul", query, key), np.array((width // heads) ** 0.5, np.float32))
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), by_head(attention.value, (1, 0, 2)))
    joined = graph.add("Reshape", graph.add("Transpose", mixed, perm=(1, 0, 2)), np.array([-1, width]))
    return _linear(graph, joined, attention.output)


def _linear(graph: Graph, tokens: str, layer: nn.Linear) -> str:
    return graph.add("Add", graph.add("MatMul", tokens, _array(layer.weight).T.copy()), _array(layer.bias))


def _norm(graph: Graph, tokens: str, norm: nn.Module) -> str:
    assert isinstance(norm, nn.LayerNorm)
    scale, shift = _array(norm.weight), _array(norm.bias)
    return graph.add("LayerNormalization", tokens, scale, shift, axis=-1, epsilon=float(norm.eps))


def _scaled(graph: Graph, tokens: str, scale: nn.Module) -> str:
    if isinstance(scale, nn.Identity):
        return tokens
    return graph.add("Mul", tokens, _array(next(scale.parameters())))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().float().cpu().numpy()
