"""Where weights come from: embedded in the repository, a local folder, or the hub; nowhere else.

Every model the app can run is an entry of `CATALOGUE`. Only safetensors are read, and no code that travels with
weights is ever run. Hub entries are pinned to a commit: by this file, or (`FIRST_FETCHED`, where no commit could be
confirmed when the entry was written) by the first download, which writes down what it found.

    python -m models.weights                list the catalogue
    python -m models.weights record NAME    refresh the checksum of an embedded model after training it
"""

import fcntl
import functools
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import InputError, WeightsError

EMBEDDED = Path(__file__).resolve().parent.parent / "assets" / "weights"
MANIFEST = EMBEDDED.parent / "manifest.json"
HUB_PATTERNS = ("*.json", "*.txt", "*.spm", "*.safetensors")
PIPELINE_PATTERNS = (
    *("*.json", "*.txt", "text_encoder/model.safetensors"),
    *("unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors"),
)
HALF_PRECISION_PATTERNS = (
    *("*.json", "*.txt", "text_encoder/model.fp16.safetensors", "text_encoder_2/model.fp16.safetensors"),
    *("unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors"),
)
FIRST_FETCHED = "first-fetched"
DECODER_PATTERNS = ("config.json", "diffusion_pytorch_model.safetensors")


@dataclass(frozen=True)
class Weights:
    """One entry of the catalogue: a name the visitor may choose and the one place it stands for."""

    name: str
    concept: str
    title: str
    kind: Literal["embedded", "hub", "local", "session"]
    origin: str
    licence: str
    revision: str = ""
    patterns: tuple[str, ...] = HUB_PATTERNS


def source_of(entry: Weights) -> str:
    """Where weights came from, in a few words."""
    if entry.kind == "hub":
        return f"{entry.origin} at {commit_of(entry)[:7]}"
    words = {"embedded": "embedded", "local": "local folder"}
    return words.get(entry.kind, entry.origin)


def _embedded(name: str, concept: str, title: str, licence: str, origin: str = "trained by this project") -> Weights:
    return Weights(name, concept, title, "embedded", origin, licence)


def _hub(
    name: str,
    concept: str,
    title: str,
    repository: str,
    revision: str,
    licence: str,
    patterns: tuple[str, ...] = HUB_PATTERNS,
) -> Weights:
    return Weights(name, concept, title, "hub", repository, licence, revision=revision, patterns=patterns)


