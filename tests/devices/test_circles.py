"""What a computed function has used is free when it ends: nothing large waits in a circle for Python's collector, which
counts objects and not bytes and may not come for minutes.
"""

import gc

import pytest
import torch

from tests.devices.test_devices import CASES, LARGE, READERS_OF_THE_HUB

MOST_BYTES = 16 * 2**20
EMBEDDED = [case for case in CASES if "of the hub" not in case and not case.endswith((*READERS_OF_THE_HUB, *LARGE))]


def tensor_bytes():
    """Bytes of all tensors that are alive, each storage once."""
    tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor) and one.layout is torch.strided]
    storages = [one.untyped_storage() for one in tensors]
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


@pytest.mark.slow
@pytest.mark.parametrize("case", EMBEDDED)
def test_nothing_large_waits_for_the_collector(case):
    gc.collect()
    gc.disable()
    try:
        CASES[case]()
        left = tensor_bytes()
        gc.collect()
        assert left - tensor_bytes() < MOST_BYTES
    finally:
        gc.enable()
