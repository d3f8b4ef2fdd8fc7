"""Runs that visitors may still go back to: kept in memory under a budget, the oldest forgotten first."""

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.diffusion.kept import Kept

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


SPRITES: Kept[Run] = Kept(BUDGET_BYTES)
keep, find = SPRITES.keep, SPRITES.find
