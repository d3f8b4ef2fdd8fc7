"""The app starts without Gradio's type stubs, which take half of the time of its import."""

import subprocess
import sys

from tests.conftest import ROOT

PROGRAM = """
import app
page = app.create_app()
from gradio import component_meta
print(component_meta.create_or_modify_pyi.__module__, page.app)
"""


def test_no_stubs_are_written_and_no_server_is_made_for_nothing():
    told = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["demos.door.stubs", "None"]
