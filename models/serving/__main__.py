"""Put the replicas of `GLASSBOX_SERVING`'s plan on a cluster, of all concepts or of those that are named.

python -m models.serving HEAD:6379 [CONCEPT ...]
"""

import sys

from models.serving.cluster import deploy, join, reason
from models.serving.plan import CONCEPTS, read_plan


def main() -> None:
    """Deploy, and say how many of what."""
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(CONCEPTS):
        sys.exit(__doc__)
    try:
        plan = {concept: one for concept, one in read_plan().items() if concept in (sys.argv[2:] or CONCEPTS)}
        join(sys.argv[1])
        deploy(plan)
    except Exception as error:
        sys.exit(reason(error, sys.argv[1]))
    for concept, settings in plan.items():
        print(f"{concept}: {settings.replicas} to {max(settings.replicas, settings.most)} replicas")


if __name__ == "__main__":
    main()
