"""A device imitated for one test: the app believes it has it, and everything runs in the test's own thread."""

import pytest
import torch

from models import compute, runtime
from models.attention.runs import RUNS
from tests.devices.imitation import Imitated

KINDS = {
    "cuda": {"kind": "cuda"},
    "cuda before Ampere": {"kind": "cuda", "bfloat16": False},
    "mps": {"kind": "mps", "float64": False, "bfloat16": False},
}
CACHED = (runtime.device, runtime.takes_bfloat16, runtime.has_bfloat16)


def forget():
    for function in CACHED:
        function.cache_clear()


@pytest.fixture(scope="module", params=KINDS)
def device(request):
    """An imitated device with networks of its own; they stay loaded for the tests of a file."""
    device = Imitated(**KINDS[request.param])
    with pytest.MonkeyPatch.context() as patch, device.parameters():
        patch.setenv("GLASSBOX_DEVICE", device.kind)
        patch.setattr(runtime, "_loaded", type(runtime._loaded)())
        patch.setattr(RUNS, "_kept", type(RUNS._kept)())
        patch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: device.bfloat16)
        patch.setattr(torch.cuda, "mem_get_info", lambda *_: (2**40, 2**40))
        patch.setattr(torch.cuda, "synchronize", lambda *_: None)
        forget()
        yield device
    forget()


@pytest.fixture
def on_device(device):
    """The rest of the test runs where the device is, every computed function in this very thread."""
    with compute._one_job(), device:
        yield device
