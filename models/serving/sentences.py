"""What failures of a cluster mean to a visitor: one sentence each; the operator finds the rest in the log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from models.errors import EngineError, SpokenError

log = logging.getLogger("glassbox.serving")

BUSY = "Too many people are computing this just now: try again in a few seconds."
LOST = "The machine that computed this has gone: press the button again, another one takes its place."
NO_MEMORY = "The machine that computed this ran out of memory: ask for less at once, or try again."
AWAY = "The machines that compute this do not answer: try again in a minute."
LATE = "This took too long and was given up: try again, or ask for less at once."

SENTENCES = {
    "BackPressureError": BUSY,
    "OutOfMemoryError": NO_MEMORY,
    "ActorDiedError": LOST,
    "ActorUnavailableError": LOST,
    "RayActorError": LOST,
    "WorkerCrashedError": LOST,
    "NodeDiedError": LOST,
    "ObjectLostError": LOST,
    "ObjectStoreFullError": NO_MEMORY,
    "OutOfDiskError": NO_MEMORY,
    "ReplicaUnavailableError": LOST,
    "NoReplicaError": LOST,
    "DeploymentUnavailableError": AWAY,
    "RaySystemError": AWAY,
    "RpcError": AWAY,
    "ConnectionError": AWAY,
    "RequestCancelledError": LATE,
    "TaskCancelledError": LATE,
    "GetTimeoutError": LATE,
    "TimeoutError": LATE,
}
"""By name of the class, as Ray need not be there; a class stands for those that inherit from it."""


class NoReplicaError(Exception):
    """The replicas that a call waits for will not come back soon; another deployment may compute it."""


def sentence_of(error: BaseException) -> str | None:
    """What is said of a failure of the cluster; None for a defect of what was computed."""
    names = [one.__name__ for one in type(error).__mro__]
    if "RayTaskError" in names:  # raised by the function itself, whatever its kind
        return None
    if "low on memory" in str(error):  # an actor that Ray has ended for it; any death mentions memory as possible
        return NO_MEMORY
    return next((SENTENCES[name] for name in names if name in SENTENCES), None)


@contextmanager
def told(task: str) -> Iterator[None]:
    """Failures of the cluster become sentences, with a line in the log."""
    try:
        yield
    except SpokenError:
        raise
    except Exception as error:
        if (sentence := sentence_of(error)) is None:
            raise
        log.warning("%s: %s: %s", task, type(error).__name__, (str(error).strip() or "-").splitlines()[0])
        raise EngineError(sentence) from error
