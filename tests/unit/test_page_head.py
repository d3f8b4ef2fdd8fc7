"""The head of the page: ours instead of Gradio's, for browsers, for who shows a link, and without scripts."""

import re

from demos.page_head import DESCRIPTION, NO_SCRIPT, OLD_BROWSER, TITLE, dressed
from demos.ui import files

GRADIO = """<!doctype html>
<html lang="en"><head>
    <meta charset="utf-8" />
    <meta property="og:title" content="Gradio" />
    <meta
      property="og:image"
      content="https://raw.githubusercontent.com/gradio-app/header-image.jpg"
    />
    <meta name="twitter:creator" content="@Gradio" />
    <script>window.gradio_config = {"root": "https://glass.example/box", "x": 1};</script>
</head><body><gradio-app eager="true"></gradio-app></body></html>"""


def test_gradio_s_own_name_and_picture_are_gone_and_ours_are_there():
    page = dressed(GRADIO)
    assert "Gradio" not in page and "raw.githubusercontent" not in page
    assert f"<title>{TITLE}</title>" in page and page.count(DESCRIPTION) == 2
    picture = re.search(r'og:image" content="https://glass\.example/box/ui/[0-9a-f]{16}/(.*?)"', page)
    assert picture and picture[1] in files()


def test_the_icon_is_a_file_of_ours():
    icon = re.search(r'rel="icon" [^>]*/ui/[0-9a-f]{16}/(.*?)"', dressed(GRADIO))
    assert icon and icon[1] in files()


def test_without_scripts_one_sentence_says_why_nothing_is_drawn():
    assert f"<noscript><p>{NO_SCRIPT}</p></noscript>" in dressed(GRADIO)


def test_other_pages_stay_as_they_are():
    assert dressed("<html><head></head></html>") == "<html><head></head></html>"


def test_the_sentence_for_old_browsers_comes_before_any_other_script():
    scripts = re.findall(r"<script>(.*?)</script>", dressed(GRADIO), re.S)
    assert OLD_BROWSER in scripts[0]
    assert not re.search(r"=>|\b(let|const)\b|`|\?\.", scripts[0]), "words that old browsers do not understand"