CATALOGUE: dict[str, Weights] = {
    entry.name: entry
    for entry in (
        _embedded("char-lstm", "sequences", "Character LSTM", "MIT"),
        _embedded("char-gru", "sequences", "Character GRU", "MIT"),
        _embedded("char-rnn", "sequences", "Character RNN (Elman)", "MIT"),
        _embedded("rain-network", "sequences/weather", "Rain in Seattle", "MIT"),
        _embedded("review-lstm", "sequences/sentiment", "Review LSTM", "Apache-2.0 (reviews: CC BY 4.0)"),
        _embedded("caption-gru", "sequences/caption", "Scene captions", "MIT"),
        _embedded("gru-translator-en-fr", "sequences/translation", "GRU translator", "CC BY 2.0 FR (data)"),
        _embedded(
            "gru-attention-en-fr", "sequences/translation", "GRU translator with attention", "CC BY 2.0 FR (data)"
        ),
        _embedded("recall-cells", "sequences/recall", "Recall task: RNN, GRU, LSTM, Transformer", "MIT"),
        _embedded("translator-en-fr", "attention", "Translator English-French", "CC BY 2.0 FR (data)"),
        _embedded(
            "all-minilm-l6-v2",
            "attention",
            "all-MiniLM-L6-v2 (BERT-style encoder)",
            "Apache-2.0",
            origin="sentence-transformers/all-MiniLM-L6-v2",
        ),
        _embedded("book-gpt", "attention", "Small GPT-2, trained on books", "MIT"),
        _embedded("char-transformer", "sequences/reach", "Character Transformer (causal)", "MIT"),
        _embedded("vit-s14-caltech101", "vit", "ViT-S/14, 101 categories", "Apache-2.0"),
        _embedded("dinov2-s14-saliency", "vit/before", "ViT-S/14 before fine-tuning", "Apache-2.0"),
        _embedded("caltech101-neighbours", "vit/neighbours", "Features of labelled photos", "Apache-2.0"),
        _embedded("efficientnet-lite0-caltech101", "vit/cnn", "EfficientNet-Lite0, 101 categories", "Apache-2.0"),
        _embedded("cifar10-pairs", "vit/pairs", "Small CNNs and ViTs trained from scratch on CIFAR-10", "MIT"),
        _embedded("rf-detr-s14-objects", "detection", "RF-DETR, hands, cards and sprites", "Apache-2.0"),
        _embedded("sprites-unet", "diffusion", "Sprites 32 x 32", "CC0-1.0"),
        _hub(
            "smollm2-135m-instruct",
            "sequences/chat",
            "SmolLM2-135M-Instruct",
            "HuggingFaceTB/SmolLM2-135M-Instruct",
            "12fd25f77366fa6b3b4b768ec3050bf629380bac",
            "Apache-2.0",
            patterns=("*.json", "*.txt", "*.jinja", "model.safetensors"),
        ),
        _hub(
            "smollm2-135m",
            "attention",
            "SmolLM2-135M",
            "HuggingFaceTB/SmolLM2-135M",
            "93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
            "Apache-2.0",
            patterns=("*.json", "*.txt", "model.safetensors"),
        ),
        _hub("gpt2", "attention", "GPT-2", "openai-community/gpt2", "607a30d783dfa663caf39e06633721c8d4cfcd7e", "MIT"),
        _hub(
            "distilgpt2",
            "attention",
            "DistilGPT-2",
            "distilbert/distilgpt2",
            "2290a62682d06624634c1f46a6ad5be0f47f38aa",
            "Apache-2.0",
        ),
        _hub(
            "bert-base-uncased",
            "attention",
            "BERT base",
            "google-bert/bert-base-uncased",
            "86b5e0934494bd15c9632b12f734a8a67f723594",
            "Apache-2.0",
        ),
        _hub(
            "distilbert-base-uncased",
            "attention",
            "DistilBERT base",
            "distilbert/distilbert-base-uncased",
            "12040accade4e8a0f71eabdb258fecc2e7e948be",
            "Apache-2.0",
        ),
        _hub(
            "opus-mt-en-fr",
            "attention",
            "OPUS-MT English-French (Marian)",
            "Helsinki-NLP/opus-mt-en-fr",
            "dd7f6540a7a48a7f4db59e5c0b9c42c8eea67f18",
            "Apache-2.0",
        ),
        _hub(
            "vit-base-patch16-224",
            "vit",
            "ViT-B/16, ImageNet",
            "google/vit-base-patch16-224",
            "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
            "Apache-2.0",
        ),
        _hub(
            "dinov2-small",
            "vit",
            "DINOv2 ViT-S/14 (features only)",
            "facebook/dinov2-small",
            "ed25f3a31f01632728cabb09d1542f84ab7b0056",
            "Apache-2.0",
        ),
        _hub(
            "dinov2-base",
            "vit",
            "DINOv2 ViT-B/14 (features only)",
            "facebook/dinov2-base",
            "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
            "Apache-2.0",
        ),
        _hub(
            "deit-small-patch16-224",
            "vit",
            "DeiT-S/16, ImageNet",
            "facebook/deit-small-patch16-224",
            FIRST_FETCHED,
            "Apache-2.0",
        ),
        _hub(
            "swin-tiny-patch4-window7-224",
            "vit/windows",
            "Swin-T, ImageNet",
            "microsoft/swin-tiny-patch4-window7-224",
            FIRST_FETCHED,
            "Apache-2.0",
        ),
        _hub(
            "clip-vit-base-patch32",
            "vit/clip",
            "CLIP ViT-B/32",
            "openai/clip-vit-base-patch32",
            "c237dc49a33fc61debc9276459120b7eac67e7ef",
            "MIT",
            patterns=("config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"),
        ),
        _hub(
            "rf-detr-nano",
            "detection",
            "RF-DETR nano, 80 COCO classes",
            "Roboflow/rf-detr-nano",
            FIRST_FETCHED,
            "Apache-2.0",
        ),
        _hub(
            "rf-detr-small",
            "detection",
            "RF-DETR small, 80 COCO classes",
            "Roboflow/rf-detr-small",
            "3bdc465063270f99769da5a1b4c00c68bd2d439d",
            "Apache-2.0",
        ),
        _hub(
            "rf-detr-medium",
            "detection",
            "RF-DETR medium, 80 COCO classes",
            "Roboflow/rf-detr-medium",
            "1b5b672408f86dd38e05dd3cf3f2e0834e545a59",
            "Apache-2.0",
        ),
        _hub(
            "rf-detr-large",
            "detection",
            "RF-DETR large, 80 COCO classes",
            "Roboflow/rf-detr-large",
            "f62f7dd5252b61097cbace33886045816dadbde9",
            "Apache-2.0",
        ),
        _hub(
            "rf-detr-base",
            "detection",
            "RF-DETR base, 80 COCO classes",
            "Roboflow/rf-detr-base",
            "7b95b089788e6c7db56d5ea9b0a07ca08ea6ac0a",
            "Apache-2.0",
        ),
        _hub(
            "sd-turbo",
            "diffusion",
            "SD-Turbo",
            "stabilityai/sd-turbo",
            "b261bac6fd2cf515557d5d0707481eafa0485ec2",
            "Stability AI community",
            patterns=PIPELINE_PATTERNS,
        ),
        _hub(
            "stable-diffusion-v1-5",
            "diffusion",
            "Stable Diffusion 1.5",
            "stable-diffusion-v1-5/stable-diffusion-v1-5",
            "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
            "CreativeML OpenRAIL-M",
            patterns=PIPELINE_PATTERNS,
        ),
        _hub(
            "sdxl-turbo",
            "diffusion",
            "SDXL-Turbo",
            "stabilityai/sdxl-turbo",
            "71153311d3dbb46851df1931d3ca6e939de83304",
            "Stability AI community",
            patterns=HALF_PRECISION_PATTERNS,
        ),
        _hub(
            "prx-512",
            "diffusion",
            "PRX 512 (flow matching)",
            "Photoroom/prx-512-t2i-sft",
            "2996423bc26e8eaca48774fac1797484214dfea0",
            "Apache-2.0 (text encoder: Gemma terms)",
        ),
        _hub(
            "taesd",
            "diffusion/decoder",
            "TAESD",
            "madebyollin/taesd",
            "614f76814bbe30edbe2e627ace1c2234c81a2c0e",
            "MIT",
            patterns=DECODER_PATTERNS,
        ),
        _hub(
            "taesdxl",
            "diffusion/decoder",
            "TAESDXL",
            "madebyollin/taesdxl",
            "b20258aaef75ef61e659c1e0f14f251cf0ad153e",
            "MIT",
            patterns=DECODER_PATTERNS,
        ),
        _hub(
            "taef1",
            "diffusion/decoder",
            "TAEF1",
            "madebyollin/taef1",
            "b1b2d00e9e440cfbf3dedb34266864da86016ceb",
            "MIT",
            patterns=DECODER_PATTERNS,
        ),
    )
}


