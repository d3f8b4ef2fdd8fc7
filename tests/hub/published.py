"""Checkpoints as they are published: their key names, their config.json, their pre-processing and tokenizer files.

Made here with random weights, widths as published, depth reduced (two layers a stack) unless `full`. Vocabularies are
small where the published one is not in this repository. What is special about the published files (old names of
LayerNorm, causal masks among the weights, position ids, fused projections ...) each maker writes itself, and returns
the network that it saved, so that a test can tell whether every number arrives where it belongs.
"""

import json
import re
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tests.hub import checkpoints

ROOT = Path(__file__).resolve().parents[2]
MINILM = ROOT / "assets" / "weights" / "all-minilm-l6-v2"
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
COCO = {
    1: "person",
    2: "bicycle",
    3: "car",
    4: "motorcycle",
    5: "airplane",
    6: "bus",
    7: "train",
    8: "truck",
    9: "boat",
    10: "traffic light",
    11: "fire hydrant",
    13: "stop sign",
    14: "parking meter",
    15: "bench",
    16: "bird",
    17: "cat",
    18: "dog",
    19: "horse",
    20: "sheep",
    21: "cow",
    22: "elephant",
    23: "bear",
    24: "zebra",
    25: "giraffe",
    27: "backpack",
    28: "umbrella",
    31: "handbag",
    32: "tie",
    33: "suitcase",
    34: "frisbee",
    35: "skis",
    36: "snowboard",
    37: "sports ball",
    38: "kite",
    39: "baseball bat",
    40: "baseball glove",
    41: "skateboard",
    42: "surfboard",
    43: "tennis racket",
    44: "bottle",
    46: "wine glass",
    47: "cup",
    48: "fork",
    49: "knife",
    50: "spoon",
    51: "bowl",
    52: "banana",
    53: "apple",
    54: "sandwich",
    55: "orange",
    56: "broccoli",
    57: "carrot",
    58: "hot dog",
    59: "pizza",
    60: "donut",
    61: "cake",
    62: "chair",
    63: "couch",
    64: "potted plant",
    65: "bed",
    67: "dining table",
    70: "toilet",
    72: "tv",
    73: "laptop",
    74: "mouse",
    75: "remote",
    76: "keyboard",
    77: "cell phone",
    78: "microwave",
    79: "oven",
    80: "toaster",
    81: "sink",
    82: "refrigerator",
    84: "book",
    85: "clock",
    86: "vase",
    87: "scissors",
    88: "teddy bear",
    89: "hair drier",
    90: "toothbrush",
}
"""COCO's numbers go to 90 with gaps; 80 of them stand for something."""


def _write(folder, name, content):
    (folder / name).write_text(json.dumps(content, indent=2) + "\n")


def _save(folder, state, name="model.safetensors"):
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: tensor.contiguous().clone() for key, tensor in state.items()}, folder / name, {"format": "pt"})


