"""Put the replicas of `GLASSBOX_SERVING`'s plan on a cluster: `python -m models.serving HEAD:6379`."""

import sys

from models.serving.cluster import deploy, join, reason
from models.serving.plan import read_plan


def main() -> None:
    """Deploy, and say how many of what."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        plan = read_plan()
        join(sys.argv[1])
        deploy(plan)
    except Exception as error:
        sys.exit(reason(error, sys.argv[1]))
    for concept, settings in plan.items():
        print(f"{concept}: {settings.replicas} to {max(settings.replicas, settings.most)} replicas")


if __name__ == "__main__":
    main()
