"""The app whose computing is done by Ray Serve: in an environment that has it (`make cluster` makes one)."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT, running_app

PYTHON = Path(os.environ.get("GLASSBOX_RAY_PYTHON", ROOT / ".venv-cluster" / "bin" / "python"))


@pytest.fixture(scope="session")
def ray_python():
    """A Python that has Ray."""
    if not PYTHON.exists() or subprocess.run([PYTHON, "-c", "import ray.serve"], capture_output=True).returncode:
        pytest.skip("Ray is not installed: run `make cluster`")
    return PYTHON


@pytest.fixture(scope="session")
def ray_url(ray_python):
    """Address of an app that has started Ray for itself, and computes on its replicas."""
    with running_app("--models", "embedded", "--engine", "ray", python=ray_python, GLASSBOX_THREADS="1") as url:
        log = ROOT / "artefacts" / f"app-{url.rpartition(':')[2]}.log"
        deadline = time.monotonic() + 300
        while "computing on replicas" not in log.read_text():  # until then the app computes in its own process
            assert time.monotonic() < deadline, log.read_text()[-4000:]
            time.sleep(0.5)
        yield url


@pytest.fixture(scope="session")
def plain_url():
    """Address of an app that computes in its own process."""
    with running_app("--models", "embedded", python=sys.executable, GLASSBOX_THREADS="1") as url:
        yield url
