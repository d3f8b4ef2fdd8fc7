"""Two processes of the interface behind the proxy of `deploy/cluster`, computing on one Ray: `make cluster`."""

import os
import shutil
import signal
import time

import httpx
import pytest
from gradio_client import Client

from tests.runtime_only.test_endpoints import CALLS
from tests.serving.cluster import cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(ray_python, tmp_path_factory):
    if not shutil.which("caddy", path=str(ray_python.parent)):
        pytest.skip("Caddy is not installed: run `make cluster`")
    with cluster(ray_python, tmp_path_factory.mktemp("cluster")) as made:
        yield made


def test_new_visitors_come_to_both_and_each_stays_where_they_are(running):
    url = f"http://{running['proxy']}"
    assert len({httpx.get(f"{url}/healthz").cookies["glassbox"] for _ in range(16)}) == 2
    with httpx.Client(base_url=url) as visitor:
        first = visitor.get("/healthz").cookies["glassbox"]
        again = [visitor.get("/healthz").cookies.get("glassbox", first) for _ in range(10)]
    assert set(again) == {first}


@pytest.mark.parametrize("endpoint", ["/attention_trace", "/vit_classify", "/detection_detect", "/diffusion_generate"])
def test_pages_compute_through_the_proxy(running, endpoint):
    client = Client(f"http://{running['proxy']}", verbose=False)
    assert client.predict(*CALLS[endpoint](), api_name=endpoint)


def test_one_replica_serves_both_processes(running):
    for address in running["interfaces"]:
        client = Client(f"http://{address}", verbose=False)
        assert client.predict(*CALLS["/sequences_next"](), api_name="/sequences_next")
        models = httpx.get(f"http://{address}/readyz").json()["models"]
        assert "in memory" not in models.values()


def test_a_visitor_of_a_lost_process_comes_to_another_one(running):
    url = f"http://{running['proxy']}"
    with httpx.Client(base_url=url, timeout=20) as visitor:
        assert visitor.get("/").status_code == 200
        os.killpg(running["processes"]["interface-2"].pid, signal.SIGKILL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and visitor.get("/healthz").status_code != 200:
            time.sleep(0.5)
        assert visitor.get("/").status_code == 200
    assert Client(url, verbose=False).predict("It was", "char-lstm", 3, api_name="/sequences_next")
