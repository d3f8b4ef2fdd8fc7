"""A patch's way through a layer and on to the answer, against what the network itself computes on the same picture."""

import numpy as np
import pytest
import torch

from models.errors import InputError
from models.vision import library
from models.vit.trace import trace_image
from models.vit.walk import walk
from tests.hub.checkpoints import dinov2, vit

IMAGE = np.random.default_rng(0).integers(0, 256, (100, 140, 3), dtype=np.uint8)
LAYER, HEAD, TOKEN = 1, 2, 7


@pytest.fixture(scope="module", params=["cls+mean", "cls", "no head"])
def network(request, tmp_path_factory):
    """Tiny networks, weights far from zero: a DINOv2 whose head reads CLS and the mean, a ViT, and one without head."""
    folder = tmp_path_factory.mktemp("walk")
    if request.param != "cls+mean":
        (vit if request.param == "cls" else dinov2)(folder)
        return library.load(folder).eval()
    from transformers import Dinov2Config, Dinov2ForImageClassification

    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "mlp_ratio": 2}
    theirs = Dinov2ForImageClassification(Dinov2Config(**sizes, image_size=126, patch_size=14, num_labels=5))
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    theirs.save_pretrained(folder)
    return library.load(folder).eval()


@pytest.fixture(scope="module")
def seen(network):
    """What each part of the network gives in its own forward pass, and what enters it."""
    kept, handles = {}, []
    for name, module in network.named_modules():
        handles.append(
            module.register_forward_hook(
                lambda _, given, made, name=name: kept.__setitem__(name, (given[0][0].numpy(), made[0].numpy()))
            )
        )
    trace = trace_image(network, IMAGE)
    pixels = network.preprocessing.to_tensor(trace.image)[None]
    with torch.inference_mode():
        encoded = network.encode(network.tokens(pixels))
        if network.head is not None:
            network.classify(encoded)
    for handle in handles:
        handle.remove()
    return trace, kept


@pytest.fixture(scope="module")
def walked(network, seen):
    trace, _ = seen
    return walk(network, trace.tokens[LAYER], trace.tokens[-1], layer=LAYER, head=HEAD, token=TOKEN, channel=3)


def expected(network, seen, found):
    """Every step as the network's own modules gave it."""
    trace, kept = seen
    block = f"blocks.{LAYER}."
    width = network.shape.width
    size = width // network.shape.heads
    own = slice(HEAD * size, (HEAD + 1) * size)
    made = {name.removeprefix(block): parts for name, parts in kept.items()}
    query, key, value = (made[f"attention.{part}"][1] for part in ("query", "key", "value"))
    steps = {
        "residual stream in": made["norm1"][0][TOKEN],
        "norm": made["norm1"][1][TOKEN],
        "query": query[TOKEN, own],
        "key": key[found.seen, own],
        "query times key": query[TOKEN, own] * key[found.seen, own],
        "scores": key[:, own] @ query[TOKEN, own] / np.sqrt(size),
        "weights": trace.attention[LAYER, HEAD, TOKEN],
        "value": value[found.seen, own],
        "sum of values": made["attention.output"][0][TOKEN, own],
        "heads, side by side": made["attention.output"][0][TOKEN],
        "attention": made["attention.output"][1][TOKEN],
        "+ attention": made["norm2"][0][TOKEN],
        "mlp norm": made["norm2"][1][TOKEN],
        "mlp inner": made["expand"][1][TOKEN],
        "mlp hidden": made["contract"][0][TOKEN],
        "mlp": made["contract"][1][TOKEN],
        "residual stream out": trace.tokens[LAYER + 1, TOKEN],
        "after the last layer": kept["norm"][0][TOKEN],
        "last norm": kept["norm"][1][TOKEN],
    }
    if network.shape.layer_scale:
        steps["attention layer scale"] = made["scale1"][1][TOKEN]
        steps["MLP layer scale"] = made["scale2"][1][TOKEN]
    if network.head is not None:
        read, scores = kept["head"]
        steps |= {"CLS, normed": read[:width], "scores of the categories": scores, "answer": trace.probabilities}
        if len(read) > width:
            steps["mean of the patches"] = read[width:]
    return steps


def test_every_step_is_the_networks_own(network, seen, walked):
    wanted = expected(network, seen, walked)
    assert {step.name for step in walked.steps} == set(wanted)
    for step in walked.steps:
        np.testing.assert_allclose(step.values, wanted[step.name], atol=2e-5, err_msg=step.name)
    np.testing.assert_allclose(walked.looks, seen[0].attention[LAYER, :, TOKEN], atol=1e-5)


def test_every_sum_gives_the_number_it_explains(walked):
    told = [step for step in walked.steps if step.sum]
    assert len(told) >= 10
    for step in told:
        parts = np.dot(step.sum.left, step.sum.right) + step.sum.rest + step.sum.bias
        assert parts == pytest.approx(step.sum.total, abs=1e-5), step.name
        if step.name != "query times key":  # its sum is the next step's
            assert step.sum.total == pytest.approx(float(step.values[step.number]), abs=2e-5), step.name
    by_name = {step.name: step for step in walked.steps}
    size = by_name["query"].values.size
    score = by_name["query times key"].sum.total / np.sqrt(size)
    assert score == pytest.approx(float(by_name["scores"].values[walked.seen]), abs=1e-5)


def test_the_score_is_cls_and_mean_and_bias(network, seen, walked):
    if network.head is None:
        assert walked.score is None
        return
    score, (read, scores) = walked.score, seen[1]["head"]
    assert score.label == network.labels[int(scores.argmax())]
    assert score.cls + score.mean + score.bias == pytest.approx(score.total, abs=1e-5)
    assert score.total == pytest.approx(float(scores.max()), abs=1e-5)
    weight = network.head.weight[int(scores.argmax())].detach().numpy()
    width = network.shape.width
    assert score.cls == pytest.approx(float(weight[:width] @ read[:width]), abs=1e-5)
    patches = seen[1]["norm"][1][1:]
    alone = float(weight[width:] @ patches[TOKEN - 1]) / len(patches) if len(read) > width else 0
    assert score.patch == pytest.approx(alone, abs=1e-5)


def test_cls_sends_the_patch_it_takes_most_from(network, seen):
    trace, _ = seen
    found = walk(network, trace.tokens[LAYER], trace.tokens[-1], layer=LAYER, head=HEAD, token=0)
    assert found.token == 1 + trace.attention[LAYER, HEAD, 0, 1:].argmax()
    change = np.abs(trace.tokens[LAYER + 1, found.token] - trace.tokens[LAYER, found.token])
    assert found.channel == change.argmax()
    with pytest.raises(InputError, match="no such layer, head"):
        walk(network, trace.tokens[0], trace.tokens[-1], layer=0, head=99, token=0)