def add_local(folder: Path) -> list[str]:
    """Offer every model in transformers' format that lies in a folder of `folder`: Vision Transformers (ViT, DeiT
    without distillation token, DINOv2; Swin on a page of its own) in the ViT tab, all others in the Attention tab.

    For whoever starts the app; visitors choose among them by name. Returns the names. Raises `WeightsError` where
    there is no such folder.
    """
    if not folder.is_dir():
        raise WeightsError(f"There is no folder {folder} with local models.")
    added = []
    for path in sorted(folder.iterdir()):
        if (path / "config.json").is_file() and (path / "model.safetensors").is_file():
            name = f"local-{path.name}"
            CATALOGUE[name] = Weights(name, _concept_of(path), f"{path.name} (local)", "local", str(path), "its own")
            added.append(name)
    return added


def _concept_of(folder: Path) -> str:
    try:
        kind = json.loads((folder / "config.json").read_text()).get("model_type")
    except (ValueError, AttributeError):
        raise WeightsError(f"{folder / 'config.json'} is not the configuration of a model.") from None
    return {"vit": "vit", "dinov2": "vit", "swin": "vit/windows"}.get(kind, "attention")


def find(name: object, concept: str | None = None) -> Weights:
    """The catalogue entry called `name` (of `concept`, if given). Raises `InputError` for any other name."""
    entry = CATALOGUE.get(name) if isinstance(name, str) else None
    if entry is None or (concept and entry.concept != concept):
        raise InputError(f"There is no such model; choose one of: {', '.join(offered(concept))}.")
    return entry


def offered(concept: str | None = None) -> list[str]:
    """Names a visitor may choose, in catalogue order: hub models by `mode()`."""
    return [
        entry.name
        for entry in CATALOGUE.values()
        if (concept is None or entry.concept == concept) and (entry.kind != "hub" or mode() != "embedded")
    ]


