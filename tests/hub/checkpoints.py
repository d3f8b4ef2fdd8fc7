"""Tiny models with random weights, saved by their own libraries exactly as the published ones are."""

import json

import torch


def _bpe_tokenizer(folder, **special):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"])
    tokenizer.train_from_iterator(["the cat sat on the mat", "the dog sat on the log"], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def gpt2(folder):
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    _bpe_tokenizer(folder, bos_token="<|endoftext|>", eos_token="<|endoftext|>")
    GPT2LMHeadModel(
        GPT2Config(vocab_size=320, n_positions=128, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0)
    ).save_pretrained(folder)


def bert(folder):
    from transformers import BertConfig, BertForMaskedLM, BertTokenizer

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "dog", "##s", ".", ","]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=160,
    )
    BertForMaskedLM(config).save_pretrained(folder)


def marian(folder):
    import sentencepiece
    from transformers import MarianConfig, MarianMTModel

    torch.manual_seed(0)
    folder.mkdir(parents=True)
    corpus = folder / "corpus.tmp"
    corpus.write_text("\n".join(["the cat sat on the mat", "le chat dort sur le tapis", "a dog", "un chien"] * 20))
    for side in ("source", "target"):
        sentencepiece.SentencePieceTrainer.train(
            input=str(corpus), model_prefix=str(folder / side), vocab_size=26, minloglevel=2
        )
        (folder / f"{side}.model").rename(folder / f"{side}.spm")
        (folder / f"{side}.vocab").unlink()
    corpus.unlink()
    model = sentencepiece.SentencePieceProcessor(str(folder / "source.spm"))
    pieces = [model.id_to_piece(i) for i in range(model.get_piece_size())]
    pieces = ["</s>", "<unk>", *[p for p in pieces if p not in ("<s>", "</s>", "<unk>")], "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}))
    settings = {"source_lang": "en", "target_lang": "fr", "tokenizer_class": "MarianTokenizer", "model_max_length": 512}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    pad = len(pieces) - 1
    config = MarianConfig(
        vocab_size=len(pieces),
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_position_embeddings=160,
        pad_token_id=pad,
        decoder_start_token_id=pad,
        eos_token_id=0,
        forced_eos_token_id=0,
    )
    MarianMTModel(config).save_pretrained(folder)


def vit(folder):
    from transformers import ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    config = ViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        image_size=224,
        patch_size=16,
        id2label={0: "cat", 1: "dog", 2: "mat"},
        label2id={"cat": 0, "dog": 1, "mat": 2},
    )
    ViTForImageClassification(config).save_pretrained(folder)


def deit(folder):
    from transformers import ViTImageProcessor

    vit(folder)
    ViTImageProcessor(
        size={"height": 256, "width": 256}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225]
    ).save_pretrained(folder)
    path = folder / "preprocessor_config.json"
    published = {"size": 256, "do_center_crop": True, "crop_size": 224, "resample": 3}
    path.write_text(json.dumps(json.loads(path.read_text()) | published))


def swin(folder):
    from transformers import SwinConfig, SwinForImageClassification, ViTImageProcessor

    torch.manual_seed(0)
    config = SwinConfig(
        image_size=56,
        patch_size=2,
        embed_dim=8,
        depths=[2, 2, 1],
        num_heads=[1, 2, 4],
        window_size=7,
        id2label={0: "cat", 1: "dog", 2: "mat"},
        label2id={"cat": 0, "dog": 1, "mat": 2},
    )
    network = SwinForImageClassification(config)
    for name, parameter in network.named_parameters():
        if "relative_position_bias_table" in name or "proj" in name:
            torch.nn.init.normal_(parameter, std=0.5)
    network.save_pretrained(folder)
    ViTImageProcessor(
        size={"height": 56, "width": 56}, image_mean=[0.485, 0.456, 0.406], image_std=[0.229, 0.224, 0.225], resample=3
    ).save_pretrained(folder)


def dinov2(folder):
    from transformers import Dinov2Config, Dinov2Model

    torch.manual_seed(0)
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, mlp_ratio=2, image_size=518, patch_size=14
    )
    Dinov2Model(config).save_pretrained(folder)


def clip(folder):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    torch.manual_seed(0)
    tokenizer = _clip_tokenizer(folder)
    tokenizer.save_pretrained(folder)
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    text = (
        shape | ids | {"vocab_size": len(tokenizer), "max_position_embeddings": 77, "pad_token_id": ids["eos_token_id"]}
    )
    vision = shape | {"image_size": 224, "patch_size": 32}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)


