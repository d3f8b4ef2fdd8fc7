"""Runs that visitors may still go back to: kept in memory under a budget, the oldest forgotten first."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.errors import InputError

if TYPE_CHECKING:
    from models.diffusion.trace import DenoisingStep, Plan

BUDGET_BYTES = 256 * 2**20
BYTES_A_PIXEL_AND_STEP = 5 * 4 * 4  # at most five arrays of four channels in float32


@dataclass
class Run:
    """A plan and the steps made so far, in order.

    A forked run begins with steps of the one it left; `since` is the number of the first that its samplers may look
    back to. `network` names the network that made the run, if its visitor has trained it.
    """

    plan: "Plan"
    steps: "list[DenoisingStep]" = field(default_factory=list)
    since: int = 0
    network: str = ""
    key: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    @property
    def reserved_bytes(self) -> int:
        """What the whole run may take."""
        return self.plan.count * self.plan.steps * self.plan.size**2 * BYTES_A_PIXEL_AND_STEP


_runs: OrderedDict[str, Run] = OrderedDict()
_lock = threading.Lock()


def keep(run: Run) -> Run:
    """Remember a run, as it grows, under its key; older ones make room."""
    with _lock:
        _runs[run.key] = run
        while len(_runs) > 1 and sum(kept.reserved_bytes for kept in _runs.values()) > BUDGET_BYTES:
            _runs.popitem(last=False)
    return run


def find(key: object) -> Run:
    """The run of that key. Raises `InputError` where it is not, or no longer, kept."""
    with _lock:
        if not isinstance(key, str) or key not in _runs:
            raise InputError("This run is no longer kept here: press Generate and fork the new one.")
        _runs.move_to_end(key)
        return _runs[key]
