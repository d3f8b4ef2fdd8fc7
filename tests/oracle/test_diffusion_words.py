"""The sprite network that reads words, run by hand in NumPy and by diffusers' own attention, with its real weights."""

import threading

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention
from torch.nn import functional as F

from models import runtime
from models.diffusion.large.attention import WordAttention
from models.diffusion.large.load import load_large
from models.diffusion.large.trace import Request, trace_prompt
from models.diffusion.network import FOLD, sinusoids
from models.diffusion.reading import ENCODER, NAME, load_sprite_words, unknown_words
from models.diffusion.words_network import mean_vector


@pytest.fixture(scope="module")
def model():
    return runtime.load(NAME, load_sprite_words).network


@pytest.fixture(scope="module")
def prompts(model):
    return model.reader(["a red potion", "tree"])


def by_hand(layer, x, words, mask):
    """Cross-attention in float64: normed places ask, words answer, heads are joined and added."""
    batch, channels = x.shape[:2]
    grouped = x.reshape(batch, 8, -1)
    normed = (grouped - grouped.mean(2, keepdims=True)) / np.sqrt(grouped.var(2, keepdims=True) + 1e-5)
    weight, bias = (p.detach().double().numpy()[None, :, None, None] for p in (layer.norm.weight, layer.norm.bias))
    places = (normed.reshape(x.shape) * weight + bias).reshape(batch, channels, -1).transpose(0, 2, 1)
    q = places @ layer.query.weight.detach().double().numpy().T
    k, v = np.split(words @ layer.key_value.weight.detach().double().numpy().T, 2, axis=2)
    shares, mixed = [], []
    for head in range(layer.heads):
        part = slice(head * channels // layer.heads, (head + 1) * channels // layer.heads)
        scores = q[:, :, part] @ k[:, :, part].transpose(0, 2, 1) / np.sqrt(channels / layer.heads)
        scores = np.where(mask[:, None], scores, -np.inf)
        exponents = np.exp(scores - scores.max(2, keepdims=True))
        shares.append(exponents / exponents.sum(2, keepdims=True))
        mixed.append(shares[-1] @ v[:, :, part])
    out = np.concatenate(mixed, 2) @ layer.out.weight.detach().double().numpy().T
    out += layer.out.bias.detach().double().numpy()
    return x + out.transpose(0, 2, 1).reshape(x.shape), np.stack(shares, 1)


@torch.inference_mode()
def test_cross_attention_by_hand(model, prompts):
    words = model.unet.text_norm(prompts.vectors)
    for layer, (channels, side) in zip(
        model.unet.reading_layers(), [(80, 16), (160, 8), (160, 8), (160, 8), (80, 16)], strict=True
    ):
        x = torch.randn(2, channels, side, side, generator=torch.Generator().manual_seed(side))
        expected, shares = by_hand(layer, x.double().numpy(), words.double().numpy(), prompts.mask.numpy())
        np.testing.assert_allclose(layer(x, words, prompts.mask), expected, atol=2e-4)
        np.testing.assert_allclose(layer.shares(x, words, prompts.mask), shares, atol=1e-5)


@torch.inference_mode()
def test_cross_attention_is_that_of_diffusers(model, prompts):
    layer = model.unet.middle_words
    theirs = Attention(160, cross_attention_dim=384, heads=layer.heads, dim_head=160 // layer.heads, norm_num_groups=8)
    k, v = layer.key_value.weight.chunk(2)
    theirs.load_state_dict(
        {
            "group_norm.weight": layer.norm.weight,
            "group_norm.bias": layer.norm.bias,
            "to_q.weight": layer.query.weight,
            "to_k.weight": k,
            "to_v.weight": v,
            "to_out.0.weight": layer.out.weight,
            "to_out.0.bias": layer.out.bias,
        }
    )
    words = model.unet.text_norm(prompts.vectors)[:1, : int(prompts.mask[0].sum())]
    x = torch.randn(1, 160, 8, 8, generator=torch.Generator().manual_seed(0))
    ours = layer(x, words, torch.ones(words.shape[:2], dtype=torch.bool)) - x
    torch.testing.assert_close(ours, theirs(x, encoder_hidden_states=words), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_whole_network_part_by_part(model, prompts):
    """Skips included: the same parts called one after the other, written out."""
    unet = model.unet
    x_t, t = torch.randn(2, 4, 32, 32, generator=torch.Generator().manual_seed(1)), torch.tensor([300, 700])
    words, mask = unet.text_norm(prompts.vectors), prompts.mask
    told = F.silu(unet.time(sinusoids(t, 80)) + unet.sentence(mean_vector(prompts)))
    start = unet.fold(F.pixel_unshuffle(x_t, FOLD))
    skip_1 = unet.down_high[0](start, told)
    skip_2 = unet.down_high[1](skip_1, told)
    small = unet.shrink(unet.down_high_words(skip_2, words, mask))
    skip_3 = unet.down_low[0](small, told)
    skip_4 = unet.down_low[1](skip_3, told)
    deep = unet.down_low_words(unet.down_attention(skip_4), words, mask)
    deep = unet.middle_words(unet.middle_attention(unet.middle[0](deep, told)), words, mask)
    deep = unet.middle[1](deep, told)
    deep = unet.up_low[0](torch.cat([deep, skip_4], 1), told)
    deep = unet.up_low[1](torch.cat([deep, skip_3], 1), told)
    deep = unet.up_low_words(unet.up_attention(deep), words, mask)
    large = unet.enlarge(deep.repeat_interleave(2, 2).repeat_interleave(2, 3))
    large = unet.up_high[0](torch.cat([large, skip_2], 1), told)
    large = unet.up_high[1](torch.cat([large, skip_1], 1), told)
    large = unet.up_high_words(large, words, mask)
    expected = F.pixel_shuffle(unet.unfold(F.silu(unet.norm(large))), FOLD)
    torch.testing.assert_close(unet(x_t, t, prompts), expected, atol=1e-4, rtol=1e-4)


def test_the_reader_gives_what_sentence_transformers_would_pool(model):
    """Token vectors of the embedded MiniLM as its own library computes them, and their mean."""
    from transformers import AutoModel, AutoTokenizer

    from models import weights

    folder = weights.folder(ENCODER)
    tokenizer, encoder = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder, dtype=torch.float32)
    read = model.reader(["a red potion", "tree"])
    with torch.inference_mode():
        alone = encoder(**tokenizer("tree", return_tensors="pt")).last_hidden_state[0]
    torch.testing.assert_close(read.each()[1], alone, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mean_vector(read)[1], F.normalize(alone.mean(0), dim=0), atol=1e-4, rtol=1e-4)


@pytest.fixture(scope="module")
def steps():
    network = load_large(NAME).network
    return network, list(trace_prompt(network, Request("a red potion", "blue", steps=3, guidance=4, seed=5)))


def test_the_words_maps_are_the_layers_shares(steps):
    network, made = steps
    step = made[1]
    assert list(step.attention) == ["a", "red", "potion"]
    assert {tuple(layers) for layers in step.in_layers.values()} == {network.layer_names}
    for word, layers in step.in_layers.items():
        np.testing.assert_allclose(np.mean(list(layers.values()), axis=0), step.attention[word], atol=1e-6)
    text = network.encode_text("a red potion", "blue", True)
    with torch.inference_mode(), WordAttention(network) as watched:
        network.predict(torch.from_numpy(step.x_t)[None], network.times(3)[1], text)
        count = int(text["mask"][1].sum())
        total = watched.of(list(range(count)))
    np.testing.assert_allclose(total, 1, atol=1e-2)  # over all tokens, the marks included; in bfloat16


def test_two_visitors_of_one_network_do_not_look_into_each_others_runs(steps):
    """While one looks, another thread asks the same network: neither sees the words of the other."""
    network, made = steps
    step = made[1]
    texts = {prompt: network.encode_text(prompt, "", True) for prompt in ("a red potion", "tree")}

    def ask(prompt):
        network.predict(torch.from_numpy(step.x_t)[None], network.times(3)[1], texts[prompt])

    def looked(prompt, meanwhile=None):
        attention = WordAttention(network)
        with torch.inference_mode(), attention:
            if meanwhile:
                other = threading.Thread(target=meanwhile)
                other.start()
                other.join()
            ask(prompt)
        return attention

    alone, seen = looked("a red potion"), []
    beside = looked("a red potion", lambda: seen.append(looked("tree")))
    assert beside.calls == alone.calls == seen[0].calls == len(network.layer_names)
    torch.testing.assert_close(beside.total, alone.total)
    torch.testing.assert_close(seen[0].total, looked("tree").total)
    assert not any(layer._forward_pre_hooks for layer in network.reading_layers()), "nothing is left on the network"


def test_guidance_and_what_follows_from_v(steps):
    for step in steps[1]:
        rebuilt = step.level.signal * step.x_0 + step.level.noise * step.epsilon
        np.testing.assert_allclose(step.x_t, rebuilt, atol=1e-4)
        assert np.abs(step.x_0).max() <= 1
        mixed = step.without + 4 * (step.with_prompt - step.without)
        free = (step.x_t - step.level.noise * mixed) / max(step.level.signal, 1e-2)
        inside = (np.abs(free) < 0.9) & (step.level.signal > 0.1)
        np.testing.assert_allclose(step.x_0[inside], free[inside], atol=1e-2)


def test_words_never_met_are_named():
    assert unknown_words("A red Potion") == []
    assert unknown_words("a quantum bicycle, quantum") == ["quantum", "bicycle"]
    assert unknown_words("빨간 물약 красный") == ["빨간", "물약", "красный"]