def rf_detr(folder):
    from transformers import RfDetrConfig, RfDetrForObjectDetection

    torch.manual_seed(0)
    backbone = {
        "model_type": "rf_detr_dinov2",
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "mlp_ratio": 2,
        "image_size": 64,
        "patch_size": 16,
        "num_windows": 2,
        "out_indices": [2, 4],
    }
    config = RfDetrConfig(
        backbone_config=backbone,
        d_model=32,
        decoder_layers=2,
        decoder_n_points=2,
        decoder_ffn_dim=64,
        decoder_self_attention_heads=4,
        decoder_cross_attention_heads=4,
        num_queries=10,
        group_detr=2,
        id2label={0: "person", 1: "cat", 2: "dog"},
        label2id={"person": 0, "cat": 1, "dog": 2},
    )
    RfDetrForObjectDetection(config).save_pretrained(folder)
    settings = {
        "size": {"height": 64, "width": 64},
        "do_normalize": True,
        "image_processor_type": "RfDetrImageProcessor",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))


def stable_diffusion(folder):
    from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel

    torch.manual_seed(0)
    tokenizer = _clip_tokenizer(folder)
    pipeline = StableDiffusionPipeline(
        vae=_vae(latent_channels=4),
        text_encoder=CLIPTextModel(_clip_config(tokenizer)),
        tokenizer=tokenizer,
        unet=UNet2DConditionModel(**UNET, cross_attention_dim=32),
        scheduler=EulerDiscreteScheduler(timestep_spacing="trailing"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(dtype=torch.float16)
    pipeline.save_pretrained(folder, variant="fp16")
    return pipeline.to(dtype=torch.float32)


UNET = {
    "sample_size": 8,
    "block_out_channels": (32, 64),
    "layers_per_block": 1,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    "attention_head_dim": 8,
    "norm_num_groups": 8,
}


def _clip_config(tokenizer, **options):
    from transformers import CLIPTextConfig

    return CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        **options,
    )


def _vae(**options):
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
        sample_size=16,
        **options,
    )


def stable_diffusion_1_5(folder):
    """The same tiny networks with the scheduler that Stable Diffusion 1.5 is published with."""
    from diffusers import PNDMScheduler

    pipeline = stable_diffusion(folder)
    pipeline.scheduler = PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )
    pipeline.scheduler.save_pretrained(folder / "scheduler")
    index = json.loads((folder / "model_index.json").read_text())
    index["scheduler"] = ["diffusers", "PNDMScheduler"]
    (folder / "model_index.json").write_text(json.dumps(index))
    return pipeline


def stable_diffusion_xl(folder):
    """SDXL-Turbo's format: two text encoders, one with a projection, and the weights in half precision."""
    from diffusers import EulerAncestralDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(0)
    tokenizer, tokenizer_2 = _clip_tokenizer(folder), _clip_tokenizer(folder, "tokenizer_2")
    unet = UNet2DConditionModel(
        **UNET,
        cross_attention_dim=64,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24 + 6 * 8,
        transformer_layers_per_block=(1, 2),
        use_linear_projection=True,
    )
    pipeline = StableDiffusionXLPipeline(
        vae=_vae(latent_channels=4, scaling_factor=0.13025),
        text_encoder=CLIPTextModel(_clip_config(tokenizer)),
        text_encoder_2=CLIPTextModelWithProjection(_clip_config(tokenizer_2, projection_dim=24, hidden_act="gelu")),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer_2,
        unet=unet,
        scheduler=EulerAncestralDiscreteScheduler(timestep_spacing="trailing"),
        add_watermarker=False,
    ).to(dtype=torch.float16)
    pipeline.save_pretrained(folder, variant="fp16")
    return pipeline.to(dtype=torch.float32)


def prx(folder):
    """PRX's format: a Transformer, the encoder of T5Gemma, Gemma's kind of tokenizer, a VAE like Flux's."""
    from diffusers import FlowMatchEulerDiscreteScheduler, PRXPipeline, PRXTransformer2DModel
    from transformers.models.t5gemma.configuration_t5gemma import T5GemmaConfig
    from transformers.models.t5gemma.modeling_t5gemma import T5GemmaModel

    torch.manual_seed(0)
    tokenizer = _gemma_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "query_pre_attn_scalar": 8,
        "max_position_embeddings": 64,
    }
    transformer = PRXTransformer2DModel(
        in_channels=16, context_in_dim=32, hidden_size=32, num_heads=2, depth=2, axes_dim=[8, 8]
    )
    for block in transformer.blocks:  # zeros when made: every block would pass its input on
        torch.nn.init.normal_(block.modulation.lin.weight, std=0.1)
    pipeline = PRXPipeline(
        transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=T5GemmaModel(T5GemmaConfig(encoder=text, decoder=text)).encoder,
        tokenizer=tokenizer,
        vae=_vae(latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159),
        default_sample_size=16,
    )
    pipeline.save_pretrained(folder)
    index = json.loads((folder / "model_index.json").read_text())
    index["text_encoder"] = ["prx", "T5GemmaEncoder"]
    (folder / "model_index.json").write_text(json.dumps(index))
    return pipeline


