"""The look: one quiet page, roles that keep their colour on every tab, light and dark, nothing fetched from outside."""

import gradio as gr

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")

THEME = gr.themes.Default(
    primary_hue=gr.themes.colors.blue,
    neutral_hue=gr.themes.colors.slate,
    text_size=gr.themes.Size(
        name="text_legible", xxs="12px", xs="12px", sm="13px", md="14px", lg="16px", xl="22px", xxl="26px"
    ),
    font=FONT,
    font_mono=MONO,
).set(
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_text_color="white",
    block_label_text_color="*neutral_700",
    color_accent="*primary_700",
    slider_color="*primary_600",
    slider_color_dark="*primary_400",
    body_text_color_subdued="*neutral_600",
    block_info_text_color="*neutral_600",
    body_background_fill="#fbfbf9",
    body_background_fill_dark="#0f1420",
    block_shadow="none",
    block_border_width="1px",
)

ROLES = {
    "input": ("#475569", "#cbd5e1"),
    "memory": ("#4338ca", "#a5b4fc"),
    "query": ("#1d4ed8", "#93c5fd"),
    "key": ("#b45309", "#fcd34d"),
    "value": ("#15803d", "#86efac"),
    "prediction": ("#a21caf", "#f0abfc"),
    "noise": ("#6b7280", "#9ca3af"),
    "ink": ("#1e293b", "#e2e8f0"),
    "subtle": ("#52606f", "#a3b1c2"),
    "line": ("#d8dee6", "#334155"),
    "paper": ("#ffffff", "#161d2b"),
}


def _variables(index: int) -> str:
    return "".join(f"--gb-{role}: {colors[index]};" for role, colors in ROLES.items())


