"""The head of the page, which Gradio fills with its own name: title, description, picture, icon; what is said without
scripts; and the visitor's choices of display, which must be known before Gradio starts.
"""

import html
import re

from demos.ui import version
from demos.words import LANGUAGES

TITLE = "Glassbox: watch deep learning think"
DESCRIPTION = (
    "Recurrent networks, attention, vision transformers, detection and diffusion, opened up: "
    "every number on these pages is computed by the model that runs, now."
)
NO_SCRIPT = "Glassbox draws its figures with JavaScript, which this browser does not run: switch it on and reload."
OLD_BROWSER = (
    "This browser is an old one: shades and marks of some figures are missing in it. "
    "Chromium 111, Firefox 115, Safari 16.4 and newer ones show everything."
)

_OTHERS = re.compile(r'[ \t]*<meta\s+(?:property|name)="(?:og|twitter):[^>]*/>\n?')
_ROOT = re.compile(r'"root": ?"(https?://[^"\s]+)"')

CHOICES = """<script>
(() => {
  const page = document.documentElement;
  const kept = (name) => { try { return localStorage.getItem(`glassbox-${name}`); } catch { return null; } };
  const languages = %(languages)s;
  const chosen = kept("language");
  if (languages.includes(chosen))
    for (const [name, value] of [["language", chosen], ["languages", [chosen]]])
      Object.defineProperty(navigator, name, { get: () => value });
  const language = navigator.language.split("-")[0];
  page.lang = languages.includes(language) ? language : "en";
  for (const name of ["type", "signs"]) if (kept(name)) page.dataset[name] = kept(name);
})();
</script>
"""
OLD = """<script>
(function () {
  var shades = window.CSS && CSS.supports && CSS.supports("color", "color-mix(in srgb, red, red)");
  var lists = typeof Array.prototype.toSorted === "function";
  if (shades && lists) return;
  document.addEventListener("DOMContentLoaded", function () {
    var note = document.createElement("p");
    note.setAttribute("role", "status");
    note.className = "gb-old";
    note.textContent = "%s";
    document.body.insertBefore(note, document.body.firstChild);
  });
})();
</script>
"""
"""In words that every browser understands."""


def dressed(page: str) -> str:
    """Gradio's page with our head. `page` is its HTML; whatever is not found in it is left alone."""
    if "<gradio-app" not in page:
        return page
    page = _OTHERS.sub("", page)
    root = _ROOT.search(page)
    head = OLD % OLD_BROWSER + CHOICES % {"languages": list(LANGUAGES)} + _tags(root[1].rstrip("/") if root else ".")
    page = page.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n{head}', 1)
    return page.replace("<gradio-app", f"<noscript><p>{NO_SCRIPT}</p></noscript>\n<gradio-app", 1)


def _tags(root: str) -> str:
    """Tags for browsers and for whoever shows a link; `root` is the address of the app, as they want it whole."""
    files = f"{root}/ui/{version()}/page"
    tags = {
        "description": DESCRIPTION,
        "og:type": "website",
        "og:title": TITLE,
        "og:description": DESCRIPTION,
        "og:image": f"{files}/picture.png",
        "twitter:card": "summary_large_image",
    }
    lines = [f"<title>{TITLE}</title>", f'<link rel="icon" type="image/svg+xml" href="{files}/icon.svg">']
    for name, content in tags.items():
        kind = "property" if name.startswith("og:") else "name"
        lines.append(f'<meta {kind}="{name}" content="{html.escape(content)}">')
    return "\n".join(lines) + "\n"
