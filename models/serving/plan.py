"""How many replicas of what, with which share of a machine: one deployment a concept, settings from a JSON file."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

CONCEPTS = ("sequences", "attention", "vit", "detection", "diffusion")


@dataclass(frozen=True)
class Deployment:
    """Replicas of one concept.

    replicas: at least so many; most: where it is higher, replicas are added while more than half of `ongoing` calls are
        at work in each, and taken away when they idle.
    ongoing: calls at work in a replica at the same time; queued: those that wait in each page's process, the next one
        is refused.
    cpus, gpus: shares of a node that Ray reserves for a replica, which place it on nodes that have them.
    threads: of arithmetic in a replica, 0 for all cores of its node.
    memory_gb: the budget of `models.memory` in a replica.
    batch: most calls that a replica computes as one (`models.compute.batched`); 1 for none.
    wait_ms: how long the first of them waits for others.
    """

    replicas: int = 1
    most: int = 1
    ongoing: int = 8
    queued: int = 32
    cpus: float = 0.0
    gpus: float = 0.0
    threads: int = 0
    memory_gb: float = 2.0
    batch: int = 1
    wait_ms: int = 5


def read_plan(path: Path | None = None) -> dict[str, Deployment]:
    """Settings by concept, from the file `path` or `GLASSBOX_SERVING`; what they leave out is as `Deployment` says.

    Raises `ValueError` with a sentence for the operator where the file says something else.
    """
    path = path or (Path(named) if (named := os.environ.get("GLASSBOX_SERVING")) else None)
    told: Any = json.loads(path.read_text(encoding="utf-8")) if path else {}
    if not isinstance(told, Mapping) or not set(told) <= set(CONCEPTS):
        raise ValueError(f"{path}: an object whose keys are among {', '.join(CONCEPTS)} is expected.")
    return {concept: _deployment(concept, told.get(concept, {})) for concept in CONCEPTS}


def _deployment(concept: str, told: Any) -> Deployment:
    kinds = {field.name: (int,) if field.type is int else (int, float) for field in fields(Deployment)}
    for key, value in (told if isinstance(told, Mapping) else {"": told}).items():
        if key not in kinds or isinstance(value, bool) or not isinstance(value, kinds[key]) or value < 0:
            raise ValueError(f"{concept}: {key or 'settings'} cannot be {value!r}; known are {', '.join(kinds)}.")
    made = Deployment(**told)
    if not (made.replicas and made.ongoing and made.batch and made.memory_gb):
        raise ValueError(f"{concept}: replicas, ongoing, batch and memory_gb cannot be 0.")
    return made


def concept_of(task: str) -> str | None:
    """The concept whose deployment computes a task; None for what is computed where it is called."""
    parts = task.split(".")
    return parts[1] if parts[0] == "models" and parts[1] in CONCEPTS else None
