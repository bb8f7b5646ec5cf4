"""``bin-it-right dev page-picture``: photograph a running service's page, with a rendering, for the README."""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

_CHROMIUM = Path("/usr/bin/chromium")
_PICTURE = Path(__file__).resolve().parents[1] / "docs" / "page.png"
_SIZE = (1080, 900)
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")


def photograph(url: str, example: str) -> Image.Image:
    """Return the page as it is after someone tried an example and asked where the last model looked."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=_FLAGS, chromium_sandbox=False)
        page = browser.new_page(viewport={"width": _SIZE[0], "height": _SIZE[1]})
        page.goto(url)
        page.get_by_role("button", name=example).click()
        page.locator(".card:not([aria-busy]) .look").last.click()
        page.locator(".heat").wait_for()
        page.mouse.move(0, 0)
        content = page.screenshot(full_page=True)
        browser.close()
    return Image.open(io.BytesIO(content))


def main() -> int:
    """Write docs/page.png."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://localhost:8080")
    parser.add_argument("--example", default="Plastic bottle")
    arguments = parser.parse_args()
    if not _CHROMIUM.exists():
        print(f"error: {_CHROMIUM} is missing: apt-get install chromium", file=sys.stderr)
        return 1
    picture = photograph(arguments.url, arguments.example)
    picture.convert("RGB").quantize(256).save(_PICTURE, optimize=True)
    print(f"wrote {_PICTURE}, {_PICTURE.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
