"""Runs that visitors may still go back to, kept in memory under a budget."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.store import Store

if TYPE_CHECKING:
    from models.diffusion.trace import DenoisingStep, Plan

BUDGET_BYTES = 256 * 2**20
MAX_AGE_SECONDS = 1800
BYTES_A_PIXEL_AND_STEP = 7 * 4 * 4  # at most seven arrays of four channels in float32


@dataclass
class SpriteRun:
    """A plan, how many steps it takes, and those made so far, in order.

    A forked run begins with steps of the one it left; `since` is the number of the first that its samplers may look
    back to. `network` names the network that made the run, if its visitor has trained it.
    """

    plan: "Plan"
    total: int
    steps: "list[DenoisingStep]" = field(default_factory=list)
    since: int = 0
    network: str = ""

    @property
    def over(self) -> bool:
        """Whether its last step is made."""
        return len(self.steps) >= self.total

    @property
    def reserved_bytes(self) -> int:
        """What the whole run may take."""
        return self.plan.count * self.total * self.plan.size**2 * BYTES_A_PIXEL_AND_STEP


RUNS: Store[SpriteRun] = Store(
    "sprite runs",
    BUDGET_BYTES,
    size=lambda run: run.reserved_bytes,
    gone="This run is no longer kept here: press Generate and fork the new one.",
    max_age=MAX_AGE_SECONDS,
)
