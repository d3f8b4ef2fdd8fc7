"""Runs of large models: kept for a while, so that visitors may go back to any step."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.store import Store

if TYPE_CHECKING:
    from models.diffusion.large.trace import LargeStep, Request

BUDGET_BYTES = 512 * 2**20
MAX_AGE_SECONDS = 1800


@dataclass
class LargeRun:
    """A request to a model of the catalogue, how many steps the run has, and those made so far.

    A forked run begins with those of the one it left.
    """

    model: str
    request: "Request"
    total: int
    steps: "list[LargeStep]" = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether its last step is made."""
        return len(self.steps) >= self.total


LARGE_RUNS: Store[LargeRun] = Store(
    "runs of large models",
    BUDGET_BYTES,
    size=lambda run: sum(step.nbytes for step in run.steps),
    gone="This run is no longer kept here: press Generate for a new one.",
    max_age=MAX_AGE_SECONDS,
)
