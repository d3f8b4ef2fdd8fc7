"""Takes the pictures of README.md from the running app: `make pictures`."""

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.conftest import CHROMIUM, CHROMIUM_FLAGS, running_app

HERE = Path(__file__).resolve().parent
SETTLE_MILLISECONDS = 6000
RUN_BUTTONS = {
    "sequences": "A story",
    "attention": "Show attention",
    "vit": "A cheetah",
    "detection": "Ten things",
    "diffusion": "Generate",
}


def main() -> None:
    """Open every tab, run it once, and save `docs/<tab>.png`."""
    with running_app() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        for slug, button in RUN_BUTTONS.items():
            context = browser.new_context(base_url=url, viewport={"width": 1200, "height": 900})
            take(context.new_page(), slug, button)
            context.close()
        browser.close()


def take(page: Page, slug: str, button: str) -> None:
    """Run one tab and save its picture."""
    page.goto(f"/?tab={slug}")
    panel: Any = page.locator(".tabitem:visible").first
    panel.wait_for()
    panel.get_by_role("button", name=button).first.click()
    panel.locator(".gb-strip b", has_text="parameters").first.wait_for(timeout=120_000)
    page.wait_for_timeout(SETTLE_MILLISECONDS)
    page.screenshot(path=HERE / f"{slug}.png", full_page=True)


if __name__ == "__main__":
    main()