def first_choice(concept: str, otherwise: str) -> str:
    """The model a tab begins with: the first hub model of the concept in mode `hub`, else `otherwise`."""
    hub_names = [name for name in offered(concept) if CATALOGUE[name].kind == "hub"]
    return hub_names[0] if hub_names and mode() == "hub" else otherwise


def mode() -> str:
    """`embedded` (hub models are not offered), `hub` (preferred) or `auto` (offered, never needed)."""
    chosen = os.environ.get("GLASSBOX_MODELS", "auto")
    if chosen not in ("embedded", "hub", "auto"):
        raise WeightsError(f"GLASSBOX_MODELS is {chosen!r}; it must be embedded, hub or auto.")
    return chosen


def folder(name: str) -> Path:
    """The folder with the weights of `name`, their SHA-256 verified once a process.

    Raises `InputError` for an unknown name, `WeightsError` for weights that are missing, damaged or not here yet.
    """
    entry = find(name)
    if entry.kind == "local":
        return Path(entry.origin)
    return _verified_folder(name) if entry.kind != "hub" else _hub_folder(entry)


@functools.cache
def _verified_folder(name: str) -> Path:
    entry = CATALOGUE[name]
    path, expected = EMBEDDED / name, _manifest().get(name, {})
    if not expected:
        raise WeightsError(f"The weights of {entry.title} are not in this copy of the project.")
    for file, digest in expected.items():
        _verify(path / file, digest)
    return path


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise WeightsError(f"The weight file {path.parent.name}/{path.name} is missing.")
    if sha256_of(path) != expected:
        raise WeightsError(f"The weight file {path.parent.name}/{path.name} is damaged: its SHA-256 is not as listed.")


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest() -> dict[str, dict[str, str]]:
    """`{model name: {file name: SHA-256}}` of the embedded weights."""
    entries = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    return {name: {file: facts["sha256"] for file, facts in files.items()} for name, files in entries.items()}


def record(name: str) -> None:
    """Write SHA-256 and size of every file of an embedded model (but its README and notices) into the manifest."""
    with _manifest_lock():
        entries = json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
        files = sorted(
            p for p in (EMBEDDED / name).iterdir() if p.suffix in (".safetensors", ".json", ".txt", ".model")
        )
        entries[name] = {p.name: {"sha256": sha256_of(p), "bytes": p.stat().st_size} for p in files}
        partial = MANIFEST.with_suffix(".partial")
        partial.write_text(json.dumps(dict(sorted(entries.items())), indent=2) + "\n")
        os.replace(partial, MANIFEST)


@contextmanager
def _manifest_lock() -> Iterator[None]:
    EMBEDDED.mkdir(parents=True, exist_ok=True)
    with (EMBEDDED / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def hub_cache() -> Path:
    """Where hub models are kept: `GLASSBOX_HUB_CACHE`, else `glassbox` in the hub client's own cache folder."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    return Path(os.environ.get("GLASSBOX_HUB_CACHE", home / "glassbox"))


def hub_path(entry: Weights) -> Path:
    """The folder of a hub model; it is whole when `complete.json`, written last, is in it."""
    return hub_cache() / entry.name / entry.revision


def commit_of(entry: Weights) -> str:
    """The commit that a hub model is pinned to, by the catalogue or by its first download; "" before that."""
    if entry.revision != FIRST_FETCHED:
        return entry.revision
    note = hub_path(entry) / "commit"
    return note.read_text().strip() if note.exists() else ""


def _hub_folder(entry: Weights) -> Path:
    path = hub_path(entry)
    if not (path / "complete.json").exists():
        raise WeightsError(f"{entry.title} is not on this machine yet: choose it in its tab to fetch it from the hub.")
    return _verified_hub_folder(path)


@functools.cache
def _verified_hub_folder(path: Path) -> Path:
    for file, digest in json.loads((path / "complete.json").read_text()).items():
        _verify(path / file, digest)
    return path


def main(arguments: list[str]) -> int:
    """The command line described at the top of this module."""
    match arguments:
        case ["record", name]:
            record(find(name).name)
        case []:
            for entry in CATALOGUE.values():
                print(f"{entry.name:24} {entry.kind:9} {entry.concept:10} {entry.title} ({entry.licence})")
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
