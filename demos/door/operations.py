"""For whoever runs the app: health, readiness, figures for Prometheus and one log line a job.

Nothing of what visitors send or see is logged: the name of an endpoint, its lane, seconds and how it ended.
"""

import importlib.metadata
import ipaddress
import json
import logging
from collections.abc import Callable, Iterator, Mapping

from gradio.block_function import BlockFunction
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from models import hub, runtime, weights

jobs = logging.getLogger("glassbox.jobs")

SECONDS = Histogram(
    "glassbox_event_seconds",
    "Time an event takes, without waiting.",
    ["endpoint", "outcome"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
WAITED = Histogram(
    "glassbox_wait_seconds",
    "Time an event waits.",
    ["lane"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
PASSED_ON = ("x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip", "via")
"""What proxies write into the requests that they pass on."""
ANSWERS = Counter("glassbox_answers", "Answers by status.", ["status"])
REFUSALS = Counter("glassbox_refusals", "Requests, events and bytes that were refused or dropped.", ["reason"])
FRAMES_DROPPED = Counter("glassbox_frames_dropped", "Live frames that gave way to newer ones.")


def note_job(fn: BlockFunction, waited: float, seconds: float, outcome: str) -> None:
    """One event has ended."""
    endpoint = fn.api_name or fn.name or "event"
    lane = fn.concurrency_id if not str(fn.concurrency_id).isdecimal() else endpoint
    SECONDS.labels(endpoint, outcome).observe(seconds)
    WAITED.labels(lane).observe(max(0.0, waited))
    line = {"job": endpoint, "lane": lane, "waited": round(waited, 3), "seconds": round(seconds, 3), "outcome": outcome}
    jobs.info(json.dumps(line))


def note_answer(status: int) -> None:
    """One answer has begun."""
    ANSWERS.labels(str(status)).inc()
    if status in (408, 413, 415, 429, 503, 507):
        REFUSALS.labels(str(status)).inc()


async def healthz(_: Request) -> JSONResponse:
    """The process is up."""
    return JSONResponse({"status": "up", "version": importlib.metadata.version("gradio")})


async def readyz(_: Request) -> JSONResponse:
    """Every model of the catalogue: in memory, on this machine, on its way, or absent; and what is being loaded."""
    in_memory = set(runtime.names_in_memory())
    states = {
        entry.name: "in memory"
        if entry.name in in_memory
        else hub.state_of(entry.name).status
        if entry.kind == "hub"
        else "on this machine"
        for entry in weights.CATALOGUE.values()
    }
    hub_names = [entry.name for entry in weights.CATALOGUE.values() if entry.kind == "hub"]
    downloads = {name: (hub.state_of(name).status, hub.describe(name)) for name in hub_names}
    loading = [weights.find(name).title for name in runtime.names_being_loaded()]
    return JSONResponse({"mode": weights.mode(), "models": states, "downloads": downloads, "loading": loading})


class Figures(Collector):
    """Values that are read when Prometheus asks: a name, what it says, a label, and where the values come from."""

    def __init__(self, *sources: tuple[str, str, str, Callable[[], Mapping[str, float]]]) -> None:
        self._sources = sources

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All of them, now."""
        for name, about, label, values in self._sources:
            family = GaugeMetricFamily(f"glassbox_{name}", about, labels=[label])
            for key, value in values().items():
                family.add_metric([key], value)
            yield family


async def metrics(request: Request) -> Response:
    """Figures for Prometheus, given only within this machine's own network."""
    if not is_private(request):
        return JSONResponse({"error": "Figures are given to this machine's own network only."}, 403)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def is_private(request: Request) -> bool:
    """Whether a request comes from this machine's own network, and was not passed on by anybody."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return False
    return address.is_private and not any(name in request.headers for name in PASSED_ON)
