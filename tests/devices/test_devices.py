"""Every computed function on devices that this machine does not have, imitated: what pages and endpoints of all tabs
run, each with a small input.
"""

import importlib
import pkgutil
from dataclasses import replace

import numpy as np
import pytest
import torch

import models
from models import runtime
from models.compute import TASKS

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
    from models.sequences.reading import describe, predict, read_text

    describe("char-gru")
    read = read_text("char-gru", "It was a d")
    read_text("char-gru", "It was a da", read.trace)
    predict("char-lstm", "It was a d")


def reading_on():
    from models.sequences.reading import cell_says, read_characters, read_text

    read = read_characters("char-lstm", "and", read_text("char-lstm", "night ").trace)
    cell_says("char-lstm", 5, read.trace.hidden_state[-1])


def writing_and_editing():
    from models.sequences.editing import compare
    from models.sequences.edits import Edit
    from models.sequences.reading import write_on
    from models.sequences.sampling import Sampling

    dice = Sampling(0.8, 20, 1.0, 0)
    list(write_on("char-lstm", "It was", 3, dice, 1))
    list(compare("char-lstm", "It was", (Edit("zero", 2, (1, 2), 1.0),), None, 2, dice))


def units_switched_off():
    from models.sequences.found_units import without_units
    from models.sequences.reading import read_text

    without_units("char-lstm", read_text("char-lstm", "night ").trace, 3, (1, 2))


def how_far_back():
    from models.sequences.reach import ask_all, measure_curves, measure_influence

    list(measure_influence("char-rnn", "The boy"))
    list(measure_influence("char-transformer", "The boy"))
    few(measure_curves((10, 20), 4, 0, None), 1)
    ask_all("Anna", "some filler")


def four_types():
    from models.sequences.caption.choice import Choice
    from models.sequences.captions import describe_with_cells
    from models.sequences.tasks import answer_story, describe_picture, judge_review, predict_rain, translate

    answer_story("Mary took the apple. Mary went to the kitchen.", "Where is the apple?")
    predict_rain(15.0, 5.0, 3.0, 6)
    judge_review("A warm and funny film.")
    describe_picture(PICTURE)
    assert describe_with_cells(PICTURE, Choice(("a",), 0.0, 2)).caption.words
    assert describe_with_cells(PICTURE, Choice((), 1.0)).caption.sentence
    translate("I am tired.")


def a_training_of_characters():
    from models.sequences.live import LiveTraining, Settings

    training = LiveTraining("the cat sat on the mat. " * 400, Settings(), runtime.device())
    few(training.fit())
    training.baselines()
    training.kept_network()


def a_training_as_its_page_follows_it():
    from models.sequences import trainings
    from models.sequences.live import Settings

    name = trainings.begin("the dog sat on the log. " * 400, Settings())
    few(trainings.train(name), 1)


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


def one_head():
    from models.attention.links import find_heads, without_head
    from models.attention.sums import change_sum

    find_heads("book-gpt", "The cat sat.", 2, 0, None, 3)
    without_head("book-gpt", "The cat sat.", "decoder", 0, 1, 2)
    given = {"kind": "decoder", "layer": 0, "head": 1, "temperature": 2.0}
    change_sum("book-gpt", "The cat sat.", given, 2)


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


def the_whole_picture():
    from models.attention.picture import look_at_picture

    look_at_picture("I am tired.")


def a_draft(model):
    from models.attention import drafts
    from models.attention.draft import Draft
    from models.attention.passages import translation_by

    begun = drafts.write_next(Draft(model, "I am tired.")).draft
    drafts.show_draft(begun)
    *_, whole = drafts.write_all(begun)
    drafts.take_back(whole.draft)
    drafts.force_token(whole.draft, 0, whole.candidates[0][1][0])
    drafts.write_words(begun, "suis")
    drafts.search_beam(begun, 2, by_length=True)
    translation_by(model, "I am tired.")


def speeds():
    from models.attention.speed import compare_costs, measure_speeds
    from models.vit.speed import measure_pair

    compare_costs("GRU")
    few(measure_speeds(0.1), 1)
    few(measure_pair("vit-s14-caltech101", "efficientnet-lite0-caltech101", budget=0.1), 1)


def four_trainings():
    from models.vit.data_need import train_four

    few(train_four(), 1)


