"""Every tab on devices that this machine does not have, imitated: traces, trainings and what endpoints do."""

import threading

import numpy as np
import pytest
import torch

from models import runtime

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (96, 128, 3), dtype=np.uint8)
SPRITE = RANDOM.integers(0, 256, (32, 32, 4), dtype=np.uint8)


def few(results, count=2):
    """The first results of a stream, which is then closed."""
    for _ in range(count):
        found = next(results)
    results.close()
    return found


def next_characters():
    from models.sequences.reading import predict, read_text

    read = read_text("char-gru", "It was a d")
    read_text("char-gru", "It was a da", read.trace)
    predict("char-lstm", "It was a d")


def writing_and_editing():
    from models.sequences.editing import compare
    from models.sequences.edits import Edit
    from models.sequences.reading import write_on
    from models.sequences.sampling import Sampling

    dice = Sampling(0.8, 20, 1.0, 0)
    list(write_on("char-lstm", "It was", 3, dice, 1))
    list(compare("char-lstm", "It was", (Edit("zero", 2, (1, 2), 1.0),), None, 2, dice))


def how_far_back():
    from models.sequences.reach import ask_all, measure_curves, measure_influence

    list(measure_influence("char-rnn", "The boy"))
    list(measure_influence("char-transformer", "The boy"))
    few(measure_curves((10, 20), 4, 0, None), 1)
    ask_all("Anna", "some filler")


def four_types():
    from models.sequences.tasks import describe_picture, judge_review, predict_rain, translate

    predict_rain(15.0, 5.0, 3.0, 6)
    judge_review("A warm and funny film.")
    describe_picture(PICTURE)
    translate("I am tired.")


def a_training_of_characters():
    from models.sequences.live import LiveTraining, Settings

    training = LiveTraining("the cat sat on the mat. " * 400, Settings(), runtime.device())
    few(training.fit())
    training.baselines()
    training.kept_network()


def reading_with_attention(model):
    from models.attention.inside import edit_inside, look_inside
    from models.attention.layers import look_at_layers
    from models.attention.runs import trace_text
    from models.attention.sums import show_sum

    trace_text(model, "The cat sat.")
    look_at_layers(model, "The cat sat.", "last")
    show_sum(model, "The cat sat.")
    inside = look_inside(model, "The cat sat.")
    edit_inside(model, "The cat sat.", {"heads_off": [[inside.stacks[0].kind, 0, 1]]})


def importance():
    from models.attention.inside import explain_prediction, look_inside

    asked = look_inside("book-gpt", "Alice was").question
    list(explain_prediction("book-gpt", "Alice was", asked.first, 5))


def translators():
    from models.attention.drafts import translate
    from models.attention.inside import translate_again

    for model in ("translator-en-fr", "gru-attention-en-fr", "gru-translator-en-fr"):
        translate(model, "Where is the station?", width=2)
    list(translate_again("translator-en-fr", "I am tired.", {}))


def a_vision_transformer():
    from models.vit.features import features_of_pictures
    from models.vit.from_scratch import answers_to_picture
    from models.vit.neighbours import nearest_photos
    from models.vit.trace import Edits, classify_picture, trace_picture

    classify_picture("vit-s14-caltech101", PICTURE, 5)
    trace_picture("vit-s14-caltech101", PICTURE, side=8, edits=Edits("shuffled"))
    features_of_pictures("vit-s14-caltech101", [PICTURE, PICTURE])
    nearest_photos("after", PICTURE, 3)
    answers_to_picture(PICTURE)


def damage():
    from models.vit.contenders import SIDE, square
    from models.vit.curve import Wish, look_inside, measure_point

    pixels = square(PICTURE)
    assert pixels.shape[0] == SIDE
    wish = Wish(pixels, "shuffle", None, 8, "vit", 0, None, False)
    measure_point(wish, 0.5)
    look_inside(wish, 0.5)


def classes_of_ones_own(blocks):
    from models.vit.own_classes import check_examples, classify_by_own, keep, train_own
    from models.vit.own_training import Settings

    pictures = [RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(8)]
    examples = check_examples([("a", pictures[:4]), ("b", pictures[4:])])
    *_, learned = train_own(examples, Settings(blocks=blocks, seconds=0.1), "test")
    classify_by_own(keep(learned), PICTURE)


