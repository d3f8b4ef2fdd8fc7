"""A detector's OpenVINO graph with its matrix products in 8 bits: what goes in and out of them is rounded to 256 steps.

What the steps divide was measured on training pictures by `models.recipes.detection.eight_bits` and lies beside the
weights: the range of the values (Jacob et al. 2018, arXiv 1712.05877, section 2), and by how much each channel is made
smaller and its weights larger, so that few large channels do not take all steps (SmoothQuant, Xiao et al. 2022, arXiv
2211.10438, section 4). The ranges of weights are their own largest values, output channel by output channel. Where a
processor adds up products of bytes in one instruction this takes a third of the time of float32; what is not a matrix
product stays in float32.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from models.errors import WeightsError

FILE = "eight_bits.safetensors"
STEPS, WEIGHT_STEPS = 256, 255


def insert_rounding(model: Any, file: Path) -> None:
    """Round what the file names in an `openvino.Model`, in place; OpenVINO then computes it in 8 bits.

    `smooth/NODE`: (channels,) what a node gives is multiplied by, for the products of matrices that read it; their
    weights are divided by it. `output/NODE`: (2,) lowest and highest of what a node then gives. `input/NODE`: the same
    of what goes into a node's first input. `weights`, in the head: nodes whose second input is weights (out, ...).

    Raises `WeightsError` where the graph has no such node: it was made by another version of the libraries.
    """
    nodes = {node.get_friendly_name(): node for node in model.get_ops()}
    with safe_open(file, "np") as kept:
        named = [(*key.split("/", 1), kept.get_tensor(key)) for key in kept.keys()]  # noqa: SIM118 not a dictionary
        weights = json.loads(kept.metadata()["weights"])
    if absent := {name for _, name, _ in named}.union(weights) - set(nodes):
        raise WeightsError(f"what is kept for 8 bits is of another graph ({min(absent)[:100]} is not in this one).")
    for name, scale in ((name, values) for kind, name, values in named if kind == "smooth"):
        nodes[name] = _smooth(nodes[name], scale)
    for kind, name, values in named:
        if kind == "output":
            given = nodes[name].output(0)
            readers = given.get_target_inputs()
            rounded = _rounded(given, values[0], values[1], STEPS)
            for reader in readers:
                reader.replace_source_output(rounded)
        elif kind == "input":
            place = nodes[name].input(0)
            place.replace_source_output(_rounded(place.get_source_output(), values[0], values[1], STEPS))
    for name in weights:
        place = nodes[name].input(1)
        values = place.get_source_output().get_node().data
        highest = np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
        place.replace_source_output(_rounded(place.get_source_output(), -highest, highest, WEIGHT_STEPS))
    model.validate_nodes_and_infer_types()


def _smooth(node: Any, scale: np.ndarray) -> Any:
    """The node that gives `scale` times what `node` gives to the products that read it, whose weights undo it."""
    from openvino import opset13

    readers = [place for place in node.output(0).get_target_inputs() if place.get_node().get_type_name() == "MatMul"]
    smooth = opset13.multiply(node.output(0), scale.reshape(1, 1, -1))
    for place in readers:
        weights = place.get_node().input(1)
        values = weights.get_source_output().get_node().data
        weights.replace_source_output(opset13.constant(values / scale).output(0))
        place.replace_source_output(smooth.output(0))
    return smooth


def _rounded(value: Any, low: np.ndarray | np.float32, high: np.ndarray | np.float32, steps: int) -> Any:
    from openvino import opset13

    return opset13.fake_quantize(value, low, high, low, high, steps).output(0)
