"""What deploy/cluster tells compose, Kubernetes, KubeRay and Caddy is valid, by their own validators."""

import json
import subprocess

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow


def test_every_file_is_valid_to_its_reader(ray_python):
    command = [ray_python, "-m", "tests.serving.manifests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["compose"] == ["head", "interface-1", "interface-2", "proxy"]
    assert told["kubernetes"] == ["RayService", "StatefulSet", "Service", "Deployment", "Service"]
    assert told["proxy"] == {"policy": "cookie", "name": "glassbox"}
