"""How the page looks: nothing runs out of it, everything can be read. The screenshots are for people to look at."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import choose, expect_word, photo, text_file
from tests.browser.conftest import keep_screenshot
from tests.browser.fakes import PLASTIC, PageClassifier

pytestmark = pytest.mark.browser

#: WCAG 2.2, level AA, for text that is not large (https://www.w3.org/TR/WCAG22/#contrast-minimum).
LEAST_CONTRAST = 4.5

_TOO_PALE = """(least) => {
    const parse = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const channel = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    const luminance = ([r, g, b]) =>
        0.2126 * channel(r / 255) + 0.7152 * channel(g / 255) + 0.0722 * channel(b / 255);
    const ground = (element) => {
        for (let each = element; each; each = each.parentElement) {
            const colour = parse(getComputedStyle(each).backgroundColor);
            if (colour.length === 3 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll("body *")]
        .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .filter((element) => element.checkVisibility())
        .map((element) => {
            const pair = [luminance(parse(getComputedStyle(element).color)), luminance(ground(element))];
            const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
            return [ratio, element.outerHTML.slice(0, 80)];
        })
        .filter(([ratio]) => ratio < least);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_wide_and_narrow_in_light_and_dark(
    browser: Browser, url: str, classifier: PageClassifier, width: int, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, has_touch=width == 320, is_mobile=width == 320
    )
    page = context.new_page()
    page.goto(url)
    keep_screenshot(page, f"start-{width}-{scheme}")
    choose(page, photo("bottle on a table.jpg", 800, 600))
    expect_word(page, "bottle on a table.jpg", "metal")
    classifier.answers["pretrained"] = PLASTIC
    choose(page, photo("a photo with a name that is long enough to be broken into lines.jpg", 300, 600), text_file())
    expect_word(page, "notes.jpg", "no answer")
    expect(page.get_by_role("heading", name="not sure")).to_be_visible()
    expect(page.get_by_text("Next photo")).to_be_visible(visible=width == 320)
    keep_screenshot(page, f"answers-{width}-{scheme}")
    assert runs_out(page) == 0
    assert page.evaluate(_TOO_PALE, LEAST_CONTRAST) == []
    context.close()


def runs_out(page: Page) -> int:
    """By how many pixels the content is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
