"""The files of deploy/cluster, read by those who will read them: compose's types, Kubernetes' schemas, Serve's own.

Of a `RayService` the parts are checked: its pods as Kubernetes' pods, its applications as Serve's, and built. KubeRay's
own schema comes with its operator.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import compose_spec
import kubernetes_validate
import yaml
from ray.serve.schema import ServeDeploySchema

from models.serving.cluster import application
from models.serving.plan import CONCEPTS, read_plan

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "cluster"
VERSION = "1.37"


def check_compose():
    """Returns the names of the services, each with an image."""
    settled = yaml.safe_load((FOLDER / "compose.yaml").read_text())  # without YAML's anchors
    services = compose_spec.PyCompose.from_yaml(yaml.safe_dump(settled)).services
    assert all(service.image for service in services.values())
    return sorted(services)


def check_kubernetes():
    """Returns the kinds that were checked."""
    ray, *others = yaml.safe_load_all((FOLDER / "kuberay.yaml").read_text())
    spec = ray["spec"]["rayClusterConfig"]
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ray"}, **group["template"]}
        kubernetes_validate.validate(pod, VERSION, strict=True)
    for one in others:
        kubernetes_validate.validate(one, VERSION, strict=True)
    told = ServeDeploySchema.model_validate(yaml.safe_load(ray["spec"]["serveConfigV2"]))
    plan = read_plan(FOLDER / "serving.json")
    assert {one.args["concept"] for one in told.applications} == set(CONCEPTS)
    for one in told.applications:
        assert one.import_path == f"{application.__module__}:{application.__name__}"
        assert one.name == f"glassbox-{one.args['concept']}"
        application(one.args)
        same = plan[one.args["concept"]]
        assert all(getattr(same, key) == value for key, value in one.args.items() if key != "concept")
    return [ray["kind"], *(one["kind"] for one in others)]


def check_proxy():
    """Returns how the proxy chooses among the interface's processes."""
    caddy = [Path(sys.executable).parent / "caddy"]
    told = ["--adapter", "caddyfile", "--config", FOLDER / "Caddyfile"]
    subprocess.run([*caddy, "validate", *told], check=True, capture_output=True)
    adapted = subprocess.run([*caddy, "adapt", *told], check=True, capture_output=True, env=dict(os.environ)).stdout
    (server,) = json.loads(adapted)["apps"]["http"]["servers"].values()
    (handler,) = server["routes"][-1]["handle"]
    return handler["load_balancing"]["selection_policy"]


if __name__ == "__main__":
    print(json.dumps({"compose": check_compose(), "kubernetes": check_kubernetes(), "proxy": check_proxy()}))
