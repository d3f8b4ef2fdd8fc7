"""Every replica killed in the middle of a stream, again and again: when the sentence comes, when it runs anew.

python -m tests.serving.kill --rounds 20 --write docs/scaling.json
"""

import argparse
import json
import os
import signal
import statistics
import time
from pathlib import Path

import numpy as np

from models.compute import choose
from models.errors import EngineError
from models.serving.cluster import engine_for
from models.serving.sentences import LOST
from tests.serving.cluster import processes, replicas


def streams():
    """A computed function that streams for long, of each concept."""
    from models.attention.speed import measure_speeds
    from models.detection.latency import measure_latency
    from models.diffusion.live import class_sprites
    from models.sequences.reach import measure_curves
    from models.vit.curve import measure_fields

    picture = np.random.default_rng(0).integers(0, 255, (252, 252, 3)).astype(np.uint8)
    return {
        "sequences": lambda: measure_curves(range(5, 200, 5), 64, 0, None),
        "attention": lambda: measure_speeds(60.0),
        "vit": lambda: measure_fields(picture),
        "detection": lambda: measure_latency("rf-detr-s14-objects", picture),
        "diffusion": lambda: class_sprites("potion", 16),
    }


def kill_one(concept, begin, line, told):
    """A stream whose replicas are killed after its first step: seconds to the sentence, a new replica, a step of it."""
    steps = begin()
    next(steps)
    for process in replicas(concept):
        os.kill(process, signal.SIGKILL)
    killed = time.monotonic()
    try:
        for _ in steps:
            pass
        sentence = None
    except EngineError as error:
        sentence = str(error)
    said = time.monotonic() - killed
    while True:
        try:
            line._handle.wish.remote("nobody").result(timeout_s=60)
            break
        except Exception:
            time.sleep(0.2)
    up = time.monotonic() - killed
    while True:
        again = begin()
        try:
            next(again)
            break
        except EngineError:
            time.sleep(0.2)
        finally:
            again.close()
    told.append({"concept": concept, "said": said, "up": up, "again": time.monotonic() - killed, "sentence": sentence})


def lose_head(engine, seconds):
    """The head's process killed: what clicks are answered meanwhile, and when the cluster is there again."""
    from models.sequences.reading import predict

    predict("char-lstm", "It was")
    (head,) = [one for one in processes("gcs_server") if "gcs_server" in Path(f"/proc/{one}/comm").read_text()]
    os.kill(head, signal.SIGKILL)
    killed, before = time.monotonic(), None
    while (passed := time.monotonic() - killed) < seconds:
        try:
            predict("char-lstm", "It was")
            how = "here" if not engine._lines() else "on a replica"
        except EngineError as error:
            how = str(error)
        slow = time.monotonic() - killed - passed
        if how != before:
            print(f"{passed:.1f} s: {how} (after {slow:.1f} s)", flush=True)
        before = how
        time.sleep(0.5)


def main():
    """Kill, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--head", type=float, default=0.0, help="kill the head instead, and look for so many seconds")
    arguments = parser.parse_args()
    engine = engine_for("ray")
    choose(engine)
    assert engine._lines(), "Ray did not start"
    if arguments.head:
        lose_head(engine, arguments.head)
        return
    until, told = time.monotonic() + 60 * arguments.minutes, []
    for begin in streams().values():  # networks are loaded
        steps = begin()
        next(steps)
        steps.close()
    for concept, begin in [*streams().items()] * arguments.rounds:
        if time.monotonic() > until:
            break
        kill_one(concept, begin, engine._lines()[concept], told)
    for concept in streams():
        mine = [one for one in told if one["concept"] == concept]
        if not mine:
            continue
        said, up, again = ([one[key] for one in mine] for key in ("said", "up", "again"))
        lost = sum(one["sentence"] == LOST for one in mine)
        print(f"{concept}: {len(mine)} kills, the sentence {lost} times")
        for what, seconds in (("the sentence", said), ("a new replica", up), ("a step of it", again)):
            print(f"    {what} after {statistics.median(seconds):.2f} s, at most {max(seconds):.2f}")
    if arguments.write:
        known = json.loads(arguments.write.read_text()) if arguments.write.exists() else {}
        rows = [
            {key: round(one[key], 2) for key in ("said", "up", "again")} | {"concept": one["concept"]} for one in told
        ]
        known["kills"] = [*known.get("kills", []), *rows]
        arguments.write.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
