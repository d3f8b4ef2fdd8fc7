"""Ray: joined or started, replicas deployed, lines to them. The only module that imports it, when a cluster is used."""

import contextlib
import functools
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from models.serving.engine import Line, ServingEngine
from models.serving.plan import CONCEPTS, MARKED, Deployment, fits, is_own, needs_of, read_plan
from models.serving.replica import Replica
from models.serving.sentences import NoReplicaError, log, sentence_of

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle  # pyright: ignore[reportMissingImports]

ANSWER_SECONDS = 180.0
"""For a result, or the next step of a stream; the first of a replica waits until its network is loaded."""
KNOCK_SECONDS, LOOK_SECONDS, RETRY_SECONDS, FIRST_SECONDS = 3.0, 5.0, 20.0, 60.0
"""For a connection; between two looks at what there is, and two tries to join; until first clicks are computed here."""
DAY_SECONDS = 86400
STORE_BYTES = 200 * 2**20
GONE = "the replicas have gone, and no node can hold others"
NOT_INSTALLED = "Ray is not installed: pip install -r requirements-scale.txt"


class RayLine:
    """The way to one deployment."""

    def __init__(self, handle: "DeploymentHandle") -> None:
        self._handle = handle
        self.absent = False
        """Its replicas are not to be had for now: who waits for one should not go on waiting."""

    def ask(self, data: bytes) -> bytes:
        """The answer of one replica. Raises `NoReplicaError` where there is none any more."""
        response = self._handle.answer.remote(data)
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return response.result(timeout_s=LOOK_SECONDS)
            except TimeoutError as error:
                if sentence_of(error) is None:  # the computed function's own
                    raise
                if not (self.absent or time.monotonic() > until):
                    continue
                response.cancel()
                if self.absent:
                    raise NoReplicaError(GONE) from None
                raise

    def stream(self, data: bytes) -> Iterator[bytes]:
        """The steps of one replica; it is told to stop where nobody asks for more, or the next one takes too long."""
        response = self._handle.options(stream=True).stream.remote(data)
        ended = False
        try:
            while not ended:
                try:
                    with _Watch(self, response):
                        step = next(response, None)
                except Exception:
                    if self.absent:
                        raise NoReplicaError(GONE) from None
                    raise
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


class _Watch:
    """While entered, cancels a response that takes too long, or whose replicas have gone meanwhile."""

    def __init__(self, line: RayLine, response: Any) -> None:
        self._line, self._response, self._until = line, response, time.monotonic() + ANSWER_SECONDS
        self._left = threading.Event()

    def __enter__(self) -> None:
        self._again()

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._timer.cancel()

    def _again(self) -> None:
        self._timer = threading.Timer(LOOK_SECONDS, self._look)
        self._timer.daemon = True
        self._timer.start()

    def _look(self) -> None:
        if self._left.is_set():
            return
        if self._line.absent or time.monotonic() > self._until:
            self._response.cancel()
        else:
            self._again()


