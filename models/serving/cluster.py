"""Ray: joined or started, replicas deployed, lines to them. The only module that imports it, when a cluster is used."""

import contextlib
import functools
import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from models.serving.engine import Line, ServingEngine
from models.serving.plan import CONCEPTS, Deployment, read_plan
from models.serving.replica import Replica
from models.serving.sentences import log

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle  # pyright: ignore[reportMissingImports]

ANSWER_SECONDS = 180.0
"""For a result, or the next step of a stream; the first of a replica waits until its network is loaded."""
KNOCK_SECONDS, LOOK_SECONDS, RETRY_SECONDS, FIRST_SECONDS = 3.0, 5.0, 20.0, 60.0
DAY_SECONDS = 86400
STORE_BYTES = 200 * 2**20
NOT_INSTALLED = "Ray is not installed: pip install -r requirements-scale.txt"


class RayLine:
    """The way to one deployment."""

    def __init__(self, handle: "DeploymentHandle") -> None:
        self._handle = handle

    def ask(self, data: bytes) -> bytes:
        """The answer of one replica."""
        response = self._handle.answer.remote(data)
        try:
            return response.result(timeout_s=ANSWER_SECONDS)
        except TimeoutError:
            response.cancel()
            raise

    def stream(self, data: bytes) -> Iterator[bytes]:
        """The steps of one replica; it is told to stop where nobody asks for more, or the next one takes too long."""
        response = self._handle.options(stream=True).stream.remote(data)
        ended = False
        try:
            while not ended:
                with _deadline(response):
                    step = next(response, None)
                ended = step is None
                if step is not None:
                    yield step
        finally:
            if not ended:
                response.cancel()

    def tell(self, name: str) -> None:
        """Pass a wish on to every replica; one that is lost has no job any more."""
        with contextlib.suppress(Exception):
            self._handle.broadcast("wish", name).results(timeout_s=5, return_exceptions=True)


@contextlib.contextmanager
def _deadline(response: Any) -> Iterator[None]:
    timer = threading.Timer(ANSWER_SECONDS, response.cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class Cluster:
    """A cluster that is joined, or started on this machine, beside whatever else goes on.

    address: HOST:PORT of its head, or empty to start one here.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._lines: Mapping[str, Line] = {}
        self._tried, self._left = threading.Event(), threading.Event()
        threading.Thread(target=self._stay_joined, daemon=True, name="cluster").start()

    def lines(self) -> Mapping[str, Line]:
        """The way to each concept's replicas; none as long as the cluster does not answer."""
        self._tried.wait(FIRST_SECONDS)
        return self._lines

    def leave(self) -> None:
        """Compute here from now on, and look for the cluster no more."""
        self._left.set()
        self._lines = {}

    def _stay_joined(self) -> None:
        """Join, look whether the head is still there, join again. A Ray that was started here ends with this thread."""
        while not self._left.is_set():
            try:
                head = join(self.address)
                if not self.address:
                    deploy(read_plan())
                self._lines = lines()
                log.warning("computing on %s", self.address or "replicas on this machine")
                self._tried.set()
                while not self._left.wait(LOOK_SECONDS):
                    knock(head)
            except Exception as error:
                log.warning("%s Computing here meanwhile.", reason(error, self.address))
            self._lines = {}
            self._tried.set()
            self._left.wait(RETRY_SECONDS)


def engine_for(named: str) -> ServingEngine:
    """The engine of `--engine ray` or `--engine ray:HOST:PORT`. Raises `ValueError` with a sentence for any other."""
    kind, _, address = named.partition(":")
    if kind != "ray":
        raise ValueError(f"There is no engine {named!r}: ray, or ray:HOST:PORT.")
    if address and not re.fullmatch(r"[^:/\s]+:\d{1,5}", address):
        raise ValueError(f"{address!r} is no HOST:PORT of a cluster.")
    try:
        import ray  # noqa: F401  # pyright: ignore[reportMissingImports, reportUnusedImport]
    except ImportError:
        raise ValueError(NOT_INSTALLED) from None
    return ServingEngine(Cluster(address).lines)


def knock(address: str) -> None:
    """Raises `OSError` where nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host, int(port)), KNOCK_SECONDS).close()


def join(address: str) -> str:
    """Become part of the cluster whose head is there; with none, start one here. Returns the head's address."""
    os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(DAY_SECONDS))  # else Ray ends the process
    import ray  # pyright: ignore[reportMissingImports]

    if ray.is_initialized():
        ray.shutdown()
    quiet = {"log_to_driver": False, "logging_level": "warning", "include_dashboard": None if address else False}
    if not address:
        cores = max(2, os.cpu_count() or 1)
        ray.init(num_cpus=cores, object_store_memory=STORE_BYTES, **quiet)
    else:
        knock(address)
        ray.init(address=address, **quiet)
    return ray.get_runtime_context().gcs_address


