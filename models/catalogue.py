"""The catalogue: every model that may be chosen, where it comes from, its licence. Nothing else is ever loaded."""

from dataclasses import dataclass
from typing import Literal

HUB_PATTERNS = ("*.json", "*.txt", "*.spm", "*.safetensors")
HALF_PRECISION_PATTERNS = (
    *("*.json", "*.txt", "text_encoder/model.fp16.safetensors", "text_encoder_2/model.fp16.safetensors"),
    *("unet/diffusion_pytorch_model.fp16.safetensors", "vae/diffusion_pytorch_model.fp16.safetensors"),
)
CHAT_PATTERNS = ("*.json", "*.txt", "*.jinja", "model.safetensors")
DECODER_PATTERNS = ("config.json", "diffusion_pytorch_model.safetensors")

NETWORK = ("config.json", "model.safetensors")
READER = (*NETWORK, "tokenizer.json")
MARIAN = (*NETWORK, "source.spm", "target.spm", "vocab.json")
STABLE_DIFFUSION = ("model_index.json", *HALF_PRECISION_PATTERNS[-2:], "text_encoder/model.fp16.safetensors")
PRX = ("model_index.json", *(f"{part}/*.safetensors" for part in ("text_encoder", "transformer", "vae")))


@dataclass(frozen=True)
class Weights:
    """One entry of the catalogue: a name the visitor may choose and the one place it stands for.

    revision: of a hub model, the commit it is pinned to, or a name (a branch, a pull request) whose commit the first
        download writes down.
    patterns: which files of the repository are fetched; needs: without which of them (globs) it cannot run.
    megabytes: about what is fetched, where that is known.
    does: in a few words, what one gains by it.
    beside: another entry that is fetched along with it.
    """

    name: str
    concept: str
    title: str
    kind: Literal["embedded", "hub", "local", "session"]
    origin: str
    licence: str
    revision: str = ""
    patterns: tuple[str, ...] = HUB_PATTERNS
    needs: tuple[str, ...] = ()
    megabytes: int = 0
    does: str = ""
    beside: str = ""


def _embedded(
    name: str, concept: str, title: str, licence: str, origin: str = "trained by this project", does: str = ""
) -> Weights:
    return Weights(name, concept, title, "embedded", origin, licence, does=does)


def _hub(
    name: str,
    concept: str,
    title: str,
    repository: str,
    revision: str,
    licence: str,
    megabytes: int,
    does: str,
    needs: tuple[str, ...] = NETWORK,
    patterns: tuple[str, ...] = HUB_PATTERNS,
    beside: str = "",
) -> Weights:
    return Weights(name, concept, title, "hub", repository, licence, revision, patterns, needs, megabytes, does, beside)


def _rf_detr(size: str, revision: str, megabytes: int) -> Weights:
    name, title = f"rf-detr-{size}", f"RF-DETR {size}, 80 COCO classes"
    return _hub(name, "detection", title, f"Roboflow/{name}", revision, "Apache-2.0", megabytes, "80 everyday things")


