"""What the documents say: numbers are those of docs/figures.json, and it is right; paths, commands, variables exist."""

import ast
import importlib.util
import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from demos import DEMOS
from docs import figures

ROOT = Path(__file__).resolve().parents[2]
PROSE = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs/architecture.md",
    "docs/live-transport.md",
    "docs/inputs.md",
    "docs/scaling.md",
)
CARDS = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "assets").rglob("README.md"))]
WRITTEN = json.loads(figures.FILE.read_text())
"""docs/figures.json."""

LIMITS = WRITTEN["limits"]
COUNTED = {
    "README.md": {
        r"(\d+)\s+tabs": [len(WRITTEN["pages"])],
        r"(\d+)\s+pages": [sum(WRITTEN["pages"].values())],
        r"(\d+)\s+embedded models": [len(WRITTEN["models"])],
        r"embedded models \((\d+) MB\)": [round(sum(model["bytes"] for model in WRITTEN["models"].values()) / 1e6)],
        r"(\d+)\s+endpoints": [WRITTEN["endpoints"]],
        r"removed\s+(\d+)\s+minutes": [LIMITS["kept_minutes"]],
        r"silent download is given up \((\d+)\)": [LIMITS["silent_download_seconds"]],
    },
    "SECURITY.md": {
        r"waiting or running \| (\d+) a session, (\d+) an address \| (\d+) waiting": LIMITS["places"],
        r"events running \| (\d+) a session, (\d+) an address": LIMITS["running"],
        r"requests, uploads on their way \| (\d+), \d+ \| (\d+), \d+ ": LIMITS["bodies"],
        r"requests, uploads on their way \| \d+, (\d+) \| \d+, (\d+) ": LIMITS["uploads"],
        r"streams, files on their way \| (\d+), \d+ \| (\d+), \d+ ": LIMITS["streams"],
        r"streams, files on their way \| \d+, (\d+) \| \d+, (\d+) ": LIMITS["files"],
        r"downloads from the hub \| (\d+) \| (\d+)": LIMITS["downloads"],
        r"live connections \| (\d+), which share \d+ messages a second \| (\d+)": LIMITS["live"],
        r"(\d+) messages a second": [LIMITS["live_messages_a_second"]],
        r"(\d+) MB each": [LIMITS["upload_megabytes"]],
        r"(\d+) MB a minute": [LIMITS["upload_megabytes_a_minute"]],
        r"([\d,]+) values, (\d+) levels": [LIMITS["json_values"], LIMITS["json_levels"]],
        r"(\d+) minutes after": [LIMITS["kept_minutes"]],
    },
    "docs/live-transport.md": {
        r"at most ([\d,]+) bytes and ([\d,]+)\s+pixels": [LIMITS["frame_bytes"], LIMITS["frame_side"]],
        r"At most (\d+) messages a second": [LIMITS["live_messages_a_second"]],
        r"(?<=- )(\d+) connections are open at most": LIMITS["live"][1:],
        r"at most, (\d+) of one address": LIMITS["live"][:1],
    },
    "docs/architecture.md": {
        r"arrives for (\d+) seconds": [LIMITS["silent_download_seconds"]],
        r"at most (\d+) MB, half an hour": [LIMITS["kept_maps_megabytes"]],
        r"up to (\d+) megapixels": [LIMITS["photo_megapixels"]],
        r"stop at (\d+)\b": [LIMITS["picture_megapixels"]],
    },
}
"""Every place of such a form in a document, and the numbers that must stand there."""

OF_LIBRARIES = re.compile(r"^(GLASSBOX|GRADIO|HF|SPACES?|OMP)_[A-Z_]+$")
PATH = re.compile(r"^[\w.<>*-]+(/[\w.<>*-]+)*\.(py|js|css|ts|json|md|txt|toml|mp4|png)$|^[\w<>]+(/[\w<>]+)*/$")
GENERATED = ("node_modules", "artefacts", "runs", "__pycache__")
MADE_BY_USE = {"trackers/"}
"""Named in the documents and found in no fresh copy: what a download or a package brings."""


