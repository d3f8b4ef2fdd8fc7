"""A device imitated for one test: the app believes it has it, and everything runs in the test's own thread."""

import functools

import pytest
import torch

from models import compute, hub, runtime, weights
from models.attention.runs import RUNS
from models.detection import export
from tests.devices.imitation import Imitated
from tests.hub.checkpoints import MAKERS

KINDS = {
    "cuda": {"kind": "cuda"},
    "cuda before Ampere": {"kind": "cuda", "bfloat16": False},
    "mps": {"kind": "mps", "float64": False, "bfloat16": False},
}
CACHED = (runtime.device, runtime.has_bfloat16)


def forget():
    for function in CACHED:
        function.cache_clear()


class Done:
    """In the place of `torch.Event`: what was begun on an imitated device is done at once."""

    def __init__(self, *_, **__):
        pass

    def record(self, *_):
        return None

    wait = synchronize = record

    def query(self):
        return True


class Inline:
    """Runs computed functions where they are called, also those that others call, and remembers which."""

    def __init__(self):
        self.ran = set()

    def run(self, task, arguments, named):
        self.ran.add(task.name)
        return task.function(*arguments, **named)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """`made(name)`: the folder of a tiny model of the hub."""
    folder = tmp_path_factory.mktemp("made")

    @functools.cache
    def made_(name):
        MAKERS[name](folder / name)
        return folder / name

    return made_


@pytest.fixture(scope="module", params=[pytest.param("cuda", marks=pytest.mark.slow), "cuda before Ampere", "mps"])
def device(request, made):
    """An imitated device with networks of its own; they stay loaded for the tests of a file."""
    device = Imitated(**KINDS[request.param])
    device.ran, device.cases = set(), set()
    with pytest.MonkeyPatch.context() as patch, device.parameters():
        patch.setenv("GLASSBOX_DEVICE", device.kind)
        patch.setattr(runtime, "_loaded", type(runtime._loaded)())
        patch.setattr(RUNS, "_kept", type(RUNS._kept)())
        patch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: device.bfloat16)
        patch.setattr(torch.cuda, "mem_get_info", lambda *_: (2**40, 2**40))
        patch.setattr(torch.cuda, "synchronize", lambda *_: None)
        patch.setattr(torch, "autocast", device.autocast)
        patch.setattr(torch, "Event", Done)
        patch.setattr(export, "_has_fast_path", lambda _: False)  # it is prepared in a thread of its own
        patch.setattr(weights, "_hub_folder", lambda entry: made(entry.name))
        patch.setattr(hub, "is_here", lambda _: True)
        forget()
        yield device
    forget()


@pytest.fixture
def on_device(device):
    """The rest of the test runs where the device is, every computed function in this very thread."""
    engine = Inline()
    with compute.using(engine), device:
        yield device
    device.ran |= engine.ran