def boxes():
    from models.detection.detect import explain_boxes, find_boxes
    from models.detection.network import predict

    find_boxes("rf-detr-s14-objects", PICTURE)
    explain_boxes("rf-detr-s14-objects", PICTURE)
    from models.detection.detect import load

    predict(load("rf-detr-s14-objects").network, PICTURE, reduced=True)


def boxes_of_ones_own():
    from models.detection.detect import find_boxes
    from models.detection.own import RUNNING, keep
    from models.detection.own_boxes import Frame
    from models.detection.teach import teach_detector

    corners = np.array([[0.2, 0.2, 0.6, 0.7]], np.float32)
    frames = [Frame(PICTURE, corners, np.array([0])) for _ in range(3)]
    *_, lesson = teach_detector("rf-detr-s14-objects", ("cup",), frames, 0.1, RUNNING.put(threading.Event()))
    find_boxes(keep(lesson.learned), PICTURE)


def sprites():
    from models.diffusion.edits import begin
    from models.diffusion.sprites import denoise_entry, fill_hole, walk_between
    from models.diffusion.trace import Plan

    plan = Plan("potion", 2, 2, 0)
    list(denoise_entry(begin(plan)))
    list(fill_hole(plan, SPRITE, np.eye(32, dtype=bool), 1))
    list(walk_between(plan, "monster", 1))


def a_training_of_sprites():
    from models.diffusion.live import Settings, train_live, training_example

    training_example("embedded", SPRITE, 0)
    training_example("noise", SPRITE, 0)
    few(train_live(Settings(size=16, start="noise"), np.stack([SPRITE[:16, :16]] * 4), "test"), 1)


CASES = {
    "next characters": next_characters,
    "writing and editing": writing_and_editing,
    "how far back": how_far_back,
    "four types": four_types,
    "a training of characters": a_training_of_characters,
    **{
        f"attention by {model}": lambda model=model: reading_with_attention(model)
        for model in ("book-gpt", "translator-en-fr", "all-minilm-l6-v2")
    },
    "importance": importance,
    "translators": translators,
    "a vision transformer": a_vision_transformer,
    "damage": damage,
    "classes of one's own": lambda: classes_of_ones_own(0),
    "classes of one's own, with a block": lambda: classes_of_ones_own(1),
    "boxes": boxes,
    "boxes of one's own": boxes_of_ones_own,
    "sprites": sprites,
    "a training of sprites": a_training_of_sprites,
}


@pytest.mark.parametrize("case", CASES)
def test_a_tab_runs_on_the_device(on_device, case):
    CASES[case]()


def test_the_imitation_refuses_what_devices_refuse(on_device):
    there, here = torch.ones(2, device=runtime.device()), torch.ones(2)
    assert there.device.type == on_device.kind
    with pytest.raises(RuntimeError, match="Expected all tensors"):
        there + here
    with pytest.raises(TypeError, match="to numpy"):
        there.numpy()
    with pytest.raises(RuntimeError, match="generator"):
        torch.randn(2, device=runtime.device(), generator=torch.Generator())
    assert (there.cpu() + here).tolist() == [2, 2]
    if not on_device.float64:
        with pytest.raises(TypeError, match="float64"):
            there.double()
        with pytest.raises(TypeError, match="float64"):
            there + torch.ones(2, device=runtime.device(), dtype=torch.float64)
    if not on_device.bfloat16:
        picture, filters = (torch.ones(1, 1, 4, 4, device=runtime.device(), dtype=torch.bfloat16) for _ in range(2))
        with pytest.raises(RuntimeError, match="bfloat16 convolutions"):
            torch.nn.functional.conv2d(picture, filters)


def test_what_large_models_are_read_in_follows_the_card(on_device):
    wide = runtime.large_model_dtype()
    narrow = runtime.large_model_dtype(float16_will_do=True)
    expected = {"cuda": (torch.bfloat16, torch.bfloat16), "mps": (torch.float32, torch.float32)}
    assert (wide, narrow) == (
        expected[on_device.kind] if on_device.bfloat16 or on_device.kind == "mps" else (torch.float32, torch.float16)
    )