CATALOGUE: dict[str, Weights] = {
    entry.name: entry
    for entry in (
        _embedded("char-lstm", "sequences", "Character LSTM", "MIT"),
        _embedded("char-gru", "sequences", "Character GRU", "MIT"),
        _embedded("char-rnn", "sequences", "Character RNN (Elman)", "MIT"),
        _embedded("rain-network", "sequences/weather", "Rain in Seattle", "MIT"),
        _embedded("review-lstm", "sequences/sentiment", "Review LSTM", "Apache-2.0 (reviews: CC BY 4.0)"),
        _embedded("caption-gru", "sequences/caption", "Scene captions", "MIT"),
        _embedded("photo-captioner", "sequences/caption", "Photo captions", "MIT (captions: CC BY 4.0)"),
        _embedded("gru-translator-en-fr", "sequences/translation", "GRU translator", "CC BY 2.0 FR (data)"),
        _embedded(
            "gru-attention-en-fr", "sequences/translation", "GRU translator with attention", "CC BY 2.0 FR (data)"
        ),
        _embedded("story-reader", "sequences/answer", "Story reader (memory network)", "MIT"),
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
        _embedded("vit-s14-probes", "vit/probes", "A probe for each layer of the ViT-S/14", "Apache-2.0"),
        _embedded("dinov2-s14-saliency", "vit/before", "ViT-S/14 before fine-tuning", "Apache-2.0"),
        _embedded("caltech101-neighbours", "vit/neighbours", "Features of labelled photos", "Apache-2.0"),
        _embedded(
            "everyday-neighbours", "vit/neighbours", "Photos that may be shown", "each photo: CC BY 2.0 or CC BY-SA 2.0"
        ),
        _embedded("efficientnet-lite0-caltech101", "vit/cnn", "EfficientNet-Lite0, 101 categories", "Apache-2.0"),
        _embedded("cifar10-pairs", "vit/pairs", "Small CNNs and ViTs trained from scratch on CIFAR-10", "MIT"),
        _embedded("lit-s14-minilm", "vit/clip", "ViT-S and MiniLM, paired here", "Apache-2.0 (captions: CC BY 4.0)"),
        _embedded(
            "rf-detr-s14-objects",
            "detection",
            "RF-DETR, hands, cards and sprites",
            "Apache-2.0",
            does="25 things: hand signs for the digits, six playing cards (nine to ace), nine kinds of game sprite",
        ),
        _embedded(
            "rf-detr-s14-everyday",
            "detection",
            "RF-DETR, people and a few things",
            "Apache-2.0",
            does="4 things: a person, a bus, a horse, a pizza",
        ),
        _hub(
            "detr-resnet-50",
            "detection/detr",
            "DETR, ResNet-50, 80 COCO classes",
            "facebook/detr-resnet-50",
            "1d5f47bd3bdd2c4bbfa585418ffe6da5028b4c0b",
            "Apache-2.0",
            167,
            "80 everyday things",
            patterns=("*.json", "model.safetensors"),
        ),
        _embedded("sprites-unet", "diffusion", "Sprites 32 x 32", "CC0-1.0"),
        _embedded("sprites-words", "diffusion", "Sprites from words", "CC0-1.0 (reads with MiniLM: Apache-2.0)"),
        _embedded("masked-lines", "diffusion/lines", "Lines out of blanks", "MIT"),
        _embedded("one-stroke", "diffusion/strokes", "Drawings in one stroke", "MIT"),
        _hub(
            "smollm2-135m-instruct",
            "sequences/chat",
            "SmolLM2-135M-Instruct",
            "HuggingFaceTB/SmolLM2-135M-Instruct",
            "12fd25f77366fa6b3b4b768ec3050bf629380bac",
            "Apache-2.0",
            271,
            "answers questions",
            needs=READER,
            patterns=CHAT_PATTERNS,
        ),
        _hub(
            "smollm2-360m-instruct",
            "sequences/chat",
            "SmolLM2-360M-Instruct",
            "HuggingFaceTB/SmolLM2-360M-Instruct",
            "a10cc1512eabd3dde888204e902eca88bddb4951",
            "Apache-2.0",
            726,
            "answers questions, more of them rightly, more slowly",
            needs=READER,
            patterns=CHAT_PATTERNS,
        ),
        _hub(
            "smolvlm-256m-instruct",
            "sequences/caption/photo",
            "SmolVLM-256M-Instruct",
            "HuggingFaceTB/SmolVLM-256M-Instruct",
            "7e3e67edbbed1bf9888184d9df282b700a323964",
            "Apache-2.0",
            516,
            "describes photos",
            needs=(*READER, "preprocessor_config.json"),
            patterns=CHAT_PATTERNS,
        ),
        _hub(
            "smollm2-135m",
            "attention",
            "SmolLM2-135M",
            "HuggingFaceTB/SmolLM2-135M",
            "93efa2f097d58c2a74874c7e644dbc9b0cee75a2",
            "Apache-2.0",
            271,
            "goes on with a text",
            needs=READER,
            patterns=("*.json", "*.txt", "model.safetensors"),
        ),
        _hub(
            "gpt2",
            "attention",
            "GPT-2",
            "openai-community/gpt2",
            "607a30d783dfa663caf39e06633721c8d4cfcd7e",
            "MIT",
            551,
            "goes on with a text",
            needs=READER,
        ),
        _hub(
            "distilgpt2",
            "attention",
            "DistilGPT-2",
            "distilbert/distilgpt2",
            "2290a62682d06624634c1f46a6ad5be0f47f38aa",
            "Apache-2.0",
            355,
            "goes on with a text",
            needs=READER,
        ),
        _hub(
            "bert-base-uncased",
            "attention",
            "BERT base",
            "google-bert/bert-base-uncased",
            "86b5e0934494bd15c9632b12f734a8a67f723594",
            "Apache-2.0",
            441,
            "fills in what is masked",
            needs=READER,
        ),
        _hub(
            "distilbert-base-uncased",
            "attention",
            "DistilBERT base",
            "distilbert/distilbert-base-uncased",
            "12040accade4e8a0f71eabdb258fecc2e7e948be",
            "Apache-2.0",
            269,
            "fills in what is masked",
            needs=READER,
        ),
        _hub(
            "opus-mt-en-fr",
            "attention",
            "OPUS-MT English-French (Marian)",
            "Helsinki-NLP/opus-mt-en-fr",
            "f0fc6145f2a2c3b83955154b8fbae0cbb1554c78",
            "Apache-2.0",
            302,
            "translates whole texts",
            needs=MARIAN,
        ),
        _hub(
            "vit-base-patch16-224",
            "vit",
            "ViT-B/16, ImageNet",
            "google/vit-base-patch16-224",
            "3f49326eb077187dfe1c2a2bb15fbd74e6ab91e3",
            "Apache-2.0",
            346,
            "1,000 things of ImageNet",
        ),
        _hub(
            "dinov2-small",
            "vit",
            "DINOv2 ViT-S/14 (features only)",
            "facebook/dinov2-small",
            "ed25f3a31f01632728cabb09d1542f84ab7b0056",
            "Apache-2.0",
            88,
            "features without names",
        ),
        _hub(
            "dinov2-base",
            "vit",
            "DINOv2 ViT-B/14 (features only)",
            "facebook/dinov2-base",
            "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
            "Apache-2.0",
            346,
            "features without names",
        ),
        _hub(
            "deit-small-patch16-224",
            "vit",
            "DeiT-S/16, ImageNet",
            "facebook/deit-small-patch16-224",
            "refs/pr/4",
            "Apache-2.0",
            88,
            "1,000 things of ImageNet",
        ),
        _hub(
            "swin-tiny-patch4-window7-224",
            "vit/windows",
            "Swin-T, ImageNet",
            "microsoft/swin-tiny-patch4-window7-224",
            "main",
            "Apache-2.0",
            113,
            "1,000 things of ImageNet",
        ),
        _hub(
            "clip-vit-base-patch32",
            "vit/clip",
            "CLIP ViT-B/32",
            "openai/clip-vit-base-patch32",
            "c237dc49a33fc61debc9276459120b7eac67e7ef",
            "MIT",
            607,
            "names that you make up",
            needs=READER,
            patterns=("config.json", "preprocessor_config.json", "tokenizer.json", "model.safetensors"),
        ),
        _rf_detr("nano", "main", 122),
        _rf_detr("small", "3bdc465063270f99769da5a1b4c00c68bd2d439d", 128),
        _rf_detr("medium", "1b5b672408f86dd38e05dd3cf3f2e0834e545a59", 135),
        _rf_detr("large", "f62f7dd5252b61097cbace33886045816dadbde9", 136),
        _rf_detr("base", "7b95b089788e6c7db56d5ea9b0a07ca08ea6ac0a", 129),
        _hub(
            "sd-turbo",
            "diffusion",
            "SD-Turbo",
            "stabilityai/sd-turbo",
            "b261bac6fd2cf515557d5d0707481eafa0485ec2",
            "Stability AI community",
            2580,
            "pictures in one to four steps",
            needs=STABLE_DIFFUSION,
            patterns=HALF_PRECISION_PATTERNS,
            beside="taesd",
        ),
        _hub(
            "stable-diffusion-v1-5",
            "diffusion",
            "Stable Diffusion 1.5",
            "stable-diffusion-v1-5/stable-diffusion-v1-5",
            "451f4fe16113bff5a5d2269ed5ad43b0592e9a14",
            "CreativeML OpenRAIL-M",
            2130,
            "pictures, with guidance",
            needs=STABLE_DIFFUSION,
            patterns=HALF_PRECISION_PATTERNS,
            beside="taesd",
        ),
        _hub(
            "sdxl-turbo",
            "diffusion",
            "SDXL-Turbo",
            "stabilityai/sdxl-turbo",
            "71153311d3dbb46851df1931d3ca6e939de83304",
            "Stability AI community",
            6940,
            "large pictures in one to four steps",
            needs=(*STABLE_DIFFUSION, "text_encoder_2/model.fp16.safetensors"),
            patterns=HALF_PRECISION_PATTERNS,
            beside="taesdxl",
        ),
        _hub(
            "prx-512",
            "diffusion",
            "PRX 512 (flow matching)",
            "Photoroom/prx-512-t2i-sft",
            "2996423bc26e8eaca48774fac1797484214dfea0",
            "Apache-2.0 (text encoder: Gemma terms)",
            0,
            "pictures by flow matching",
            needs=PRX,
            beside="taef1",
        ),
        _hub(
            "taesd",
            "diffusion/decoder",
            "TAESD",
            "madebyollin/taesd",
            "614f76814bbe30edbe2e627ace1c2234c81a2c0e",
            "MIT",
            10,
            "shows the predictions of Stable Diffusion",
            needs=DECODER_PATTERNS,
            patterns=DECODER_PATTERNS,
        ),
        _hub(
            "taesdxl",
            "diffusion/decoder",
            "TAESDXL",
            "madebyollin/taesdxl",
            "b20258aaef75ef61e659c1e0f14f251cf0ad153e",
            "MIT",
            10,
            "shows the predictions of SDXL",
            needs=DECODER_PATTERNS,
            patterns=DECODER_PATTERNS,
        ),
        _hub(
            "taef1",
            "diffusion/decoder",
            "TAEF1",
            "madebyollin/taef1",
            "b1b2d00e9e440cfbf3dedb34266864da86016ceb",
            "MIT",
            10,
            "shows the predictions of PRX",
            needs=DECODER_PATTERNS,
            patterns=DECODER_PATTERNS,
        ),
    )
}

BETTER: dict[str, tuple[str, ...]] = {
    "attention": ("gpt2", "smollm2-135m", "bert-base-uncased"),
    "attention/translation": ("opus-mt-en-fr",),
    "vit": ("vit-base-patch16-224", "deit-small-patch16-224"),
    "vit/clip": ("clip-vit-base-patch32",),
    "detection": ("rf-detr-nano", "rf-detr-small", "rf-detr-base", "rf-detr-medium", "rf-detr-large"),
}
"""Models of the hub that a page would rather begin with than with its embedded one, best first."""
