"""Takes the pictures of README.md from the running app: `make pictures`."""

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from models.video import VideoFile
from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, running_app, write_y4m

HERE = Path(__file__).resolve().parent
EXAMPLE_VIDEO = HERE.parent / "assets" / "media" / "detection-video.mp4"
SETTLE_MILLISECONDS = 6000
SHOTS = {
    "sequences": ("sequences", None, "A story"),
    "sequences-edit": ("sequences", "Edit the memory", "Edit and read on"),
    "attention": ("attention", None, "Run"),
    "attention-weighted-sum": ("attention", "A weighted sum", "Run"),
    "attention-translation": ("attention", "Live translation", "All"),
    "vit": ("vit", None, "An elephant"),
    "vit-damage": ("vit", "Break it: CNN and ViT", "A stop sign"),
    "detection": ("detection", None, "Ten things"),
    "detection-live": ("detection", "The live camera", "Start the camera"),
    "diffusion": ("diffusion", None, "Generate"),
}
"""For each picture the tab, the page in it (None: the one it opens with), and the button to press."""


def main() -> None:
    """Open every page, run it once, and save `docs/<name>.png`."""
    with running_app() as url, sync_playwright() as playwright:
        camera = HERE.parent / "artefacts" / "camera.y4m"
        write_y4m(camera, [frame.image for frame in VideoFile(EXAMPLE_VIDEO).frames()])
        flags = [*CHROMIUM_FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        for name, shot in SHOTS.items():
            context = browser.new_context(base_url=url, viewport={"width": 1200, "height": 900}, permissions=["camera"])
            take(context.new_page(), name, *shot)
            context.close()
        browser.close()


def take(page: Page, name: str, slug: str, title: str | None, button: str) -> None:
    """Run one page and save its picture."""
    page.goto(f"/?tab={slug}")
    panel: Any = page.locator(f"#tab-{slug}")
    panel.wait_for()
    if title:
        panel.get_by_role("tab", name=title, exact=True).click()
    panel.get_by_role("button", name=button, exact=True).locator("visible=true").first.click()
    panel.locator(".gb-strip:visible b", has_text="parameters").first.wait_for(timeout=120_000)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=HERE / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
