"""How many replicas of what, with which share of a machine; settings from a JSON file.

One deployment a concept, and one more for each model that the file names ("diffusion/sdxl-turbo"), on the nodes that
can hold it. Models that it does not name share the replicas of their concept: a process takes 390 MB before it holds
any network, and those that come with the app take 1 to 100.
"""

import json
import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from models.weights import CATALOGUE

CONCEPTS = ("sequences", "attention", "vit", "detection", "diffusion")
MARKED = 0.001
"""What a replica takes of a mark, of which a node has 1."""


@dataclass(frozen=True)
class Deployment:
    """Replicas of one concept, or of one model of it.

    replicas: at least so many (of a model also none, until it is asked for); most: where it is higher, replicas are
        added while more than half of `ongoing` calls are at work in each, and taken away when they idle.
    ongoing: calls at work in a replica at the same time; queued: those that wait in each page's process, the next one
        is refused.
    cpus, gpus: shares of a node that Ray reserves for a replica, which place it on nodes that have them.
    mark: only nodes that were started with `--resources '{"MARK": 1}'`; none for any.
    threads: of arithmetic in a replica, 0 for all cores of its node.
    memory_gb: the budget of `models.memory` in a replica; of a model of its own Ray reserves it on the node, too.
    batch: most calls that a replica computes as one (`models.compute.batched`); 1 for none.
    wait_ms: how long the first of them waits for others.
    """

    replicas: int = 1
    most: int = 1
    ongoing: int = 8
    queued: int = 32
    cpus: float = 0.0
    gpus: float = 0.0
    mark: str = ""
    threads: int = 0
    memory_gb: float = 2.0
    batch: int = 1
    wait_ms: int = 5


def read_plan(path: Path | None = None) -> dict[str, Deployment]:
    """Settings by deployment, from the file `path` or `GLASSBOX_SERVING`; what they leave out is as `Deployment` says.

    Keys are all concepts, and CONCEPT/MODEL for each model that the file names.
    Raises `ValueError` with a sentence for the operator where the file says something else.
    """
    path = path or (Path(named) if (named := os.environ.get("GLASSBOX_SERVING")) else None)
    told: Any = json.loads(path.read_text(encoding="utf-8")) if path else {}
    if not isinstance(told, Mapping):
        raise ValueError(f"{path}: an object is expected.")
    if wrong := [key for key in told if not _is_known(key)]:
        raise ValueError(
            f"{path}: {wrong[0]!r} is neither a concept ({', '.join(CONCEPTS)}) nor CONCEPT/MODEL of the catalogue."
        )
    return {key: _deployment(key, told.get(key, {})) for key in dict.fromkeys((*CONCEPTS, *told))}


def _is_known(key: str) -> bool:
    concept, _, model = key.partition("/")
    entry = CATALOGUE.get(model)
    return concept in CONCEPTS and (key == concept or (entry is not None and entry.concept.split("/")[0] == concept))


def _deployment(key: str, told: Any) -> Deployment:
    kinds = {field.name: {int: (int,), float: (int, float), str: (str,)}[field.type] for field in fields(Deployment)}
    for name, value in (told if isinstance(told, Mapping) else {"": told}).items():
        right = name in kinds and isinstance(value, kinds[name]) and not isinstance(value, bool)
        if not right or (not isinstance(value, str) and value < 0):
            raise ValueError(f"{key}: {name or 'settings'} cannot be {value!r}; known are {', '.join(kinds)}.")
    made = Deployment(**told)
    if not (made.ongoing and made.batch and made.memory_gb and (made.replicas or (made.most and is_own(key)))):
        raise ValueError(f"{key}: replicas, ongoing, batch and memory_gb cannot be 0 (replicas of a model may).")
    return made


def is_own(key: str) -> bool:
    """Whether a deployment is one model's own."""
    return "/" in key


def needs_of(key: str, plan: Deployment) -> dict[str, float]:
    """What a replica takes of its node, in Ray's names of resources; memory in bytes."""
    needs = {"CPU": plan.cpus, "GPU": plan.gpus, "memory": plan.memory_gb * 2**30 if is_own(key) else 0}
    return {name: size for name, size in (needs | ({plan.mark: MARKED} if plan.mark else {})).items() if size}


def fits(needs: Mapping[str, float], node: Mapping[str, float]) -> bool:
    """Whether a node that has these resources, all of them free, can hold a replica."""
    return all(node.get(name, 0) >= size for name, size in needs.items())


def concept_of(task: str) -> str | None:
    """The concept whose deployment computes a task; None for what is computed where it is called."""
    parts = task.split(".")
    return parts[1] if parts[0] == "models" and parts[1] in CONCEPTS else None


def deployment_of(concept: str | None, names: Iterable[str], known: Container[str]) -> str | None:
    """That of `known` which computes a call: the own one of the first model that it names, else its concept's.

    Any replica of a concept can compute all its models, so a text that happens to be a model's name only goes another
    way.
    """
    own = (f"{concept}/{name}" for name in names)
    return next((key for key in own if key in known), concept)
