"""The folder that is uploaded to a Hugging Face Space: made, and checked for what the hub would refuse.

python -m deploy.space --repository OWNER/NAME [--folder FOLDER] [--preload NAME ...]
"""

import argparse
import ast
import fnmatch
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from models import weights
from models.hub_cache import COMMIT

ROOT = Path(__file__).resolve().parent.parent
CONTENTS = ("app.py", "demos", "models", "assets", "requirements.txt", "constraints.txt", "LICENSE", "README.md")
LEFT_OUT = ("__pycache__", "*.pyc", "*.pyi", "recipes", "serving", ".lock", "*.partial")
PICTURES = "docs"
PRELOADED = ("rf-detr-nano", "vit-base-patch16-224", "gpt2")
MOST_PRELOADED = 10
HARDWARE = ("cpu-basic", "cpu-upgrade", "zero-a10g", "t4-small", "t4-medium", "l4x1", "a10g-small", "a100-large")
BROUGHT = {"av": "av", "cv2": "opencv-python-headless", "PIL": "pillow", "prometheus_client": "prometheus_client"}
BY_OTHERS = {
    "fastapi",
    "httpx2",
    "huggingface_hub",
    "httpx",
    "starlette",
    "uvicorn",
    "anyio",
    "spaces",
    "brotli",
    "orjson",
}
"""Imported packages that come with Gradio, or with ZeroGPU itself."""


def make(
    folder: Path,
    repository: str,
    preloaded: tuple[str, ...] = PRELOADED,
    copy: Callable[[str, str], object] = shutil.copy2,
) -> list[str]:
    """Make the folder anew, file by file with `copy`; returns what is wrong with it, one sentence each."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ignore = shutil.ignore_patterns(*LEFT_OUT)
    for name in CONTENTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignore, copy_function=copy)
        else:
            shutil.copy(source, folder / name)
    shutil.copytree(ROOT / PICTURES, folder / PICTURES, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(ROOT / "deploy" / "space.gitattributes", folder / ".gitattributes")
    _complete_card(folder / "README.md", repository, preloaded)
    return faults(folder)


def _complete_card(card: Path, repository: str, preloaded: tuple[str, ...]) -> None:
    """Add to the front matter what depends on where the Space is and on what it loads beforehand."""
    lines = [f"thumbnail: https://huggingface.co/spaces/{repository}/resolve/main/demos/ui/page/picture.png"]
    lines += ["preload_from_hub:", *(f"- {preload_line(name)}" for name in preloaded)] if preloaded else []
    _, front, text = card.read_text(encoding="utf-8").split("---\n", 2)
    card.write_text("---\n".join(["", front + "\n".join(lines) + "\n", text]), encoding="utf-8")


def preload_line(name: str) -> str:
    """A model of the catalogue as `preload_from_hub` takes it: the repository, the files, the commit."""
    entry = weights.find(name)
    pictures = entry.concept.split("/")[0] in ("vit", "detection")
    files = ",".join([*entry.needs, *(["preprocessor_config.json"] if pictures else [])])
    return f"{entry.origin} {files} {entry.revision}" if COMMIT.fullmatch(entry.revision) else f"{entry.origin} {files}"


def faults(folder: Path) -> list[str]:
    """What the hub would refuse or a Space would lack, one sentence each."""
    return [*_binary_faults(folder), *_card_faults(folder), *_import_faults(folder)]


def _binary_faults(folder: Path) -> list[str]:
    """The hub takes binary files by LFS or Xet only, whatever their size."""
    rules = [line.split()[0] for line in (folder / ".gitattributes").read_text().splitlines() if "filter=lfs" in line]
    return [
        f"{path.relative_to(folder)} is binary and .gitattributes does not send it by LFS."
        for path in sorted(folder.rglob("*"))
        if path.is_file() and is_binary(path) and not any(fnmatch.fnmatch(path.name, rule) for rule in rules)
    ]


def is_binary(path: Path) -> bool:
    """Whether a file is no text in UTF-8."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return True
    return "\0" in text


def front_matter(card: Path) -> dict[str, str]:
    """The settings of a Space: `{name: value}`, lists as their lines."""
    front = card.read_text(encoding="utf-8").split("---\n", 2)[1]
    found = re.findall(r"^(\w+):(.*(?:\n(?:- |  ).*)*)", front, re.MULTILINE)
    return {name: value.strip().strip('"') for name, value in found}


def _card_faults(folder: Path) -> list[str]:
    card, wanted = front_matter(folder / "README.md"), (folder / "requirements.txt").read_text()
    found = [
        f"The front matter has no {name}."
        for name in ("title", "sdk", "sdk_version", "python_version", "app_file", "license", "thumbnail", "tags")
        if not card.get(name)
    ]
    if f"gradio=={card.get('sdk_version')}" not in wanted:
        found.append("sdk_version is not the Gradio of requirements.txt.")
    if card.get("suggested_hardware") not in HARDWARE:
        found.append("suggested_hardware is none that Spaces have.")
    if len(card.get("short_description", "")) > 60:
        found.append("short_description has more than 60 characters.")
    if card.get("preload_from_hub", "").count("\n- ") + 1 > MOST_PRELOADED:
        found.append(f"preload_from_hub has more than {MOST_PRELOADED} models.")
    files = (card.get("app_file", ""), "LICENSE", "demos/ui/page/picture.png")
    return [*found, *(f"{name} is not in the folder." for name in files if not (folder / name).is_file())]


def _import_faults(folder: Path) -> list[str]:
    """Imported packages that neither Python nor the requirements bring."""
    wanted = {re.split("[=<>~\\[]", line)[0].strip().lower() for line in (folder / "requirements.txt").open()}
    own = {"app", "demos", "models"} | BY_OTHERS | set(sys.stdlib_module_names)
    found = set()
    for path in folder.rglob("*.py"):
        for name in _imported(path) - own:
            if BROUGHT.get(name, name).lower().replace("_", "-") not in {one.replace("_", "-") for one in wanted}:
                found.add(f"{name} is imported by {path.relative_to(folder)} and not in requirements.txt.")
    return sorted(found)


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def main() -> int:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repository", required=True, help="OWNER/NAME of the Space")
    parser.add_argument("--folder", type=Path, default=ROOT / "artefacts" / "space")
    parser.add_argument("--preload", nargs="*", default=list(PRELOADED), help="models of the hub, at most ten")
    arguments = parser.parse_args()
    wrong = make(arguments.folder, arguments.repository, tuple(arguments.preload))
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if not wrong:
        print(f"{arguments.folder} is ready. Upload it:")
        print(f"  hf upload --repo-type space {arguments.repository} {arguments.folder} .")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