NUMBER = re.compile(r"(?<![\w.,])\d+(?:,\d{3})*(?:\.\d+)?")


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


@cache
def project_files():
    """Paths of the project's own files, from its root."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in GENERATED]
        found += [Path(folder, file).relative_to(ROOT).as_posix() for file in files]
    return sorted(found)


def in_words(parameters):
    """1,308,772 as 1.31 M; what has none as a dash."""
    for unit, size in (("M", 10**6), ("k", 10**3)):
        if parameters >= size:
            return f"{parameters / size:.3g} {unit}"
    return str(parameters or "-")


def numbers_in(text):
    return [number.replace(",", "") for number in NUMBER.findall(text)]


def is_rounded(said, measured):
    """Whether `said` is `measured` to as many digits as it has, or a share in percent."""
    half = 0.5 * 10 ** -len(said.partition(".")[2]) + 1e-9
    return any(abs(float(said) - scale * float(measured)) <= half for scale in (1, 100))


class TestFigures:
    def test_the_file_says_what_the_project_is(self):
        assert figures.computed() == WRITTEN, "run: python docs/figures.py"

    @pytest.mark.parametrize(
        ("document", "pattern"), [(document, pattern) for document, kinds in COUNTED.items() for pattern in kinds]
    )
    def test_prose_says_what_the_file_says(self, document, pattern):
        found = re.findall(pattern, text_of(document))
        assert found, "the sentence is gone: leave it out here too"
        for numbers in found:
            shown = [int(number.replace(",", "")) for number in (numbers if isinstance(numbers, tuple) else (numbers,))]
            assert shown == COUNTED[document][pattern]

    def test_the_table_of_models_has_all_of_them_with_their_parameters(self):
        rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \| [^|]+ \| [^|]+ \|$", text_of("README.md"), re.M)
        shown = {}
        for names, numbers in rows:
            shown |= dict(zip(re.findall(r"`([^`]+)`", names), numbers.split(", "), strict=True))
        assert shown == {name: in_words(model["parameters"]) for name, model in WRITTEN["models"].items()}

    def test_a_figure_in_the_table_of_models_is_that_of_a_card(self):
        """Of a model that the row names."""
        strange = []
        for row in re.findall(r"^\| `[^|]+ \| [^|]+ \| [^|]+ \| [^|]+ \|$", text_of("README.md"), re.M):
            names = [name for name in re.findall(r"`([^`]+)`", row) if name in WRITTEN["models"]]
            measured = [n for name in names for n in numbers_in(text_of(f"assets/weights/{name}/README.md"))]
            figure = row.split("|")[4]
            strange += [(names[0], n) for n in numbers_in(figure) if not any(is_rounded(n, m) for m in measured)]
        assert not strange

    @pytest.mark.parametrize("name", WRITTEN["models"])
    def test_a_card_that_counts_parameters_counts_those_of_the_file(self, name):
        card = text_of(f"assets/weights/{name}/README.md")
        exact = re.findall(r"\b(\d{1,3}(?:,\d{3})+) parameters(?! each)", card)
        known = {f"{model['parameters']:,}" for model in WRITTEN["models"].values()}
        if exact and name != "cifar10-pairs":  # one file of ten networks, counted one by one
            assert f"{WRITTEN['models'][name]['parameters']:,}" in exact
            assert set(exact) <= known


class TestPaths:
    @pytest.mark.parametrize("document", PROSE)
    def test_links_lead_somewhere(self, document):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text_of(document)):
            assert (ROOT / document).parent.joinpath(target).exists(), target

    @pytest.mark.parametrize("document", [*PROSE, *CARDS])
    def test_named_files_exist(self, document):
        files = project_files()
        told = text_of(document).split("## Adding a tab")[0]  # tests/unit/test_new_tab.py makes those of the recipe
        ends = {"/" + "/".join(path.split("/")[at:]) for path in files for at in range(path.count("/") + 1)}
        folders = {"/" + part for path in files for part in folders_of(path)}
        missing = [
            name
            for name in re.findall(r"`([^`\n]+)`", told)
            if PATH.match(name) and "<" not in name and "*" not in name and name not in MADE_BY_USE
            if f"/{name}" not in ends and f"/{name}" not in folders
        ]
        assert not missing

    def test_tables_name_files_of_the_folder_of_their_column(self):
        checked = 0
        for table in re.findall(r"(?:^\|.*\n)+", text_of("docs/architecture.md"), re.M):
            head, _, *rows = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table.splitlines()]
            folders = [re.findall(r"`((?:demos|models)/\w*/?)`", title) for title in head]
            for row in rows:
                for folder, cell in zip(folders, row, strict=True):
                    for name in re.findall(r"`([\w/]+(?:\.py|/))`", cell) if folder else ():
                        recipes = folder[0].replace("models/", "models/recipes/") if "beforehand" in cell else folder[0]
                        assert any((ROOT / place / name).exists() for place in (folder[0], recipes)), (folder[0], name)
                        checked += 1
        assert checked > 80

    def test_sections_of_a_tab_name_files_of_that_tab(self):
        checked = 0
        for title, section in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", text_of("docs/architecture.md"), re.M):
            concept = next((slug for slug in DEMOS if slug in title.lower() and title != "Adding a tab"), None)
            for name in re.findall(r"`(\w+\.py)`", section) if concept else ():
                folders = (ROOT / "demos" / concept, ROOT / "models" / concept, ROOT / "models" / "recipes" / concept)
                found = [path for folder in folders for path in folder.rglob(name)]
                assert found or (ROOT / "models" / name).exists(), f"{title}: {name}"
                checked += 1
        assert checked > 100

    @pytest.mark.parametrize("document", ["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md"])
    def test_named_classes_and_functions_exist(self, document):
        code = [path for path in project_files() if path.endswith((".py", ".js", ".css", ".toml"))]
        words = {word for path in code for word in re.findall(r"\w+", text_of(path))}
        told = text_of(document).split("## Adding a tab")[0]
        assert not [name for name in re.findall(r"`@?([A-Za-z_]\w*)(?:\(\w*\))?`", told) if name not in words]

    def test_the_tree_of_the_architecture_exists(self):
        (tree,) = re.findall(r"^```\n(app\.py .*?)^```$", text_of("docs/architecture.md"), re.S | re.M)
        folders, names = [], []
        for line in tree.splitlines():
            entry = re.match(r"( *)(\S+(?: \S+)*?)(?:  |$)", line)
            depth = len(entry[1]) // 2
            if depth > 3:  # a description that goes on
                continue
            for name in entry[2].split():
                names.append("".join([*folders[:depth], name]))
            folders[depth:] = [name]
        assert len(names) > 30
        for name in names:
            for concept in DEMOS if "<concept>" in name else ("",):
                assert (ROOT / name.replace("<concept>", concept)).exists(), name


def folders_of(path):
    """`b/`, `a/b/` and so on: every way to name the folders of a file."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[start:end]) + "/" for start in range(len(parts)) for end in range(start + 1, len(parts) + 1)]


