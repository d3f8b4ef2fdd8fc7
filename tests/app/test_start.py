"""Starting: no model library before its tab is used, no look-ups, the documented endpoints and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("torch", "transformers", "diffusers", "supervision", "safetensors.torch")
LIBRARIES += ("openvino", "scipy", "cv2", "av")
PUBLIC = {
    *("/sequences_next", "/sequences_sample", "/sequences_memory"),
    *("/sequences_classify", "/sequences_caption", "/sequences_translate"),
    "/sequences_answer",
    *("/attention_trace", "/attention_edit", "/attention_find", "/vit_classify", "/vit_trace"),
    *("/detection_detect", "/detection_explain"),
    "/attention_translate",
    *("/vit_compare", "/vit_finetune"),
    *("/diffusion_forward", "/diffusion_generate", "/diffusion_transform"),
    *("/diffusion_inpaint", "/diffusion_between", "/diffusion_fork"),
}


def test_building_the_app_imports_no_model_library():
    script = f"import sys, app; app.create_app(); print([m for m in {LIBRARIES!r} if m in sys.modules])"
    output = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert output.stdout.strip().splitlines()[-1] == "[]"


def test_the_public_endpoints_are_the_documented_ones(client):
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == PUBLIC


@pytest.mark.parametrize("endpoint", sorted(PUBLIC))
def test_every_public_endpoint_says_what_it_does(client, endpoint):
    described = client.view_api(return_format="dict", print_info=False)["named_endpoints"][endpoint]
    assert len(described.get("description") or "") > 30, described
    assert json.dumps(described["parameters"])