def _lively(network):
    """Random weights large enough that every part of the network changes its answer."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not parameter.requires_grad:  # sines and cosines of positions
                continue
            if parameter.dim() > 1:
                parameter.normal_(0, 0.05)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.1)
            else:
                parameter.add_(torch.randn(parameter.shape) * 0.1)
    return network.eval()


# Language models


def _gpt2(prefix, layers):
    def make(folder, full=False):
        """Causal masks among the weights; `prefix` before every name (GPT-2 itself was saved without a head)."""
        from transformers import GPT2Config, GPT2LMHeadModel

        checkpoints._bpe_tokenizer(folder, bos_token="<|endoftext|>", eos_token="<|endoftext|>")
        _write(folder, "tokenizer_config.json", {"model_max_length": 1024})
        vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
        config = {
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.1,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "embd_pdrop": 0.1,
            "initializer_range": 0.02,
            "layer_norm_epsilon": 1e-05,
            "model_type": "gpt2",
            "n_ctx": 1024,
            "n_embd": 768,
            "n_head": 12,
            "n_layer": layers if full else 2,
            "n_positions": 1024,
            "resid_pdrop": 0.1,
            "vocab_size": len(vocabulary),
            "summary_activation": None,
            "summary_first_dropout": 0.1,
            "summary_proj_to_labels": True,
            "summary_type": "cls_index",
            "summary_use_proj": True,
            "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
        }
        _write(folder, "config.json", config)
        network = _lively(GPT2LMHeadModel(GPT2Config(**{k: v for k, v in config.items() if k != "architectures"})))
        state = {k: v for k, v in network.state_dict().items() if not k.startswith("lm_head")}
        for layer in range(config["n_layer"]):
            state[f"transformer.h.{layer}.attn.bias"] = torch.ones(1024, 1024).tril()[None, None]
        _save(folder, {prefix + key.removeprefix("transformer."): tensor for key, tensor in state.items()})
        return network

    return make


def _uncased_tokenizer(folder):
    """The vocabulary of BERT base uncased, which is that of the embedded MiniLM."""
    folder.mkdir(parents=True, exist_ok=True)
    content = json.loads((MINILM / "tokenizer.json").read_text())
    _write(folder, "tokenizer.json", content | {"truncation": None, "padding": None})
    words = content["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(sorted(words, key=words.get)) + "\n")
    _write(folder, "tokenizer_config.json", {"do_lower_case": True, "model_max_length": 512})
    return len(words)


def bert(folder, full=False):
    """Saved with both heads of its training and the names that LayerNorm had then; output weights are the embedding."""
    from transformers import BertConfig, BertForPreTraining

    config = {
        "architectures": ["BertForMaskedLM"],
        "attention_probs_dropout_prob": 0.1,
        "hidden_act": "gelu",
        "gradient_checkpointing": False,
        "hidden_dropout_prob": 0.1,
        "hidden_size": 768,
        "model_type": "bert",
        "initializer_range": 0.02,
        "intermediate_size": 3072,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "max_position_embeddings": 512,
        "num_attention_heads": 12,
        "num_hidden_layers": 12 if full else 2,
        "position_embedding_type": "absolute",
        "transformers_version": "4.6.0.dev0",
        "type_vocab_size": 2,
        "use_cache": True,
        "vocab_size": _uncased_tokenizer(folder),
    }
    _write(folder, "config.json", config)
    network = _lively(BertForPreTraining(BertConfig.from_json_file(folder / "config.json")))
    state = {k: v for k, v in network.state_dict().items() if "position_ids" not in k and "decoder" not in k}
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    _save(folder, {re.sub(r"LayerNorm\.\w+", lambda found: old[found[0]], key): v for key, v in state.items()})
    return network


def distilbert(folder, full=False):
    """Output weights are the embedding's and not stored twice."""
    from transformers import DistilBertConfig, DistilBertForMaskedLM

    config = {
        "activation": "gelu",
        "architectures": ["DistilBertForMaskedLM"],
        "attention_dropout": 0.1,
        "dim": 768,
        "dropout": 0.1,
        "hidden_dim": 3072,
        "initializer_range": 0.02,
        "max_position_embeddings": 512,
        "model_type": "distilbert",
        "n_heads": 12,
        "n_layers": 6 if full else 2,
        "pad_token_id": 0,
        "qa_dropout": 0.1,
        "seq_classif_dropout": 0.2,
        "sinusoidal_pos_embds": False,
        "tie_weights_": True,
        "transformers_version": "4.10.0.dev0",
        "vocab_size": _uncased_tokenizer(folder),
    }
    _write(folder, "config.json", config)
    network = _lively(DistilBertForMaskedLM(DistilBertConfig.from_json_file(folder / "config.json")))
    _save(folder, {k: v for k, v in network.state_dict().items() if k != "vocab_projector.weight"})
    return network


SMOLLM2 = {  # width, width between, heads, heads of keys and values, layers
    "135m": (576, 1536, 9, 3, 30),
    "360m": (960, 2560, 15, 5, 32),
}