class Cluster:
    """A cluster that is joined, or started on this machine, beside whatever else goes on.

    address: HOST:PORT of its head, or empty to start one here.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._lines: dict[str, RayLine] = {}
        self._tried, self._left = threading.Event(), threading.Event()
        threading.Thread(target=self._stay_joined, daemon=True, name="cluster").start()
        self._late = threading.Timer(FIRST_SECONDS, self._go_on)
        self._late.daemon = True
        self._late.start()

    def lines(self) -> Mapping[str, Line]:
        """The way to each deployment's replicas; none as long as the cluster does not answer."""
        self._tried.wait()
        return self._lines

    def leave(self) -> None:
        """Compute here from now on, and look for the cluster no more."""
        self._left.set()
        self._lines = {}

    def _take(self, found: "dict[str, RayLine]") -> None:
        """These are the lines from now on; who waits on one that was dropped need not wait on."""
        before, self._lines = self._lines, found
        for key, line in (before | found).items():
            line.absent = key not in found

    def _go_on(self) -> None:
        """First clicks wait so long for a cluster, all together; whoever listens there may be none."""
        if not self._tried.is_set():
            where = self.address or "this machine"
            log.warning("The cluster at %s has not answered for %d s. Computing here meanwhile.", where, FIRST_SECONDS)
            self._tried.set()

    def _stay_joined(self) -> None:
        """Join, look whether the head is still there, join again. A Ray that was started here ends with this thread."""
        while not self._left.is_set():
            try:
                head = join(self.address)
                if not self.address:
                    deploy(read_plan())
                deployments = Deployments()
                self._lines = deployments.lines()
                log.warning("computing on %s", self.address or "replicas on this machine")
                self._tried.set()
                looks = Looks(deployments.lines)
                while not self._left.wait(LOOK_SECONDS):
                    knock(head)
                    if (found := looks.latest()) is not None:
                        self._take(found)
            except Exception as error:
                log.warning("%s Computing here meanwhile.", reason(error, self.address))
            self._lines = {}
            self._tried.set()
            self._left.wait(RETRY_SECONDS)


class Looks:
    """What deployments there are, asked in a thread: Ray waits for a lost head as long as it is told to, a day here."""

    def __init__(self, look: Callable[[], dict[str, RayLine]]) -> None:
        self._look = look
        self._begin()

    def latest(self) -> dict[str, RayLine] | None:
        """What the last look has found, and another one begins; None where it has not come back or has failed.

        Raises `LookupError` where it did.
        """
        if not self._found.done():
            return None
        found, _ = self._found.result(), self._begin()
        return found

    def _begin(self) -> None:
        self._found: Future[dict[str, RayLine] | None] = Future()
        threading.Thread(target=self._into, args=(self._found,), daemon=True, name="look").start()

    def _into(self, found: "Future[dict[str, RayLine] | None]") -> None:
        try:
            found.set_result(self._look())
        except LookupError as error:
            found.set_exception(error)
        except Exception as error:  # Serve's controller is being replaced: replicas answer meanwhile
            log.warning("the deployments were not told: %s", type(error).__name__)
            found.set_result(None)


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
        ray.init(address="local", num_cpus=cores, object_store_memory=STORE_BYTES, **quiet)  # not one that is here
    else:
        knock(address)
        ray.init(address=address, **quiet)
    return ray.get_runtime_context().gcs_address


def deploy(plan: Mapping[str, Deployment]) -> None:
    """Put replicas on the cluster that was joined, or change those that are there.

    Waits until those of every concept are ready. Those of single models may come later, with a node that can hold them.
    """
    from ray import serve  # pyright: ignore[reportMissingImports]

    for key in homeless(plan):
        log.warning("%s: no node of the cluster can hold a replica; it waits for one that can", key)
    serve.start(proxy_location="Disabled")
    targets = {
        key: serve.RunTarget(application(_settings(key, one)), name=_name(key), route_prefix=None)
        for key, one in plan.items()
    }
    for wait in (False, True):
        if some := [target for key, target in targets.items() if is_own(key) != wait]:
            serve.run_many(some, wait_for_applications_running=wait)


def withdraw(plan: Mapping[str, Deployment]) -> None:
    """End the deployments of single models that are not in the plan."""
    from ray import serve  # pyright: ignore[reportMissingImports]

    for name in serve.status().applications:
        if (key := _key(name)) and is_own(key) and key not in plan:
            serve.delete(name)


def homeless(plan: Mapping[str, Deployment]) -> list[str]:
    """Deployments of which no node of the cluster that was joined can hold a replica."""
    import ray  # pyright: ignore[reportMissingImports]

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [key for key, one in plan.items() if not any(fits(needs_of(key, one), node) for node in nodes)]


def _settings(key: str, plan: Deployment) -> dict[str, Any]:
    concept, _, model = key.partition("/")
    return {"concept": concept, "model": model, **vars(plan)}


