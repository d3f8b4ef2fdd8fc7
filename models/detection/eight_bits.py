"""A detector's OpenVINO graph with its matrix products in 8 bits: what goes in and out of them is rounded to 256 steps.

The ranges that the steps divide were measured on training pictures by `models.recipes.detection.eight_bits` and lie
beside the weights; those of the weights are their own largest values, output channel by output channel (Jacob et al.
2018, arXiv 1712.05877, section 2). Where a processor multiplies bytes in one instruction this takes a third of the time
of float32; what is not a matrix product stays in float32.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import WeightsError

FILE = "eight_bits.json"
STEPS, WEIGHT_STEPS = 256, 255


def insert_rounding(model: Any, file: Path) -> None:
    """Round what the file names in an `openvino.Model`, in place; OpenVINO then computes it in 8 bits.

    `outputs`: {node: [lowest, highest]} of what a node gives; `inputs`: the same of what goes into a node's first
    input; `weights`: {node: room} of nodes whose second input is a constant (output channels, ...) of weights, whose
    range is `room` times their own: 2 where sums would overflow on processors that add products up in 16 bits.

    Raises `WeightsError` where the graph has no such node: it was made by another version of the libraries.
    """
    ranges = json.loads(file.read_text())
    nodes = {node.get_friendly_name(): node for node in model.get_ops()}
    if absent := [name for part in ("outputs", "inputs", "weights") for name in ranges[part] if name not in nodes]:
        raise WeightsError(f"the ranges for 8 bits are of another graph ({absent[0][:100]} is not in this one).")
    for name, (low, high) in ranges["outputs"].items():
        given = nodes[name].output(0)
        readers = given.get_target_inputs()
        rounded = _rounded(given, np.float32(low), np.float32(high), STEPS)
        for reader in readers:
            reader.replace_source_output(rounded)
    for name, (low, high) in ranges["inputs"].items():
        place = nodes[name].input(0)
        place.replace_source_output(_rounded(place.get_source_output(), np.float32(low), np.float32(high), STEPS))
    for name, room in ranges["weights"].items():
        place = nodes[name].input(1)
        values = place.get_source_output().get_node().data
        highest = np.float32(room) * np.abs(values).max(axis=tuple(range(1, values.ndim)), keepdims=True)
        place.replace_source_output(_rounded(place.get_source_output(), -highest, highest, WEIGHT_STEPS))
    model.validate_nodes_and_infer_types()


def _rounded(value: Any, low: np.ndarray | np.float32, high: np.ndarray | np.float32, steps: int) -> Any:
    from openvino import opset13

    return opset13.fake_quantize(value, low, high, low, high, steps).output(0)