def _smollm2(variant, chat):
    def make(folder, full=False):
        """In bfloat16; the output layer is the embedding; settings name GPT-2's tokenizer and, of the chat model, hold
        the template.
        """
        from transformers import LlamaConfig, LlamaForCausalLM

        folder.mkdir(parents=True, exist_ok=True)
        size = checkpoints._chat_tokenizer(folder)
        if not chat:
            settings = json.loads((folder / "tokenizer_config.json").read_text())
            settings.pop("chat_template", None)
            _write(
                folder, "tokenizer_config.json", settings | {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
            )
        first, last = (1, 2) if chat else (0, 0)
        width, between, heads, shared, layers = SMOLLM2[variant]
        config = {
            "architectures": ["LlamaForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": first,
            "eos_token_id": last,
            "hidden_act": "silu",
            "hidden_size": width,
            "initializer_range": 0.041666666666666664,
            "intermediate_size": between,
            "is_llama_config": True,
            "max_position_embeddings": 8192,
            "mlp_bias": False,
            "model_type": "llama",
            "num_attention_heads": heads,
            "num_hidden_layers": layers if full else 2,
            "num_key_value_heads": shared,
            "pretraining_tp": 1,
            "rms_norm_eps": 1e-05,
            "rope_interleaved": False,
            "rope_scaling": None,
            "rope_theta": 100000,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
            "use_cache": True,
            "vocab_size": size,
            **({"pad_token_id": 2} if chat else {}),
        }
        _write(folder, "config.json", config)
        network = _lively(LlamaForCausalLM(LlamaConfig.from_json_file(folder / "config.json")))
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(parameter.bfloat16())
        state = {k: v.bfloat16() for k, v in network.state_dict().items() if not k.startswith("lm_head")}
        _save(folder, state)
        return network

    return make


def marian(folder, full=False):
    """One table for source, target and output; sines and cosines of the positions are not stored."""
    from transformers import MarianConfig, MarianMTModel

    checkpoints.marian(folder)
    pad = len(json.loads((folder / "vocab.json").read_text())) - 1
    layers = 6 if full else 2
    config = {
        "_num_labels": 3,
        "activation_dropout": 0.0,
        "activation_function": "swish",
        "add_bias_logits": False,
        "add_final_layer_norm": False,
        "architectures": ["MarianMTModel"],
        "attention_dropout": 0.0,
        "bad_words_ids": [[pad]],
        "bos_token_id": 0,
        "classif_dropout": 0.0,
        "classifier_dropout": 0.0,
        "d_model": 512,
        "decoder_attention_heads": 8,
        "decoder_ffn_dim": 2048,
        "decoder_layerdrop": 0.0,
        "decoder_layers": layers,
        "decoder_start_token_id": pad,
        "decoder_vocab_size": pad + 1,
        "dropout": 0.1,
        "encoder_attention_heads": 8,
        "encoder_ffn_dim": 2048,
        "encoder_layerdrop": 0.0,
        "eos_token_id": 0,
        "encoder_layers": layers,
        "forced_eos_token_id": 0,
        "init_std": 0.02,
        "is_encoder_decoder": True,
        "max_length": 512,
        "max_position_embeddings": 512,
        "model_type": "marian",
        "normalize_before": False,
        "normalize_embedding": False,
        "num_beams": 4,
        "num_hidden_layers": layers,
        "pad_token_id": pad,
        "scale_embedding": True,
        "share_encoder_decoder_embeddings": True,
        "static_position_embeddings": True,
        "transformers_version": "4.22.0.dev0",
        "use_cache": True,
        "vocab_size": pad + 1,
    }
    _write(folder, "config.json", config)
    written = {"bad_words_ids": [[pad]], "num_beams": 4, "max_length": 512, "renormalize_logits": True}
    ids = {name: config[name] for name in ("bos_token_id", "decoder_start_token_id", "eos_token_id", "pad_token_id")}
    _write(folder, "generation_config.json", {**written, **ids, "forced_eos_token_id": 0})
    network = _lively(MarianMTModel(MarianConfig.from_json_file(folder / "config.json")))
    left_out = ("embed_tokens.weight", "embed_positions.weight", "lm_head.weight")
    _save(folder, {k: v for k, v in network.state_dict().items() if not k.endswith(left_out)})
    return network


def smolvlm(folder, full=False):
    """As SmolVLM-256M: width 576 over a ViT of width 768, 64 vectors a picture."""
    width, between, heads, shared, layers = SMOLLM2["135m"]
    text = {"hidden_size": width, "intermediate_size": between, "num_attention_heads": heads}
    text |= {"num_key_value_heads": shared, "num_hidden_layers": layers if full else 2, "head_dim": 64}
    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "image_size": 512}
    return checkpoints.smolvlm(folder, text, vision | {"num_hidden_layers": 12 if full else 2})


# Vision


def _labels(count):
    """ImageNet's way: several names for one number."""
    names = {str(number): f"thing {number}, another name of thing {number}" for number in range(count)}
    return {"id2label": names, "label2id": {name: int(number) for number, name in names.items()}}


def _vit(width, heads, processor):
    def make(folder, full=False):
        """Names of the blocks as they were before the library renamed them."""
        from transformers import ViTConfig, ViTForImageClassification

        config = {
            "architectures": ["ViTForImageClassification"],
            "attention_probs_dropout_prob": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": width,
            "image_size": 224,
            "initializer_range": 0.02,
            "intermediate_size": 4 * width,
            "layer_norm_eps": 1e-12,
            "model_type": "vit",
            "num_attention_heads": heads,
            "num_channels": 3,
            "patch_size": 16,
            "num_hidden_layers": 12 if full else 2,
            "qkv_bias": True,
            "transformers_version": "4.13.0.dev0",
            **_labels(1000),
        }
        network = _lively(ViTForImageClassification(ViTConfig.from_dict(config)))
        network.save_pretrained(folder)
        _check_names(folder, r"vit\.encoder\.layer\.\d+\.attention\.attention\.query\.weight")
        _write(folder, "config.json", config)
        _write(folder, "preprocessor_config.json", processor)
        return network

    return make


def _check_names(folder, pattern):
    """The library saves some networks under their published names; this says so, or fails."""
    names = load_file(folder / "model.safetensors")
    assert any(re.fullmatch(pattern, name) for name in names), sorted(names)[:10]


def _dinov2(width, heads):
    def make(folder, full=False):
        """The bare encoder, without a prefix, with the mask token of its training."""
        from transformers import Dinov2Config, Dinov2Model

        layers = 12 if full else 2
        config = {
            "apply_layernorm": True,
            "architectures": ["Dinov2Model"],
            "attention_probs_dropout_prob": 0.0,
            "drop_path_rate": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": width,
            "image_size": 518,
            "initializer_range": 0.02,
            "layer_norm_eps": 1e-06,
            "layerscale_value": 1.0,
            "mlp_ratio": 4,
            "model_type": "dinov2",
            "num_attention_heads": heads,
            "num_channels": 3,
            "num_hidden_layers": layers,
            "out_features": [f"stage{layers}"],
            "out_indices": [layers],
            "patch_size": 14,
            "qkv_bias": True,
            "reshape_hidden_states": True,
            "torch_dtype": "float32",
            "stage_names": ["stem", *(f"stage{number}" for number in range(1, layers + 1))],
            "use_swiglu_ffn": False,
        }
        network = _lively(Dinov2Model(Dinov2Config.from_dict(config)))
        network.save_pretrained(folder)
        _check_names(folder, r"encoder\.layer\.\d+\.attention\.attention\.query\.weight")
        _check_names(folder, r"embeddings\.mask_token")
        _write(folder, "config.json", config)
        processor = {
            "crop_size": {"height": 224, "width": 224},
            "do_center_crop": True,
            "do_convert_rgb": True,
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "resample": 3,
            **IMAGENET,
            "image_processor_type": "BitImageProcessor",
            "rescale_factor": 1 / 255,
            "size": {"shortest_edge": 256},
        }
        _write(folder, "preprocessor_config.json", processor)
        return network

    return make


def swin(folder, full=False):
    """With a table of relative positions in every block, which the library computes anew."""
    from transformers import SwinConfig, SwinForImageClassification

    config = {
        "architectures": ["SwinForImageClassification"],
        "attention_probs_dropout_prob": 0.0,
        "depths": [2, 2, 6, 2] if full else [2, 2, 2, 2],
        "drop_path_rate": 0.1,
        "embed_dim": 96,
        "encoder_stride": 32,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "hidden_size": 768,
        "image_size": 224,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-05,
        "mlp_ratio": 4.0,
        "model_type": "swin",
        "num_channels": 3,
        "num_heads": [3, 6, 12, 24],
        "num_layers": 4,
        "patch_size": 4,
        "path_norm": True,
        "qkv_bias": True,
        "torch_dtype": "float32",
        "use_absolute_embeddings": False,
        "window_size": 7,
        **_labels(1000),
    }
    network = _lively(SwinForImageClassification(SwinConfig.from_dict(config)))
    network.save_pretrained(folder)
    state = load_file(folder / "model.safetensors")
    for name in [name for name in state if name.endswith("relative_position_bias_table")]:
        state[name.replace("bias_table", "index")] = _relative_positions(7)
    _save(folder, state)
    _write(folder, "config.json", config)
    old = {"do_normalize": True, "do_resize": True, "feature_extractor_type": "ViTFeatureExtractor"}
    _write(folder, "preprocessor_config.json", old | {**IMAGENET, "resample": 3, "size": 224})
    return network


def _relative_positions(side):
    """Liu et al. 2021, section 3.2: which entry of the table of biases stands for a pair of places of a window."""
    places = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")).flatten(1)
    apart = places[:, :, None] - places[:, None, :] + side - 1
    return apart[0] * (2 * side - 1) + apart[1]


def clip(folder, full=False):
    """With position ids among the weights, and the pre-processing of the first releases."""
    from transformers import CLIPConfig, CLIPModel

    tokenizer = checkpoints._clip_tokenizer(folder)
    tokenizer.save_pretrained(folder)
    shutil.rmtree(folder / "tokenizer")
    depth = {"num_hidden_layers": 12 if full else 2, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-05}
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 1}
    text = {
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_attention_heads": 8,
        "max_position_embeddings": 77,
        "vocab_size": len(tokenizer),
        "model_type": "clip_text_model",
        "projection_dim": 512,
        **depth,
        **ids,
    }
    vision = {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "patch_size": 32,
        "image_size": 224,
        "model_type": "clip_vision_model",
        "projection_dim": 512,
        **depth,
    }
    config = {
        "architectures": ["CLIPModel"],
        "initializer_factor": 1.0,
        "logit_scale_init_value": 2.6592,
        "model_type": "clip",
        "projection_dim": 512,
        "torch_dtype": "float32",
        "text_config": text,
        "text_config_dict": None,
        "vision_config": vision,
        "vision_config_dict": None,
    }
    network = _lively(CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=512)))
    network.save_pretrained(folder)
    state = load_file(folder / "model.safetensors")
    state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
    state["vision_model.embeddings.position_ids"] = torch.arange(50)[None]
    _save(folder, state)
    _write(folder, "config.json", config)
    processor = {
        "crop_size": 224,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "resample": 3,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "size": 224,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    _write(folder, "preprocessor_config.json", processor)
    return network


RF_DETR = {  # size of the position table, patch, windows, layers whose features are read, decoder layers, input size
    "nano": (384, 16, 2, (3, 6, 9, 12), 2, 384),
    "small": (512, 16, 2, (3, 6, 9, 12), 3, 512),
    "base": (518, 14, 4, (2, 5, 8, 11), 3, 560),
    "medium": (576, 16, 2, (3, 6, 9, 12), 4, 576),
    "large": (704, 16, 2, (3, 6, 9, 12), 4, 704),
}


def _rf_detr(variant):
    def make(folder, full=False):
        """Roboflow's own names, three projections of the decoder's attention in one; COCO's 91 numbers."""
        from transformers import RfDetrConfig, RfDetrForObjectDetection

        positions, patch, windows, read, decoder, size = RF_DETR[variant]
        names = {number: COCO.get(number, "N/A") for number in range(91)}
        backbone = {
            "model_type": "rf_detr_dinov2",
            "attention_probs_dropout_prob": 0.0,
            "drop_path_rate": 0.0,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.0,
            "hidden_size": 384,
            "image_size": positions,
            "initializer_range": 0.02,
            "layer_norm_eps": 1e-6,
            "layerscale_value": 1.0,
            "mlp_ratio": 4,
            "num_attention_heads": 6,
            "num_channels": 3,
            "num_hidden_layers": 12 if full else 4,
            "num_windows": windows,
            "patch_size": patch,
            "qkv_bias": True,
            "use_swiglu_ffn": False,
            "out_features": [f"stage{layer}" for layer in (read if full else (1, 2, 3, 4))],
        }
        config = RfDetrConfig(
            backbone_config=backbone,
            d_model=256,
            num_queries=300,
            decoder_self_attention_heads=8,
            decoder_cross_attention_heads=16,
            decoder_layers=decoder,
            decoder_n_points=2,
            id2label=names,
            label2id={name: number for number, name in names.items()},
        )
        network = _lively(RfDetrForObjectDetection(config))
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if "bbox_embed" in name and "layers.2" in name:  # boxes stay near their references
                    parameter.mul_(0.2)
        _save(folder, _roboflow_state(network, decoder))
        content = json.loads(config.to_json_string())
        _write(folder, "config.json", content | {"architectures": ["RfDetrForObjectDetection"], "dtype": "float32"})
        processor = {
            "do_convert_annotations": True,
            "do_normalize": True,
            "do_pad": True,
            "do_rescale": True,
            "do_resize": True,
            "format": "coco_detection",
            **IMAGENET,
            "resample": 2,
            "rescale_factor": 1 / 255,
            "size": {"height": size, "width": size},
            "use_fast": True,
            "image_processor_type": "DetrImageProcessor" if variant == "nano" else "RfDetrImageProcessor",
        }
        _write(folder, "preprocessor_config.json", processor)
        return network

    return make


def _roboflow_state(network, decoder_layers):
    """The network's tensors under the names of Roboflow's own code, written here, not by the library's table."""
    state = {_roboflow_name(name): tensor for name, tensor in network.state_dict().items()}
    for layer in range(decoder_layers):
        attention = f"transformer.decoder.layers.{layer}.self_attn."
        for part in ("weight", "bias"):
            state[f"{attention}in_proj_{part}"] = torch.cat([state.pop(f"{attention}{p}_proj.{part}") for p in "qkv"])
    return state


RENAMED = (
    (r"^model\.", ""),
    (r"^backbone\.backbone\.", "backbone.0.encoder.encoder."),
    (r"^(backbone\.0\.encoder.*\.attention)\.q_proj", r"\1.attention.query"),
    (r"^(backbone\.0\.encoder.*\.attention)\.k_proj", r"\1.attention.key"),
    (r"^(backbone\.0\.encoder.*\.attention)\.v_proj", r"\1.attention.value"),
    (r"^(backbone\.0\.encoder.*\.attention)\.o_proj", r"\1.output.dense"),
    (r"^backbone\.projector\.projector_layer\.bottlenecks\.", "backbone.0.projector.stages.0.0.m."),
    (r"^backbone\.projector\.projector_layer\.", "backbone.0.projector.stages.0.0."),
    (r"^backbone\.projector\.layer_norm", "backbone.0.projector.stages.0.1"),
    (r"^(backbone\.0\.projector.*)conv([12])\.conv", r"\1cv\2.conv"),
    (r"^(backbone\.0\.projector.*)conv([12])\.norm", r"\1cv\2.bn"),
    (r"^decoder\.", "transformer.decoder."),
    (r"^(transformer\.decoder.*)\.self_attn_layer_norm", r"\1.norm1"),
    (r"^(transformer\.decoder.*)\.cross_attn_layer_norm", r"\1.norm2"),
    (r"^(transformer\.decoder\.layers\.\d+)\.layer_norm", r"\1.norm3"),
    (r"^(transformer\.decoder.*)\.mlp\.fc([12])", r"\1.linear\2"),
    (r"^transformer\.decoder\.layernorm", "transformer.decoder.norm"),
    (r"^(transformer\.decoder.*)\.self_attn\.o_proj", r"\1.self_attn.out_proj"),
    (r"^(transformer\.decoder.*)\.cross_attn\.attn\.", r"\1.cross_attn."),
    (r"^enc_out", "transformer.enc_out"),
    (r"^reference_point_embed", "refpoint_embed"),
)
"""From the library's names to Roboflow's, one after the other."""


def _roboflow_name(name):
    for pattern, replacement in RENAMED:
        name = re.sub(pattern, replacement, name)
    return name


# Diffusion


def _stable_diffusion(maker):
    def make(folder, full=False):
        """The VAE's attention under its first names, and the text encoders' prefix and position ids."""
        pipeline = maker(folder)
        pipeline.scheduler = type(pipeline.scheduler).from_pretrained(folder / "scheduler")
        old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
        vae = folder / "vae" / "diffusion_pytorch_model.fp16.safetensors"
        state = {}
        for name, tensor in load_file(vae).items():
            if ".mid_block.attentions.0." in name:
                for new, first in old.items():
                    name = name.replace(f".{new}.", f".{first}.")
            state[name] = tensor
        assert any(".query." in name for name in state)
        _save(vae.parent, state, vae.name)
        for part in ("text_encoder", "text_encoder_2"):
            file = folder / part / "model.fp16.safetensors"
            if file.exists():
                state = {_with_prefix(name): tensor for name, tensor in load_file(file).items()}
                state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
                _save(file.parent, state, file.name)
        return pipeline

    return make


def _with_prefix(name):
    return name if name.startswith(("text_model.", "text_projection")) else f"text_model.{name}"


def _tiny_decoder(latent_channels, facts):
    def make(folder, full=False):
        """Full size; the config is of the first releases, and without a shift."""
        from diffusers import AutoencoderTiny

        torch.manual_seed(0)
        network = AutoencoderTiny(latent_channels=latent_channels)
        network.save_pretrained(folder)
        config = json.loads((folder / "config.json").read_text())
        config.pop("shift_factor", None)
        _write(folder, "config.json", config | facts)
        return network.eval()

    return make


def detr(folder, full=False):
    """The names of timm for the ResNet-50, of the first DETR in the library for the rest; COCO's 91 numbers."""
    from transformers import DetrConfig, DetrForObjectDetection

    names = {number: COCO.get(number, "N/A") for number in range(91)}
    layers = 6 if full else 2
    shape = {
        "activation_function": "relu",
        "auxiliary_loss": False,
        "d_model": 256,
        "decoder_attention_heads": 8,
        "decoder_ffn_dim": 2048,
        "decoder_layers": layers,
        "dilation": False,
        "encoder_attention_heads": 8,
        "encoder_ffn_dim": 2048,
        "encoder_layers": layers,
        "id2label": names,
        "label2id": {name: number for number, name in names.items()},
        "model_type": "detr",
        "num_channels": 3,
        "num_queries": 100,
        "position_embedding_type": "sine",
        "scale_embedding": False,
    }
    stages = {"model_type": "resnet", "out_features": ["stage4"]}
    settings = {name: value for name, value in shape.items() if name not in ("dilation", "model_type")}
    network = _lively(
        DetrForObjectDetection(DetrConfig(**settings, backbone_config=stages, attn_implementation="eager"))
    )
    state = {_as_timm(name): tensor for name, tensor in network.state_dict().items()}
    _save(folder, state)
    timm = {"backbone": "resnet50", "use_timm_backbone": True, "use_pretrained_backbone": True}
    _write(folder, "config.json", shape | timm | {"architectures": ["DetrForObjectDetection"]})
    processor = {"do_normalize": True, "do_resize": True, "format": "coco_detection", "size": 800, "max_size": 1333}
    _write(
        folder, "preprocessor_config.json", processor | IMAGENET | {"feature_extractor_type": "DetrFeatureExtractor"}
    )
    return network


def _as_timm(name):
    """A part of transformers' DETR as the published file calls it."""
    name = re.sub(r"\bo_proj", "out_proj", name).replace(".mlp.fc", ".fc")
    if "backbone.model." not in name:
        return name
    name = name.replace("backbone.model.", "backbone.conv_encoder.model.")
    name = name.replace("embedder.embedder.convolution", "conv1").replace("embedder.embedder.normalization", "bn1")
    name = re.sub(r"encoder\.stages\.(\d)\.layers\.(\d)", lambda found: f"layer{int(found[1]) + 1}.{found[2]}", name)
    name = name.replace("shortcut.convolution", "downsample.0").replace("shortcut.normalization", "downsample.1")
    name = re.sub(r"\.layer\.(\d)\.convolution", lambda found: f".conv{int(found[1]) + 1}", name)
    return re.sub(r"\.layer\.(\d)\.normalization", lambda found: f".bn{int(found[1]) + 1}", name)


PUBLISHED = {
    "smollm2-135m-instruct": _smollm2("135m", chat=True),
    "smollm2-360m-instruct": _smollm2("360m", chat=True),
    "smolvlm-256m-instruct": smolvlm,
    "smollm2-135m": _smollm2("135m", chat=False),
    "gpt2": _gpt2("", 12),
    "distilgpt2": _gpt2("transformer.", 6),
    "bert-base-uncased": bert,
    "distilbert-base-uncased": distilbert,
    "opus-mt-en-fr": marian,
    "vit-base-patch16-224": _vit(768, 12, {"do_normalize": True, "do_resize": True, **HALF, "size": 224}),
    "deit-small-patch16-224": _vit(384, 6, {"do_normalize": True, "do_resize": True, **HALF, "size": 224}),
    "dinov2-small": _dinov2(384, 6),
    "dinov2-base": _dinov2(768, 12),
    "swin-tiny-patch4-window7-224": swin,
    "clip-vit-base-patch32": clip,
    **{f"rf-detr-{variant}": _rf_detr(variant) for variant in RF_DETR},
    "detr-resnet-50": detr,
    "sd-turbo": _stable_diffusion(checkpoints.stable_diffusion),
    "stable-diffusion-v1-5": _stable_diffusion(checkpoints.stable_diffusion_1_5),
    "sdxl-turbo": _stable_diffusion(checkpoints.stable_diffusion_xl),
    "prx-512": lambda folder, full=False: checkpoints.prx(folder),
    "taesd": _tiny_decoder(4, {"_class_name": "AutoencoderTiny"}),
    "taesdxl": _tiny_decoder(4, {"_class_name": "AutoencoderTiny"}),
    "taef1": _tiny_decoder(16, {"_class_name": "AutoencoderTiny"}),
}
"""How each hub entry of the catalogue is made: `maker(folder, full=False)`, which returns the network (or the pipeline
of networks) that it saved.
"""
