"""Put the replicas of `GLASSBOX_SERVING`'s plan on a cluster, all of them or those that are named.

python -m models.serving HEAD:6379 [CONCEPT or CONCEPT/MODEL ...]
"""

import os
import sys
from pathlib import Path

from models import weights
from models.serving.cluster import deploy, join, reason, withdraw
from models.serving.plan import read_plan


def main() -> None:
    """Deploy, and say how many of what."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        if folder := os.environ.get("GLASSBOX_LOCAL_MODELS"):
            weights.add_local(Path(folder))
        everything, named = read_plan(), sys.argv[2:]
        if unknown := [key for key in named if key not in everything]:
            raise ValueError(f"{unknown[0]} is not in the plan: {', '.join(everything)}.")
        plan = {key: one for key, one in everything.items() if key in (named or everything)}
        join(sys.argv[1])
        deploy(plan)
        withdraw(everything)
    except Exception as error:
        sys.exit(reason(error, sys.argv[1]))
    for key, settings in plan.items():
        print(f"{key}: {settings.replicas} to {max(settings.replicas, settings.most)} replicas")


if __name__ == "__main__":
    main()