def _gemma_tokenizer():
    """Pieces that begin with the space before them, no start mark, padded on the right."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.decoder = decoders.Replace("▁", " ")
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    trainer = trainers.BpeTrainer(vocab_size=60, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(["a red potion in a glass bottle", "the quick brown fox jumps over blue"], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
        model_max_length=24,
        padding_side="right",
    )


def tiny_decoder(latent_channels):
    def make(folder):
        from diffusers import AutoencoderTiny

        torch.manual_seed(0)
        AutoencoderTiny(
            latent_channels=latent_channels,
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            num_encoder_blocks=(1, 1),
            num_decoder_blocks=(1, 1),
        ).save_pretrained(folder)

    return make


def _clip_tokenizer(folder, name="tokenizer"):
    """CLIP's byte-pair encoding with no merges: its byte alphabet, each with and without the end-of-word mark."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    source = folder / name
    source.mkdir(parents=True)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, *(c + "</w>" for c in alphabet), "<|startoftext|>", "<|endoftext|>"]
    (source / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (source / "merges.txt").write_text("#version: 0.2\n")
    return CLIPTokenizer.from_pretrained(source, model_max_length=77)


SMOLLM2_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}"
    "{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def smollm2(folder):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=_chat_tokenizer(folder),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        initializer_range=0.5,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


def smolvlm(folder, text=None, vision=None):
    """Idefics3: a ViT, a layer that joins 4 x 4 patches, a Llama; all of it in bfloat16, nothing tied."""
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration

    torch.manual_seed(0)
    size = _chat_tokenizer(folder, ("<fake_token_around_image>", "<image>", "<global-img>", "<end_of_utterance>"))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings |= {"eos_token": "<end_of_utterance>", "pad_token": "<|im_end|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    tokens = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
    image = next(one["id"] for one in tokens if one["content"] == "<image>")
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    llama = {"model_type": "llama", "num_key_value_heads": 2, "vocab_size": size, "pad_token_id": 2, "rope_theta": 1e5}
    config = Idefics3Config(
        image_token_id=image,
        scale_factor=4,
        tie_word_embeddings=False,
        text_config={**llama, **shape, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05, **(text or {})},
        vision_config={**shape, "image_size": 128, "patch_size": 16, **(vision or {})},
    )
    network = Idefics3ForConditionalGeneration(config).to(torch.bfloat16)
    network.save_pretrained(folder)
    side = config.vision_config.image_size
    processor = {
        "do_convert_rgb": True,
        "do_image_splitting": True,
        "do_normalize": True,
        "do_pad": True,
        "resample": 1,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "image_processor_type": "Idefics3ImageProcessor",
        "max_image_size": {"longest_edge": side},
        "processor_class": "Idefics3Processor",
        "rescale_factor": 1 / 255,
        "size": {"longest_edge": 4 * side},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return network.float().eval()


def _chat_tokenizer(folder, marks=()):
    """Byte-level BPE with single digits, as SmolLM2's; its settings name GPT-2's class and carry the template.

    Returns the number of tokens.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    split = [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(split)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>", *marks],
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        ["user system assistant", "what is the capital of", "the cat sat on the mat"], trainer
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|im_end|>",
        unk_token="<|endoftext|>",
        chat_template=SMOLLM2_TEMPLATE,
    ).save_pretrained(folder, save_jinja_files=False)
    tokenizer.model.save(str(folder))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"tokenizer_class": "GPT2Tokenizer"}))
    return tokenizer.get_vocab_size()


MAKERS = {
    "gpt2": gpt2,
    "smollm2-135m-instruct": smollm2,
    "smollm2-360m-instruct": smollm2,
    "smolvlm-256m-instruct": smolvlm,
    "smollm2-135m": smollm2,
    "bert-base-uncased": bert,
    "opus-mt-en-fr": marian,
    "vit-base-patch16-224": vit,
    "deit-small-patch16-224": deit,
    "swin-tiny-patch4-window7-224": swin,
    "dinov2-small": dinov2,
    "dinov2-base": dinov2,
    "clip-vit-base-patch32": clip,
    "rf-detr-nano": rf_detr,
    "rf-detr-small": rf_detr,
    "rf-detr-medium": rf_detr,
    "rf-detr-large": rf_detr,
    "rf-detr-base": rf_detr,
    "sd-turbo": stable_diffusion,
    "stable-diffusion-v1-5": stable_diffusion_1_5,
    "sdxl-turbo": stable_diffusion_xl,
    "prx-512": prx,
    "taesd": tiny_decoder(4),
    "taesdxl": tiny_decoder(4),
    "taef1": tiny_decoder(16),
}