def commands():
    """(where, module or file, options) of every Python command in the documents and the project's own files."""
    scripts = [
        path for path in project_files() if re.match(r"(models|demos|docs|tests/(load|benchmarks))/.*\.py$", path)
    ]
    for source in [*PROSE, *CARDS, *scripts]:
        for line in re.sub(r"\\\n\s*", "", text_of(source)).splitlines():
            for found in re.finditer(r"python (?:-m ([\w.]*\w)(?![\w.]*<)|([\w/]+\.py))([^`#\"]*)", line):
                yield source, found[1] or found[2], re.findall(r"--[a-z][a-z-]*", found[3])


class TestCommands:
    def test_modules_and_their_options_exist(self):
        checked = 0
        for source, command, options in commands():
            if command in ("pip", "venv", "pytest"):
                continue
            if command.endswith(".py"):
                path = ROOT / command
                assert path.exists(), f"{source}: {command}"
            else:
                found = importlib.util.find_spec(command)
                assert found and found.origin, f"{source}: python -m {command}"
                path = Path(found.origin)
            known = path.read_text() + text_of("models/training.py")
            for option in options:
                assert f'"{option}"' in known, f"{source}: {command} {option}"
            checked += 1
        assert checked > 60

    @pytest.mark.parametrize("document", PROSE)
    def test_targets_of_make_exist(self, document):
        targets = re.findall(r"^([a-z]+):", text_of("Makefile"), re.M)
        for target in re.findall(r"`?make ([a-z]+)(?=[`\s])(?: +#| ARGS|`|$)", text_of(document), re.M):
            assert target in targets

    def test_every_target_is_documented(self):
        (targets,) = re.findall(r"^\.PHONY: (.+)$", text_of("Makefile"), re.M)
        for target in targets.split():
            assert re.search(rf"\bmake {target}\b", text_of("README.md") + text_of("CONTRIBUTING.md")), target

    def test_endpoints_of_the_examples_are_all_there_are(self):
        import app

        config = app.create_app().get_config_file()
        public = {f"/{event['api_name']}" for event in config["dependencies"] if event["api_visibility"] == "public"}
        assert set(re.findall(r'api_name="([^"]+)"', text_of("README.md"))) == public