def application(settings: Mapping[str, Any]) -> Any:
    """The Serve application of `settings["concept"]`, as files of Serve ask for it; the rest as in `Deployment`.

    `settings["model"]`: the model whose own it is, if any.
    """
    from ray import serve  # pyright: ignore[reportMissingImports]

    plan = replace(Deployment(), **{name: told for name, told in settings.items() if name not in ("concept", "model")})
    key = "/".join(filter(None, (settings["concept"], settings.get("model"))))
    scaling = {"min_replicas": plan.replicas, "max_replicas": plan.most, "target_ongoing_requests": plan.ongoing / 2}
    threads = plan.threads or os.environ.get("GLASSBOX_THREADS") or os.environ.get("OMP_NUM_THREADS") or os.cpu_count()
    told_to = {"GLASSBOX_MEMORY_GB": str(plan.memory_gb), "GLASSBOX_THREADS": str(threads)}
    told_to |= {name: told for name, told in os.environ.items() if name in ("GLASSBOX_MODELS", "GLASSBOX_LOCAL_MODELS")}
    gather = functools.partial(serve.batch, max_batch_size=plan.batch, batch_wait_timeout_s=plan.wait_ms / 1000)
    return (
        serve.deployment(Replica)
        .options(
            name=_name(key).removeprefix(PREFIX),
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
                "memory": needs_of(key, plan).get("memory"),
                "resources": {plan.mark: MARKED} if plan.mark else {},
                "runtime_env": {"env_vars": told_to},
            },
        )
        .bind(plan.ongoing, gather if plan.batch > 1 else None)
    )


PREFIX = "glassbox-"


def _name(key: str) -> str:
    """A deployment's name in Serve, which makes names of files of it."""
    return PREFIX + key.replace("/", ".", 1)


def _key(name: str) -> str | None:
    return name.removeprefix(PREFIX).replace(".", "/", 1) if name.startswith(PREFIX) else None


class Deployments:
    """Lines to the deployments of the cluster that was joined, one for each: a handle of Serve has threads."""

    def __init__(self) -> None:
        self._made: dict[str, RayLine] = {}
        self._absent: set[str] = set()

    def lines(self) -> dict[str, RayLine]:
        """By deployment, as it is now. Raises `LookupError` where there are no replicas of a concept.

        Where a model's own are not to be had, those of its concept compute it, and the log says so.
        """
        from ray import serve  # pyright: ignore[reportMissingImports]

        found = {key: one for name, one in serve.status().applications.items() if (key := _key(name))}
        if missing := [name for name in CONCEPTS if name not in found]:
            raise LookupError(f"The cluster has no replicas of {', '.join(missing)}: python -m models.serving ADDRESS.")
        absent = {key: why for key, one in found.items() if is_own(key) and (why := why_absent(one))}
        for key in absent.keys() - self._absent:
            log.warning("%s: computed by the replicas of its concept meanwhile: %s", key, absent[key])
        self._absent = set(absent)
        for key in found.keys() - self._made.keys():
            self._made[key] = RayLine(serve.get_app_handle(_name(key)))
        return {key: self._made[key] for key in found if key not in absent}


def why_absent(status: Any) -> str:
    """Why a deployment would not answer soon, by Serve's status of its application; empty where it would.

    One without any replica would: the first call brings one. Serve says after 30 s which it finds no node for.
    """
    if status.status != "RUNNING":
        return f"{str.lower(status.status)} {status.message}".strip().splitlines()[0]
    waits = (one.message for one in status.deployments.values() if not one.replica_states.get("RUNNING"))
    return next((message.splitlines()[0] for message in waits if message), "")


def reason(error: Exception, address: str) -> str:
    """Why a cluster was not joined, for the operator's log."""
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, LookupError | ValueError):
        return said
    if "ersion mismatch" in str(error):
        versions = " ".join(str(error).split())[:300]
        return f"The cluster at {address} runs another version of Ray or Python than this machine ({versions})."
    return f"The cluster at {address or 'this machine'} does not answer ({type(error).__name__}: {said})."
