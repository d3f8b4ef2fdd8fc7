"""The library's eager networks as graphs for ONNX Runtime, where that is installed (`make bench` installs it)."""

import importlib.util
import io
from collections.abc import Callable, Mapping

import torch

HERE = all(importlib.util.find_spec(name) for name in ("onnxruntime", "onnxscript"))


class _Everything(torch.nn.Module):
    """All that a network of transformers keeps, as one tuple."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, **inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Hidden states of all layers, then attention of all layers."""
        kept = self.network(**inputs, output_attentions=True, output_hidden_states=True)
        return (*kept.hidden_states, *kept.attentions)


def onnx_run(network: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> Callable[[], list[object]]:
    """What runs `network` on `inputs` by ONNX Runtime on as many threads as PyTorch has, everything kept."""
    import onnxruntime

    file = io.BytesIO()
    torch.onnx.export(_Everything(network), kwargs=dict(inputs), dynamo=True, verbose=False).save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    fed = {name: tensor.numpy() for name, tensor in inputs.items()}
    return lambda: session.run(None, fed)