CSS = (
    f"""
:root {{ {_variables(0)} }}
.dark {{ {_variables(1)} }}
"""
    + """
.gradio-container { width: 100%; max-width: var(--gb-page-width) !important; position: relative;
  margin: 0 auto !important; }
.gb-head h1 { font-size: 1.35rem; font-weight: 650; margin: 0; color: var(--gb-ink); }
.gb-head p { margin: .15rem 0 0; color: var(--gb-subtle); }
.gb-lead { font-size: 1.02rem; line-height: 1.5; color: var(--gb-ink); max-width: 78ch; }
.gb-lead p { margin: .2rem 0; }
.gb-note { color: var(--gb-subtle); line-height: 1.5; max-width: 78ch; position: relative; overflow-x: clip; }
.gb-keeping { margin: 0; color: var(--gb-subtle); font-size: .8rem; line-height: 1.4; max-width: 78ch; }
.gb-finding:not(:has(p)) { display: none; }
.gb-finding p { color: var(--gb-ink); border-left: 3px solid var(--gb-prediction); padding: .1rem 0 .1rem .7rem;
  margin: 0; max-width: 84ch; line-height: 1.45; }
.gb-sketch { margin: .5rem 0; font-size: 13px; }
.gb-sketch svg { max-width: 100%; fill: var(--gb-ink); }
.gb-examples { flex-wrap: wrap; gap: .35rem; }
@media (max-width: 640px) {
  .gb-examples { flex-wrap: nowrap; overflow-x: auto; }
  .gb-examples > * { flex: none; }
  .gb-fold > .label-wrap ~ div { max-height: 40svh; overflow-y: auto; }
}
.gb-figure { background: var(--gb-paper); border: 1px solid var(--gb-line); border-radius: 8px; padding: .75rem; }
.gb-strip { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .8rem; color: var(--gb-subtle);
  border-top: 1px solid var(--gb-line); padding: .45rem .1rem 0; font-variant-numeric: tabular-nums; }
.gb-strip b { font-weight: 600; color: var(--gb-ink); margin-right: .15rem; }
.gb-strip-note { flex-basis: 100%; color: var(--gb-key); }
.gb-words { line-height: 2; overflow-wrap: anywhere; max-height: 14rem; overflow-y: auto; margin-top: .3rem; }
.gb-words > span[style] { border-bottom: 4px solid transparent; padding-bottom: 1px; }
.gb-positive { border-bottom: 4px solid var(--gb-value); }
.gb-negative { border-bottom: 4px solid var(--gb-key); }
.gb-bar { display: inline-block; height: .7em; background: var(--gb-prediction); vertical-align: baseline;
  min-width: 1px; }
.gb-table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
.gb-table th, .gb-table td { text-align: left; padding: .15rem .8rem .15rem 0;
  border-bottom: 1px solid var(--gb-line); }
.gradio-container .prose table.gb-table { border: 0; }
.gradio-container .prose table.gb-table :is(td, th, thead, tr) { border: 0; padding: .15rem .8rem .15rem 0; }
.gradio-container .prose table.gb-table :is(td, th) { border-bottom: 1px solid var(--gb-line); }
.gb-sizes { overflow-x: auto; max-width: 100%; }
.gb-scale { font-size: .75rem; color: var(--gb-subtle); font-variant-numeric: tabular-nums; }
.gb-scale canvas { border: 1px solid var(--gb-line); vertical-align: middle; }
button:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--gb-query); outline-offset: 2px; }
#diffusion-picture img { image-rendering: pixelated; width: 128px; height: 128px; object-fit: contain;
  margin: 32px auto 0; }
#diffusion-image img { image-rendering: pixelated; width: 96px; height: 96px; object-fit: contain;
  margin: 24px auto 0; }
.gb-pixel { font-size: .82rem; font-variant-numeric: tabular-nums; border-collapse: collapse; margin: .5rem 0;
  color: var(--gb-ink); display: block; overflow-x: auto; }
.gb-pixel caption { text-align: left; color: var(--gb-subtle); padding-bottom: .25rem; }
.gradio-container .prose table.gb-pixel, .gradio-container .gb-pixel :is(td, th, thead, tr) { border: 0; padding: 0; }
.gradio-container .gb-pixel :is(td, th) { padding: .15rem .7rem .15rem 0; text-align: left; font-weight: 400; }
.gradio-container .gb-pixel .gb-total > * { border-top: 1px solid var(--gb-line); font-weight: 600; }
.gb-entry { display: flex; gap: 1rem; align-items: center; color: var(--gb-subtle); font-size: .85rem; }
.gb-given { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: end; color: var(--gb-subtle);
  font-size: .85rem; }
.gb-given figure { margin: 0; }
.gb-given img { width: 96px; image-rendering: pixelated; border-radius: 6px; border: 1px solid var(--gb-line);
  background: #4a5260; }
.gb-entry > div { flex: 1; min-width: 0; }
.gb-entry p { margin: .25rem 0 0; }
.gb-timeline { position: relative; height: 18px; margin: 0 9px; --thick: 6px;
  background: linear-gradient(var(--gb-line), var(--gb-line)) center / 100% var(--thick) no-repeat; }
.gb-timeline i { position: absolute; top: 0; height: 100%; width: 1px; background: var(--gb-subtle); opacity: .5; }
.gb-timeline s { position: absolute; left: var(--place); right: 0; top: 6px; height: 6px; border-radius: 3px;
  background: var(--gb-prediction); }
.gb-timeline b { position: absolute; left: var(--place); top: 1px; width: 16px; height: 16px; margin-left: -8px;
  border-radius: 8px; background: var(--gb-prediction); }
.gb-entry .gb-ends { display: flex; justify-content: space-between; font-size: .75rem; }
.gb-entry img { width: 96px; image-rendering: pixelated; border-radius: 6px; border: 1px solid var(--gb-line); }
.gb-nearest img { width: 48px; height: 48px; image-rendering: pixelated; background: #4a5260; border-radius: 4px; }
.gb-maps figure, .gb-fields figure, .gb-robust figure { margin: 0; min-width: 0; }
.gb-maps img, .gb-fields img { width: 100%; image-rendering: pixelated; border-radius: 4px; margin: 0; }
.gb-maps figcaption, .gb-fields figcaption { font-size: .75rem; line-height: 1.3; color: var(--gb-subtle); }
.gb-maps-row { display: grid; grid-template-columns: 6.5rem repeat(7, minmax(0, 1fr)); gap: .5rem; margin: .7rem 0; }
.gb-maps-row > div { font-size: .82rem; color: var(--gb-subtle); line-height: 1.4; }
.gb-fields, .gb-robust { display: grid; grid-template-columns: repeat(auto-fill, minmax(128px, 1fr)); gap: .7rem; }
.gb-robust { grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); font-size: .78rem; color: var(--gb-subtle); }
.gb-robust figcaption { color: var(--gb-ink); font-weight: 600; min-height: 3em; display: flex; align-items: end; }
.gb-robust svg { display: block; width: 100%; font-size: 12px; fill: var(--gb-subtle); }
.gb-video { margin: 0; color: var(--gb-subtle); font-size: .85rem; font-variant-numeric: tabular-nums; }
.gb-video img { display: block; max-width: 100%; max-height: 480px; margin: 0 auto; border-radius: 6px; }
.gb-video [role=progressbar] { background: var(--gb-line); border-radius: 4px; margin: .4rem 0 .2rem; }
.gb-video [role=progressbar] i { display: block; height: 8px; background: var(--gb-prediction); }
.gb-neighbours { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.4rem; font-size: .85rem; }
.gb-neighbours h3 { margin: 0; font-size: .92rem; color: var(--gb-ink); }
.gb-neighbours p { margin: .2rem 0 .5rem; color: var(--gb-subtle); }
.gb-neighbours ol { list-style: none; margin: 0; padding: 0; }
.gb-neighbours li { display: grid; grid-template-columns: 1.4rem minmax(0, 1fr) auto 2.4rem; gap: .1rem .5rem;
  color: var(--gb-subtle); font-variant-numeric: tabular-nums; margin: .3rem 0; }
.gb-neighbours li b { font-weight: 400; color: var(--gb-ink); overflow: hidden; text-overflow: ellipsis; }
.gb-neighbours li.is-majority b, .gb-neighbours p b { font-weight: 600; color: var(--gb-prediction); }
.gb-neighbours li span:last-of-type { text-align: right; }
.gb-neighbours i { grid-column: 1 / -1; height: .3rem; border-radius: 3px; background:
  linear-gradient(var(--gb-memory), var(--gb-memory)) 0 / var(--share) 100% no-repeat,
  color-mix(in srgb, var(--gb-line) 45%, transparent); }
.gb-shown { display: grid; gap: .6rem; font-size: .8rem; margin-bottom: .8rem; }
.gb-shown h3 { margin: 0 0 .3rem; font-size: .92rem; color: var(--gb-ink); }
.gb-shown ul { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem;
  grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); }
.gb-shown li { display: grid; gap: .15rem; align-content: start; margin: 0; color: var(--gb-ink); max-width: 140px; }
.gb-shown img { width: 112px; height: 112px; border-radius: 4px; margin: 0; }
.gb-shown a { color: var(--gb-subtle); text-decoration: underline; }
.gb-legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .82rem; color: var(--gb-ink); }
.gb-legend svg { display: inline; vertical-align: middle; }
.katex-display { position: relative; overflow-x: auto; overflow-y: hidden; max-width: 100%; }
@media (max-width: 640px) {
  .gradio-container { padding: .5rem !important; }
  .gb-figure { padding: .4rem; }
  .gb-neighbours { grid-template-columns: minmax(0, 1fr); }
  .gb-maps-row { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .gb-robust { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (prefers-reduced-motion: reduce) { * { animation: none !important; transition: none !important; } }
"""
)
