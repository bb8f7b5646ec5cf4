"""A machine without a camera."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("--use-fake-device-for-media-stream=device-count=0") as browser:
        yield browser


def test_without_a_camera(browser: Browser, url: str) -> None:
    context = browser.new_context(permissions=["camera"])
    page = context.new_page()
    page.goto(url)
    page.get_by_role("button", name="Camera on").click()
    expect(page.get_by_role("alert")).to_have_text("No camera was found. Plug one in, or choose photos instead.")
    expect(page.locator("#live")).to_be_hidden()
    context.close()
