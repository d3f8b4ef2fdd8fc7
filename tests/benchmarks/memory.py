"""What the process takes, in megabytes: after the start, and after each tab has opened on its example."""

from collections.abc import Iterator

from demos import DEMOS
from tests.abuse.visitors import Visitor
from tests.benchmarks.rows import Row
from tests.conftest import running_app
from tests.jobs import Starter, figures


def resident(visitor):
    return figures(visitor)["process_resident_memory_bytes"] / 2**20


def rows() -> Iterator[Row]:
    """The rows of this file; each tab comes on top of those before it."""
    with running_app("--models", "embedded") as url, Visitor(url) as visitor:
        yield Row("after the start", (resident(visitor),), unit="MB")
        starter = Starter(visitor)
        for slug in DEMOS:
            opening = next(
                job for job in map(starter.pages.job, starter.pages.events) if job.name.startswith(f"open_{slug}")
            )
            *_, last = starter.messages(opening)
            assert last["success"], last["output"]
            yield Row(f"and {slug} opened", (resident(visitor),), unit="MB")
