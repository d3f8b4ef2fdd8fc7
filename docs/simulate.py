"""How much a crowd needs: visitors who click, wait and think, on paper, from the numbers in docs/scaling.json.

python docs/simulate.py --visitors 1000

Every click costs the interface and a replica the processor time that was measured for it. Clicks come at random (each
visitor's own pauses), are served in their order by whichever core is free, and as many cores are taken as let 95 of 100
light clicks be answered within a second. What nobody measured here (pauses, kinds of clicks, prices) is under
`assumed` in that file: change it there.
"""

import argparse
import heapq
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("scaling.json")
BOUND_SECONDS = 1.0
SIMULATED_SECONDS = 60.0
CROWDS = (1000, 100_000)
Click = tuple[float, str]


def arrivals(visitors: int, kinds: Mapping[str, Any], pause: float, seed: int) -> list[Click]:
    """(time, kind) of every click, in order: each visitor pauses `pause` seconds in the mean."""
    source = np.random.default_rng(seed)
    count = source.poisson(visitors / pause * SIMULATED_SECONDS)
    times = np.sort(source.uniform(0, SIMULATED_SECONDS, count)).tolist()
    chosen = source.choice(list(kinds), count, p=[kind["share"] for kind in kinds.values()]).tolist()
    return list(zip(times, chosen, strict=True))


def waits(clicks: Sequence[Click], seconds_of: Callable[[str], float], cores: int) -> dict[str, list[float]]:
    """Seconds from each click to its answer, on so many cores, first come first served; by kind."""
    free = [0.0] * cores
    found: dict[str, list[float]] = {}
    for time, kind in clicks:
        begin = max(time, heapq.heappop(free))
        end = begin + seconds_of(kind)
        heapq.heappush(free, end)
        found.setdefault(kind, []).append(end - time)
    return found


def p95(values: Sequence[float]) -> float:
    """The value below which 95 of 100 are."""
    return sorted(values)[int(0.95 * (len(values) - 1))] if values else 0.0


def cores_needed(clicks: Sequence[Click], seconds_of: Callable[[str], float], kind: str) -> tuple[int, float]:
    """The fewest cores on which 95 of 100 clicks of a kind are answered within `BOUND_SECONDS`, and their p95."""
    low = max(1, math.ceil(sum(seconds_of(one) for _, one in clicks) / SIMULATED_SECONDS))
    while (late := p95(waits(clicks, seconds_of, low).get(kind, []))) > BOUND_SECONDS:
        low = math.ceil(low * 1.05)
    return low, late


def crowd(visitors: int, told: Mapping[str, Any], seed: int = 0) -> dict[str, float]:
    """What so many visitors at the same time need: cores, processes, memory, network, money an hour."""
    assumed, kinds = told["assumed"], told["assumed"]["clicks"]
    cost = told["costs"]
    clicks = arrivals(visitors, kinds, assumed["pause_seconds"], seed)
    light, heavy = ([one for one in clicks if kinds[one[1]]["heavy"] == kind] for kind in (False, True))
    quick = next(name for name, kind in kinds.items() if not kind["heavy"])
    computing, late = cores_needed(light, lambda kind: cost[kind]["replica_cpu_seconds"], quick)
    running = math.ceil(1.2 * sum(cost[kind]["replica_cpu_seconds"] for _, kind in heavy) / SIMULATED_SECONDS)
    serving, served = cores_needed(clicks, lambda kind: cost[kind]["interface_cpu_seconds"], quick)
    sending = sum(cost[kind]["bytes"] for _, kind in clicks) / SIMULATED_SECONDS
    memory = (computing + running) * told["replica_bytes"] + serving * told["interface_bytes"]
    cores = computing + running + serving
    return {
        "visitors": visitors,
        "clicks a second": round(len(clicks) / SIMULATED_SECONDS, 1),
        "processes of the interface": serving,
        "cores for light clicks": computing,
        "cores for heavy clicks": running,
        "p95 of light clicks, s": round(late + served, 2),
        "memory, GB": round(memory / 2**30),
        "network, Mbit/s": round(8 * sending / 1e6),
        "machines": math.ceil(cores / assumed["cores_of_a_machine"]),
        "cost an hour": round(math.ceil(cores / assumed["cores_of_a_machine"]) * assumed["price_of_a_machine_hour"], 2),
    }


def tables(told: Mapping[str, Any], visitors: Sequence[int] = CROWDS) -> dict[str, str]:
    """The tables of docs/scaling.md, by the comment that stands before each."""
    rows = [
        [
            row[key]
            for key in ("configuration", "endpoint", "requests_a_second", "median_seconds", "p95_seconds", "load")
        ]
        for row in told["measured"]
    ]
    costs = [[name, *one.values()] for name, one in told["costs"].items()]
    batches = [[row[key] for key in ("what", "alone_ms", "together_ms", "gain")] for row in told["batching"]["rows"]]
    crowds = [crowd(count, told) for count in visitors]
    kills = [
        [concept, *_of_kills(told["kills"], concept)] for concept in dict.fromkeys(k["concept"] for k in told["kills"])
    ]
    return {
        "kills": _table(["replica of", "killed", "the sentence", "a new replica", "a step of it"], kills),
        "measured": _table(["", "endpoint", "requests a second", "median, s", "95 of 100 within, s", "load"], rows),
        "batching": _table(
            ["a call of", "alone, ms", "as one of " + str(told["batching"]["count"]) + ", ms", "gain"], batches
        ),
        "costs": _table(["click", "interface, s", "replica, s", "bytes of the answer"], costs),
        "crowds": _table(["", *(f"{count:,}" for count in visitors)], list(zip(*_columns(crowds), strict=True))[1:]),
    }


def _of_kills(kills: Sequence[Mapping[str, Any]], concept: str) -> list[Any]:
    mine = [one for one in kills if one["concept"] == concept]
    times = ([one[what] for one in mine] for what in ("said", "up", "again"))
    return [len(mine), *(f"{median(one):.2f} s, at most {max(one):.2f}" for one in times)]


def _columns(crowds: Sequence[Mapping[str, float]]) -> list[list[Any]]:
    return [list(crowds[0]), *([*one.values()] for one in crowds)]


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [
        head,
        ["---"] * len(head),
        *([f"{one:,}" if isinstance(one, int | float) else one for one in row] for row in rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Print what a crowd needs, or write it into docs/scaling.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, nargs="+", default=CROWDS)
    parser.add_argument("--write", action="store_true", help="the tables of docs/scaling.md")
    arguments = parser.parse_args()
    told = json.loads(FILE.read_text(encoding="utf-8"))
    if not arguments.write:
        print(tables(told, arguments.visitors)["crowds"])
        return
    page = FILE.with_suffix(".md")
    text = page.read_text(encoding="utf-8")
    for name, table in tables(told).items():
        text = re.sub(rf"(<!-- {name} -->\n\n)(?:\|.*\n)*", lambda found, table=table: f"{found[1]}{table}\n", text)
    page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