def deploy(plan: Mapping[str, Deployment]) -> None:
    """Put replicas of every concept on the cluster that was joined, or change those that are there."""
    from ray import serve  # pyright: ignore[reportMissingImports]

    serve.start(proxy_location="Disabled")
    serve.run_many(
        [
            serve.RunTarget(application({"concept": name, **vars(settings)}), name=_name(name), route_prefix=None)
            for name, settings in plan.items()
        ]
    )


def application(settings: Mapping[str, Any]) -> Any:
    """The Serve application of `settings["concept"]`, as files of Serve ask for it; the rest as in `Deployment`."""
    from ray import serve  # pyright: ignore[reportMissingImports]

    concept, told = settings["concept"], {key: value for key, value in settings.items() if key != "concept"}
    plan = replace(Deployment(), **told)
    scaling = {"min_replicas": plan.replicas, "max_replicas": plan.most, "target_ongoing_requests": plan.ongoing / 2}
    threads = plan.threads or os.environ.get("GLASSBOX_THREADS") or os.environ.get("OMP_NUM_THREADS") or os.cpu_count()
    told_to = {"GLASSBOX_MEMORY_GB": str(plan.memory_gb), "GLASSBOX_THREADS": str(threads)}
    told_to |= {key: value for key, value in os.environ.items() if key in ("GLASSBOX_MODELS", "GLASSBOX_LOCAL_MODELS")}
    gather = functools.partial(serve.batch, max_batch_size=plan.batch, batch_wait_timeout_s=plan.wait_ms / 1000)
    return (
        serve.deployment(Replica)
        .options(
            name=concept,
            num_replicas=plan.replicas if plan.most <= plan.replicas else "auto",
            autoscaling_config=scaling if plan.most > plan.replicas else None,
            max_ongoing_requests=plan.ongoing,
            max_queued_requests=plan.queued,
            health_check_period_s=2,  # how soon a lost replica is replaced
            health_check_timeout_s=30,
            graceful_shutdown_timeout_s=5,
            ray_actor_options={
                "num_cpus": plan.cpus,
                "num_gpus": plan.gpus,
                "runtime_env": {"env_vars": told_to},
            },
        )
        .bind(plan.ongoing, gather if plan.batch > 1 else None)
    )


def lines() -> dict[str, Line]:
    """The way to the replicas of every concept. Raises `LookupError` where the cluster has none."""
    from ray import serve  # pyright: ignore[reportMissingImports]

    running = serve.status().applications
    if missing := [name for name in CONCEPTS if _name(name) not in running]:
        raise LookupError(f"The cluster has no replicas of {', '.join(missing)}: python -m models.serving ADDRESS.")
    return {name: RayLine(serve.get_app_handle(_name(name))) for name in CONCEPTS}


def reason(error: Exception, address: str) -> str:
    """Why a cluster was not joined, for the operator's log."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, LookupError | ValueError):
        return said
    if "ersion mismatch" in str(error):
        return f"The cluster at {address} runs another version of Ray or Python than this machine ({said})."
    return f"The cluster at {address or 'this machine'} does not answer ({type(error).__name__}: {said})."


def _name(concept: str) -> str:
    return f"glassbox-{concept}"