def variables(*folders):
    """Environment variables that Python files name, by the file."""
    named = {}
    for path in project_files():
        if path.endswith(".py") and path.startswith(folders):
            for name in variables_in(path):
                named.setdefault(name, path)
    return named


@cache
def variables_in(path):
    """Environment variables that one Python file names."""
    constants = (node.value for node in ast.walk(ast.parse(text_of(path))) if isinstance(node, ast.Constant))
    return [constant for constant in constants if isinstance(constant, str) and OF_LIBRARIES.match(constant)]


def keys_of_the_environment(source):
    """Constant keys with which `os.environ` (or `environment`, as app.py calls it) is asked in a file."""
    return re.findall(r"(?:environ|environment)(?:\.(?:get|setdefault|pop)\(|\[)\s*[\"'](\w+)[\"']", source)


class TestSettings:
    def test_a_space_gets_the_pinned_gradio(self):
        (version,) = re.findall(r"^sdk_version: (\S+)$", text_of("README.md"), re.M)
        assert f"gradio=={version}" in text_of("requirements.txt").splitlines()

    def test_the_changelog_knows_the_version(self):
        (version,) = re.findall(r'^version = "([^"]+)"$', text_of("pyproject.toml"), re.M)
        assert f"## [{version}]" in text_of("CHANGELOG.md")

    def test_variables_of_the_app_are_documented(self):
        told = text_of("README.md")
        named = variables("app.py", "demos/", "models/")
        assert len(named) > 12
        for path in project_files():
            if re.match(r"(app|(demos|models)/.*)\.py$", path):
                named |= dict.fromkeys(keys_of_the_environment(text_of(path)), path)
        assert not {name: path for name, path in named.items() if f"`{name}" not in told}

    def test_variables_of_the_documents_are_read(self):
        read = variables("app.py", "demos/", "models/", "tests/")
        for document in PROSE:
            for name in re.findall(r"\bGLASSBOX_[A-Z_]+\b", text_of(document)):
                assert name in read, f"{document}: {name}"

    def test_variables_of_the_tests_are_documented(self):
        asked = {
            name
            for path in project_files()
            if re.match(r"tests/.*\.py$", path)
            for name in keys_of_the_environment(text_of(path))
        }
        assert asked
        assert not [name for name in asked if f"`{name}" not in text_of("CONTRIBUTING.md") + text_of("README.md")]

    def test_options_of_the_app_are_documented(self):
        options = re.findall(r"add_argument\(\s*\"(--[a-z-]+)\"", text_of("app.py"))
        rows = " ".join(re.findall(r"^\| (`--[^|]+) \|", text_of("README.md"), re.M))
        assert sorted(re.findall(r"--[a-z-]+", rows)) == sorted(options)
