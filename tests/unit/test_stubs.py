"""The app starts without Gradio's type stubs and without pandas, which take most of its import."""

import subprocess
import sys

from tests.conftest import ROOT

PROGRAM = """
import sys
import app
page = app.create_app()
from gradio import caching, component_meta
print(component_meta.create_or_modify_pyi.__module__, page.app, "pandas" in sys.modules)
print(caching._hash_repr(__import__("pandas").Series([1.0])))
"""


def test_no_stubs_are_written_no_pandas_is_imported_and_no_server_is_made_for_nothing():
    told = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split()[:3] == ["demos.door.stubs", "None", "False"]
    assert told.stdout.splitlines()[1].startswith("Series(")