def a_vision_transformer():
    from models.vit.features import features_of_pictures
    from models.vit.from_scratch import answers_to_picture
    from models.vit.namer import choose_name
    from models.vit.neighbours import nearest_photos
    from models.vit.teachers import compare_teachers
    from models.vit.trace import Edits, classify_picture, trace_picture
    from models.vit.walk import walk_patch

    classify_picture("vit-s14-caltech101", PICTURE, 5)
    traced = trace_picture("vit-s14-caltech101", PICTURE, side=8, edits=Edits("shuffled"))
    tokens = traced.trace.tokens
    walk_patch("vit-s14-caltech101", tokens[3], tokens[-1], layer=3, head=1, token=0)
    features_of_pictures("vit-s14-caltech101", [PICTURE, PICTURE])
    nearest_photos("after", PICTURE, 3)
    compare_teachers(PICTURE)
    choose_name("lit-s14-minilm", PICTURE, ["cat", "dog"], "a photo of a {}.")
    answers_to_picture(PICTURE)


def sizes_and_costs():
    from models.vit.trace import costs_of, sizes_of

    sizes_of("vit-s14-caltech101")
    costs_of("vit-s14-caltech101", (1, 2))


def damage():
    from models.vit.contenders import SIDE, square
    from models.vit.curve import Wish, look_inside, measure_curve, measure_fields, measure_point

    pixels = square(PICTURE)
    assert pixels.shape[0] == SIDE
    wish = Wish(pixels, "shuffle", None, 8, "vit", 0, None, False)
    measure_point(wish, 0.5)
    look_inside(wish, 0.5)
    few(measure_curve(wish), 1)
    few(measure_fields(pixels), 1)


def classes_of_ones_own(blocks):
    from models.vit.own_classes import check_examples, classify_by_own, keep, train_own
    from models.vit.own_onnx import onnx_of_own
    from models.vit.own_training import Settings

    pictures = [RANDOM.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(8)]
    examples = check_examples([("a", pictures[:4]), ("b", pictures[4:])])
    *_, learned = train_own(examples, Settings(blocks=blocks, seconds=0.1), "test")
    name = keep(learned)
    classify_by_own(name, PICTURE)
    onnx_of_own(name)


def boxes():
    from models.detection.detect import explain_boxes, find_boxes
    from models.detection.latency import measure_latency
    from models.detection.shrinking import shrink_object
    from models.detection.unseen import Unseen

    find_boxes("rf-detr-s14-objects", PICTURE)
    explain_boxes("rf-detr-s14-objects", PICTURE)
    explain_boxes("rf-detr-s14-objects", PICTURE, Unseen(alone=True))
    few(shrink_object(["rf-detr-s14-objects"], PICTURE, 0, 0.0), 1)
    few(measure_latency("rf-detr-s14-objects", PICTURE), 1)
    from models.detection.detect import describe_detector, find_in_frame

    describe_detector("rf-detr-s14-objects")
    find_in_frame("rf-detr-s14-objects", PICTURE)


def a_watched_clip():
    from demos.detection.media import CLIP
    from models.detection.tracking import Watched
    from models.detection.video import watch_video

    few(watch_video("rf-detr-s14-objects", str(CLIP), Watched(0.5, line=((0.1, 0.5), (0.9, 0.5)))), 2)


def boxes_of_ones_own():
    from models.detection.detect import find_boxes
    from models.detection.own import keep
    from models.detection.own_boxes import Frame
    from models.detection.teach import teach_detector

    corners = np.array([[0.2, 0.2, 0.6, 0.7]], np.float32)
    frames = [Frame(PICTURE, corners, np.array([0])) for _ in range(3)]
    *_, lesson = teach_detector("rf-detr-s14-objects", ("cup",), frames, 0.1, "training")
    find_boxes(keep(lesson.learned), PICTURE)


def sprites():
    from models.diffusion.edits import begin
    from models.diffusion.grid import denoise_grid
    from models.diffusion.inside import look_inside
    from models.diffusion.sprites import denoise_entry, fill_hole, restore_sprite, walk_between
    from models.diffusion.trace import Plan

    plan = Plan("potion", 2, 2, 0)
    *_, last = denoise_entry(begin(plan))
    look_inside(plan, last.step.t, last.step.x_t, 1, ("time", "skip down_high.0", "middle.0", "up_attention:1"))
    list(denoise_entry(begin(Plan("any", 2, 2, 0, prompt="a red potion"))))
    list(denoise_grid((replace(plan, count=1), Plan("tree", 1, 3, 1, 3.0, "unipc"))))
    list(denoise_grid((Plan("any", 1, 2, 0, prompt="a red potion"), Plan("any", 1, 2, 1, prompt="tree"))))
    list(fill_hole(plan, SPRITE, np.eye(32, dtype=bool), 1))
    list(fill_hole(Plan("any", 1, 2, 0, sampler="ddpm", prompt="a red potion"), SPRITE, np.eye(32, dtype=bool), 1))
    for measured in ("grey", "small"):
        list(restore_sprite(plan, SPRITE, measured))
    list(walk_between(plan, "monster", 1))


