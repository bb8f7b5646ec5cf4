"""The page on a phone of 360 by 740 pixels: what is seen without scrolling."""

import json
from collections.abc import Iterator
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.actions import card, choose, expect_word, photo
from tests.browser.conftest import keep_screenshot
from tests.browser.fakes import PLASTIC, PageClassifier

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 360, 740


@pytest.fixture
def phone(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(url)
    yield page
    context.close()


def box(part: Locator) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is drawn, in pixels of the window."""
    found = part.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


def covered(part: Locator, page: Page) -> bool:
    """Whether any of it is out of the window or under the buttons at its lower edge."""
    left, top, right, bottom = box(part)
    return left < 0 or top < 0 or right > WIDTH or bottom > box(page.locator("#ask .buttons"))[1]


def test_answer_is_seen_without_scrolling_and_the_next_photo_is_in_reach(
    phone: Page, classifier: PageClassifier
) -> None:
    camera, chosen = (phone.locator("label.button").filter(has=phone.locator(name)) for name in ("#camera", "#choose"))
    expect(phone.get_by_text("Photograph one thing, close up, in good light.")).to_be_visible()
    assert box(camera)[3] <= box(chosen)[1]
    assert box(camera)[2] - box(camera)[0] > 0.75 * WIDTH
    keep_screenshot(phone, "phone-start")
    for name, word in (("first.jpg", "metal"), ("second.jpg", "not sure")):
        choose(phone, photo(name, 1200, 1600))
        expect_word(phone, name, word)
        found = card(phone, name)
        picture, heading = found.locator(".photo"), found.get_by_role("heading", level=2)
        for part in (picture, heading, found.locator(".share"), found.locator(".advice")):
            assert not covered(part, phone), part
        assert box(picture)[2] <= box(heading)[0], "the photo is a thumbnail beside the word"
        assert box(picture)[2] - box(picture)[0] < WIDTH / 3
        expect(phone.get_by_role("button", name="Tin can")).to_be_hidden()
        classifier.answers["pretrained"] = PLASTIC
    for how_far in (0, 5000):
        phone.evaluate("top => scrollTo({ top, behavior: 'instant' })", how_far)
        expect(camera).to_have_text("Next photo", use_inner_text=True)
        assert box(camera)[1] > HEIGHT / 2
        assert box(camera)[3] <= HEIGHT


def test_map_scrolls_into_view(phone: Page, classifier: PageClassifier) -> None:
    classifier.answers["pretrained"] = PLASTIC
    choose(phone, photo("can.jpg", 1200, 900))
    expect_word(phone, "can.jpg", "not sure")
    found = card(phone, "can.jpg")
    before = box(found.locator("h2"))
    found.get_by_role("button", name="Show why").last.click()
    expect(found.locator(".heat")).to_have_attribute("alt", "Heat map of the large model for plastic")
    expect(found.locator(".heat")).to_be_in_viewport(ratio=1)
    assert not covered(found.locator(".heat"), phone)
    after = box(found.locator("h2"))
    assert after[3] - after[1] == pytest.approx(before[3] - before[1]), "the word stays in one line"
    keep_screenshot(phone, "phone-map")


def test_page_can_be_added_to_the_home_screen(phone: Page) -> None:
    session = phone.context.new_cdp_session(phone)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/web/manifest.webmanifest")
    assert manifest["errors"] == []
    assert json.loads(manifest["data"])["name"] == "Bin it right"
    start = urljoin(manifest["url"], json.loads(manifest["data"])["start_url"])
    assert start == phone.url
    missing = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in missing} <= {"in-incognito"}  # as every page of a test is
    icon = phone.locator("link[rel=apple-touch-icon]").get_attribute("href")
    width = "async (href) => (await createImageBitmap(await (await fetch(href)).blob())).width"
    assert phone.evaluate(width, icon) == 512
