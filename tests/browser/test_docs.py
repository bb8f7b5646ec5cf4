"""The page at /docs: someone reads about a path, gives a key and a photo, and sees the answer."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.actions import photo
from tests.browser.conftest import keep_screenshot
from tests.browser.fakes import PageClassifier
from tests.support.asgi_server import served
from tests.unit.gateway.fakes import application

pytestmark = pytest.mark.browser


def test_try_it_out(page: Page, classifier: PageClassifier) -> None:
    with served(application(classifier, api_keys="secret")) as url:
        page.goto(f"{url}/docs")
        page.get_by_role("button", name="Authorize").click()
        page.locator(".modal-ux").get_by_role("textbox").first.fill("secret")
        page.get_by_role("button", name="Apply credentials").first.click()
        page.get_by_role("button", name="Close").first.click()
        page.get_by_text("Classify a photo of waste", exact=True).click()
        page.get_by_role("button", name="Try it out").click()
        page.locator("input[type=file]").set_input_files([photo()])
        page.get_by_role("button", name="Execute").click()
        expect(page.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
        expect(page.locator(".live-responses-table")).to_contain_text('"pred_class": "plastic"')
        keep_screenshot(page, "docs")