def lines_and_strokes():
    from models.diffusion.lines import symbols_of
    from models.diffusion.masked import fill_beside, fill_blanks, look_from_sides
    from models.diffusion.strokes import draw_strokes

    template = symbols_of("the ____ of")
    fill_blanks(template, 2, "random", 0)
    few(fill_beside(template, "surest", 0), 1)
    look_from_sides(template, 4)
    draw_strokes("star", 2, 2, 0)


def a_training_of_sprites():
    from models.diffusion.live import Settings, train_live, training_example

    training_example("embedded", SPRITE, 0)
    training_example("noise", SPRITE, 0)
    few(train_live(Settings(size=16, start="noise"), np.stack([SPRITE[:16, :16]] * 4), "test"), 1)


def sprites_of_a_class():
    from models.diffusion.live import class_sprites
    from models.diffusion.novelty import nearest_training

    few(class_sprites("potion", 16), 1)
    nearest_training(SPRITE[None])


def models_of_the_hub():
    from models.detection.detect import explain_boxes, find_in_frame
    from models.sequences.tasks import answer_question, describe_photo
    from models.vit.clip import choose_name
    from models.vit.trace import trace_picture
    from models.vit.windows import windows_of_picture

    few(answer_question("smollm2-135m-instruct", "Why?"), 2)
    few(describe_photo("smolvlm-256m-instruct", PICTURE), 2)
    choose_name("clip-vit-base-patch32", PICTURE, ["cat", "dog"], "a photo of a {}.")
    windows_of_picture("swin-tiny-patch4-window7-224", PICTURE)
    for model in ("vit-base-patch16-224", "dinov2-small"):
        trace_picture(model, PICTURE)
    explain_boxes("rf-detr-base", PICTURE)
    find_in_frame("rf-detr-nano", PICTURE)


def a_large_model(model):
    from models.diffusion.large.pictures import denoise_large
    from models.diffusion.large.trace import Request

    *_, last = denoise_large(model, Request("a red potion", "blue", steps=2, guidance=4, seed=1))
    assert np.isfinite(last.step.x_next).all()
    list(denoise_large(model, Request("a red potion", steps=2, strength=0.5), PICTURE))


READERS_OF_THE_HUB = ("gpt2", "smollm2-135m", "bert-base-uncased", "opus-mt-en-fr")
WRITERS = ("translator-en-fr", "gru-attention-en-fr", "opus-mt-en-fr")
LARGE = ("sprites-words", "sd-turbo", "sdxl-turbo", "prx-512")
CASES = {
    "next characters": next_characters,
    "reading on": reading_on,
    "writing and editing": writing_and_editing,
    "units switched off": units_switched_off,
    "how far back": how_far_back,
    "four types": four_types,
    "a training of characters": a_training_of_characters,
    "a training as its page follows it": a_training_as_its_page_follows_it,
    **{
        f"attention by {model}": lambda model=model: reading_with_attention(model)
        for model in ("book-gpt", "translator-en-fr", "all-minilm-l6-v2", *READERS_OF_THE_HUB)
    },
    "importance": importance,
    "translators": translators,
    "the whole picture": the_whole_picture,
    "one head": one_head,
    **{
        f"a draft by {model}": lambda model=model: a_draft(model)
        for model in ("translator-en-fr", "gru-attention-en-fr")
    },
    "speeds": speeds,
    "a vision transformer": a_vision_transformer,
    "four trainings": four_trainings,
    "sizes and costs": sizes_and_costs,
    "damage": damage,
    "classes of one's own": lambda: classes_of_ones_own(0),
    "classes of one's own, with a block": lambda: classes_of_ones_own(1),
    "boxes": boxes,
    "boxes of one's own": boxes_of_ones_own,
    "a watched clip": a_watched_clip,
    "sprites": sprites,
    "lines and strokes": lines_and_strokes,
    "a training of sprites": a_training_of_sprites,
    "sprites of a class": sprites_of_a_class,
    "models of the hub": models_of_the_hub,
    **{f"pictures by {model}": lambda model=model: a_large_model(model) for model in LARGE},
}


@pytest.mark.thorough
@pytest.mark.parametrize("case", CASES)
def test_a_tab_runs_on_the_device(on_device, case):
    CASES[case]()
    on_device.cases.add(case)


def test_every_computed_function_has_run_on_the_device(device):
    """After all cases of that device: a new function needs a case."""
    for module in pkgutil.walk_packages(models.__path__, "models."):
        if not module.name.startswith("models.recipes"):
            importlib.import_module(module.name)
    computed = {name for name in TASKS if name.startswith("models.") and not name.startswith("models.recipes")}
    if device.cases != set(CASES):
        pytest.skip("not all cases have run")
    assert sorted(computed - device.ran) == []


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
