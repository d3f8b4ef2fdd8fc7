"""Your own classes: collect pictures, train a new head in seconds, watch it learn, then try it on the webcam."""

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip
from demos.finding import finding_line, forgets
from demos.inputs.classes import MAX_CLASSES, MAX_PICTURES
from demos.inputs.keeping import FRAMES, LEARNED, say_how_long
from demos.inputs.uploaded_files import UploadedFiles
from demos.opening import opens
from demos.tab import LIGHT, LONG, RUN, private
from demos.ui import component
from demos.vit.own_classes_handlers import (
    BACKBONES,
    BLOCKS,
    MAX_SECONDS,
    MAX_SEED,
    MIN_SECONDS,
    classify_square,
    compute_example,
    compute_opening,
    compute_own,
    export_own,
    load_own,
    save_own,
    stop_training,
    vit_finetune,
)
from demos.vit.shared import EMBEDDED

TITLE = "Your own classes"

HOW = """**7. Fine-tuning.** Everything the network has learned about pictures stays; only a last layer is new. It
learns from a handful of examples, because what it reads is not pixels but what 22 million trained weights make of them.
Give each class a few pictures (upload, drop, or record with the webcam), then press Train."""

MEANING = """The new head is one matrix: a row of weights for each class, 768 numbers long (the CLS token beside the
mean of all patches). Training more than the head can help with many pictures and often hurts with few: the last blocks
then learn the examples by heart (compare head and blocks on the held-out pictures). A classifier must choose one of its
classes: show it something else, and it will still be sure of one. A class “none of these” helps."""

EXPORTED = """Or take it to another program: one ONNX file (43 MB, backbone and head in one) that ONNX Runtime, OpenVINO
and others run without PyTorch and without this page, and a short program that uses it. It takes 224 x 224 pixels and
gives the probabilities, computed in float32; this page computes in fewer bits where the processor has them, so that
the third digit may differ. Such files are written here and never read."""

KEPT_FILES = """Two files: the weights as safetensors, names and backbone as JSON. No picture is in them. Given back
here, they are checked strictly: only what this page saves is read."""


def build() -> None:
    """The page: collect, train and try side by side; keep below."""
    own, running = gr.State(""), gr.State("")
    gr.Markdown(HOW, elem_classes="gb-lead")
    finding = finding_line("vit-own-finding")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            example = gr.Button(
                "Take an example: five kinds of sprite, five each", size="sm", elem_id="vit-own-example"
            )
            collector = component(
                "class_collector",
                taken=False,
                events=("collected",),
                max_classes=MAX_CLASSES,
                max_pictures=MAX_PICTURES,
                elem_id="vit-collector",
            )
            say_how_long(LEARNED)
            with gr.Row():
                run = gr.Button("Train", variant="primary", min_width=110, elem_id="vit-own-train")
                stop = gr.Button("Stop", min_width=80, elem_id="vit-own-stop")
            backbone = gr.Radio(list(BACKBONES.items()), value=EMBEDDED, label="Backbone", elem_id="vit-own-backbone")
            blocks = gr.Radio(list(BLOCKS.items()), value=0, label="What learns", elem_id="vit-own-blocks")
            seconds = gr.Slider(MIN_SECONDS, MAX_SECONDS, 20, step=5, label="Seconds for the blocks", visible=False)
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed", visible=False)
        with gr.Column(scale=3, min_width=300):
            strip = gr.HTML(empty_strip("The backbone (22 M parameters, 44 MB) is loaded with the first training."))
            board = component("class_board", elem_id="vit-own-board")
        with gr.Column(scale=2, min_width=260):
            gr.Markdown("### Try it", elem_classes="gb-note")
            trial = component("class_trial", server_functions=[classify_square], elem_id="vit-own-trial")
            say_how_long(FRAMES)
    gr.Markdown(MEANING, elem_classes="gb-note")
    with gr.Accordion("Keep it, or load one that you kept", open=False):
        gr.Markdown(KEPT_FILES)
        keep = gr.Button("Keep it as two files", size="sm", elem_id="vit-own-keep")
        kept = gr.File(label="classes.json and classes.safetensors", visible=False, interactive=False)
        files = UploadedFiles(
            label="Load: both files together",
            file_count="multiple",
            file_types=[".json", ".safetensors"],
            height=120,
            elem_id="vit-own-load",
        )
        gr.Markdown(EXPORTED)
        export = gr.Button("Export as ONNX", size="sm", elem_id="vit-own-export")
        exported = gr.File(label="classes.onnx and classify.py", visible=False, interactive=False)
        program = gr.Markdown(visible=False, elem_id="vit-own-program")
    example.click(compute_example, None, [collector, strip], **private(), **LIGHT)
    blocks.change(lambda count: [gr.update(visible=count != 0)] * 2, blocks, [seconds, seed], **private())
    keeps(backbone=backbone, blocks=blocks, seconds=seconds, seed=seed)
    inputs = [collector, backbone, blocks, seconds, seed]
    run.click(compute_own, inputs, [board, trial, strip, running, own], **private(), **LONG)
    forgets(run.click, finding)
    opens(compute_opening, [backbone], [board, trial, strip, own, finding], queue=LONG)
    stop.click(stop_training, running, None, **private())
    keep.click(save_own, own, kept, **private())
    export.click(export_own, own, [exported, program], **private(), **RUN)
    files.change(load_own, files, [trial, strip, own], **private())
    _build_endpoint()


def _build_endpoint() -> None:
    images = UploadedFiles(visible=False, file_count="multiple")
    labels, facts, files = gr.JSON(visible=False), gr.JSON(visible=False), gr.File(visible=False, file_count="multiple")
    numbers = [gr.Number(value, visible=False) for value in (0, 20, 0)]
    gr.Button(visible=False).click(
        vit_finetune,
        [images, labels, *numbers],
        [facts, files],
        api_name="vit_finetune",
        api_visibility="public",
        **LONG,
    )
