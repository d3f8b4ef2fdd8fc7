"""One budget for what stays in memory, `GLASSBOX_MEMORY_GB`: libraries, loaded networks, what is kept for visitors.

Of what the libraries leave, a quarter is for work in progress and a quarter at most for what visitors may come back to
(`models.store`); networks with their exports take the rest (`models.runtime`).
"""

import ctypes
import os
from pathlib import Path

BUDGET_BYTES = int(float(os.environ.get("GLASSBOX_MEMORY_GB", "4")) * 2**30)
LIBRARIES_BYTES = 620 * 2**20
"""Python, PyTorch, Transformers and Gradio without networks, once every tab was used (`tests/app/test_memory.py`)."""
ROOM_BYTES = max(BUDGET_BYTES - LIBRARIES_BYTES, BUDGET_BYTES // 4)
KEPT_BYTES = ROOM_BYTES // 4
STAYING_BYTES = 3 * ROOM_BYTES // 4
"""What networks, their exports and what is kept for visitors may take together."""


def resident_bytes() -> int:
    """What this process takes of the machine's memory; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def give_back() -> None:
    """Give free memory back to the machine, which glibc otherwise keeps after a large job; elsewhere nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
