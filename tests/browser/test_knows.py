"""The page says what the service knows, and its limits."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import choose, expect_word, photo
from tests.browser.fakes import PageClassifier

pytestmark = pytest.mark.browser


def test_classes_accuracies_and_a_good_photo(page: Page, url: str) -> None:
    page.goto(url)
    knows = page.get_by_role("group").filter(has_text="What it knows")
    expect(knows.locator("#classes li")).to_have_text(["glass", "paper", "cardboard", "plastic", "metal", "trash"])
    rows = knows.get_by_role("row")
    expect(rows.nth(1)).to_have_text("small model70 of 10040 of 100")
    expect(rows.nth(2)).to_have_text("large model90 of 10060 of 100")
    expect(rows.nth(0)).to_contain_text("photos from other places")
    expect(knows.get_by_text("A good photo: one thing, close up, in good light")).to_be_visible()
    assert knows.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_limits_are_a_link_away(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 1200, "height": 400})
    page.goto(url)
    limits = page.get_by_role("heading", name="Limits")
    expect(limits).not_to_be_in_viewport()
    page.get_by_role("link", name="Limits").click()
    expect(limits).to_be_in_viewport()
    expect(page.get_by_text("a shoe or a battery gets one of its names too")).to_be_visible()


def test_it_folds_away_with_the_first_photo(page: Page, url: str) -> None:
    page.goto(url)
    expect(page.locator("#accuracies")).to_be_visible()
    choose(page, photo())
    expect_word(page, "photo.jpg", "metal")
    expect(page.locator("#accuracies")).to_be_hidden()
    page.get_by_text("What it knows").click()
    expect(page.locator("#accuracies")).to_be_visible()


def test_nothing_is_claimed_that_was_not_measured(page: Page, url: str, classifier: PageClassifier) -> None:
    classifier.accuracies = {"raw": None, "pretrained": 0.9}
    page.goto(url)
    expect(page.locator("#accuracies tr")).to_have_text(["large model90 of 10060 of 100"])
    classifier.accuracies = {"raw": None, "pretrained": None}
    page.reload()
    expect(page.locator("#classes li")).to_have_count(6)
    expect(page.locator("#how-often")).to_be_hidden()
