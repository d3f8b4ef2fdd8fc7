"""The app as a Space runs it: in an environment that has `requirements.txt` and nothing else (`make runtime`)."""

import os
from pathlib import Path

import pytest

from tests.conftest import ROOT, patient_client, running_app

PYTHON = Path(os.environ.get("GLASSBOX_RUNTIME_PYTHON", ROOT / ".venv-runtime" / "bin" / "python"))


@pytest.fixture(scope="session")
def runtime_python():
    if not PYTHON.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("No runtime-only environment: run `make runtime`")
    return PYTHON


@pytest.fixture(scope="session")
def app_url(runtime_python):
    with running_app("--models", "embedded", python=runtime_python, PYTHONNOUSERSITE="1") as url:
        yield url


@pytest.fixture(scope="session")
def client(app_url):
    return patient_client(app_url)
